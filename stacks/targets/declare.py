"""`declare`: all resources of a plan as declarations, each by the target that its region lies in. Pure.

A region is on premises or in a cloud; what joins two regions is declared by both of their targets, each its own side.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from contracts.accounts import TargetName
from contracts.environment import Environment
from contracts.names import place_ends
from contracts.resources import Resource
from stacks.declaration import ESTATE_PROVIDER, Declaration, ProviderConfig
from stacks.targets import aws, estate, gcp
from stacks.targets.adopted import as_found

DECLARE: Mapping[TargetName, Callable[[Sequence[Resource], Environment], tuple[Declaration, ...]]] = {
    TargetName.ESTATE: estate.declare,
    TargetName.AWS: aws.declare,
    TargetName.GCP: gcp.declare,
}
PROVIDERS: Mapping[TargetName, Callable[[str, Environment], ProviderConfig]] = {
    TargetName.AWS: aws.provider_of,
    TargetName.GCP: gcp.provider_of,
}


def declare(resources: Sequence[Resource], environment: Environment) -> tuple[Declaration, ...]:
    """Declarations of all resources, in the order of their keys.

    Raises:
        InvalidArgument: a target has nothing that a resource could be.
    """
    declared: list[Declaration] = []
    for target, declare_there in DECLARE.items():
        theirs = [item for item in resources if target in targets_of(item.place, environment)]
        declared += declare_there(theirs, environment)
    return tuple(sorted(as_found(declared, environment), key=lambda item: item.key))


def providers(environment: Environment) -> Mapping[str, ProviderConfig]:
    """The providers that an environment's declarations name."""
    found = {ESTATE_PROVIDER: ProviderConfig(name=ESTATE_PROVIDER, provider=ESTATE_PROVIDER)}
    for region in environment.regions:
        if provider_of := PROVIDERS.get(environment.target_of(region.name)):
            found[region.name] = provider_of(region.name, environment)
    return found


def targets_of(place: str, environment: Environment) -> frozenset[TargetName]:
    """The targets that a region lies in, or the two ends of a link."""
    return frozenset(environment.target_of(region) for region in place_ends(place))


def by_root(declarations: Iterable[Declaration]) -> Mapping[str, tuple[Declaration, ...]]:
    """Declarations by the root that they live in."""
    found: dict[str, list[Declaration]] = {}
    for item in declarations:
        found.setdefault(item.root, []).append(item)
    return {root: tuple(items) for root, items in found.items()}
