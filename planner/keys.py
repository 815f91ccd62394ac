"""Keys of planned resources. Part of the plan's meaning: a key that changes is a resource made anew.

Compute, storage and circuits carry their item in the key, because another item is another resource; blocks their
prefix. Staged units end in a number, granted ones in the id of the request that they were made for.
"""

from contracts.resources import Purpose, ResourceKind


def network_key(region: str) -> str:
    """`fra/network`."""
    return f"{region}/network"


def link_key(link: str) -> str:
    """`ams--fra/link`."""
    return f"{link}/link"


def failover_key(region: str, partner: str) -> str:
    """`fra/failover/ams`: what `ams` carries when `fra` is lost."""
    return f"{region}/failover/{partner}"


def alert_key(region: str, metric: str) -> str:
    """`fra/alert/vcpu`, `fra/alert/storage-gib`: an underscore could not be read back from Terraform's labels."""
    return f"{region}/alert/{metric.replace('_', '-')}"


def item_key(place: str, kind: ResourceKind, purpose: Purpose, item: str) -> str:
    """`fra/compute/serving/m8`, `fra/storage/staged/standard`, `ams--fra/circuit/serving/10g`."""
    return f"{place}/{kind}/{purpose}/{item}"


def block_key(region: str, purpose: Purpose, prefix: str) -> str:
    """`fra/block/serving/10.16.0.0-24`."""
    return item_key(region, ResourceKind.BLOCK, purpose, prefix.replace("/", "-"))


def unit_key(stem: str, suffix: str) -> str:
    """`fra/compute/staged/s4/0001`: one unit, by number or request."""
    return f"{stem}/{suffix}"
