"""Where a region is reached from outside: what failover records and tunnels of other regions point to. Pure."""

from contracts.accounts import TargetName
from contracts.environment import Environment
from stacks.declaration import Argument, Ref
from stacks.targets.estate import network_key


def address_key(region: str) -> str:
    """Key of the public address that a cloud's region keeps with its network."""
    return f"{network_key(region)}/address"


def front_of(region: str, environment: Environment, *, root: str) -> Argument:
    """The public address of a region, as something in `root` refers to it; empty where a region has none."""
    elsewhere = region if root != region else ""
    match environment.target_of(region):
        case TargetName.AWS:
            return Ref(key=address_key(region), attribute="public_ip", root=elsewhere)
        case TargetName.GCP:
            return Ref(key=address_key(region), attribute="address", root=elsewhere)
        case TargetName.ESTATE:
            settings = environment.region(region)
            return settings.gateway if settings else ""
