"""Resources of Google Cloud's regions, and of what leads out of them, for tests of the target."""

from contracts.environment import Environment
from contracts.names import is_link, link_ends
from contracts.resources import CircuitSpec, ComputeSpec, LinkSpec, Purchase, Resource, StorageSpec
from stacks.targets import gcp
from tests.clouds.clouds_world import every_kind_of, mixed_environment, resource

GOOGLE = frozenset(("bel", "ost"))
ENVIRONMENT = mixed_environment()


def touching_google(environment: Environment = ENVIRONMENT) -> list[Resource]:
    """One of each kind in both regions, what joins them, and what leads to AWS and to premises."""
    found = [item for item in every_kind_of(environment) if GOOGLE.intersection(ends(item.place))]
    found += [
        resource("ams--bel/link", LinkSpec()),
        resource("ams--bel/circuit/serving/10g", CircuitSpec(tier="10g", gbps=10, count=2)),
        resource("bel/compute/serving/e2-highmem-8", committed("e2-highmem-8", 3)),
        resource("bel/storage/serving/regional-pd-ssd", StorageSpec(storage_class="regional-pd-ssd", gib=20)),
        resource(
            "bel/storage/serving/hyperdisk-balanced",
            StorageSpec(storage_class="hyperdisk-balanced", gib=100, iops=9000, throughput_mibps=400),
        ),
    ]
    return found


def within_google(environment: Environment) -> list[Resource]:
    """The part of it that needs nothing but Google Cloud, and a link to premises."""
    return [item for item in touching_google(environment) if "fra" not in ends(item.place)]


def committed(shape: str, count: int) -> ComputeSpec:
    return ComputeSpec(shape=shape, count=count, purchase=Purchase.COMMITTED)


def buying(environment: Environment) -> Environment:
    """The same, where commitments are bought."""
    accounts = tuple(item.model_copy(update={"buy_commitments": True}) for item in environment.accounts)
    return environment.model_copy(update={"accounts": accounts})


def declared(resources, environment=ENVIRONMENT):
    """Declarations by key."""
    return {item.key: item for item in gcp.declare(resources, environment)}


def ends(place: str) -> tuple[str, ...]:
    return link_ends(place) if is_link(place) else (place,)
