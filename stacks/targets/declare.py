"""`declare`: all resources of a plan as declarations, each by the target that its region lies in. Pure.

A region is on premises or in a cloud; what joins two regions is declared by both of their targets, each its own side.
"""

from collections.abc import Iterable, Mapping, Sequence

from contracts.environment import Environment, TargetName
from contracts.names import is_link, link_ends
from contracts.resources import Resource
from stacks.declaration import ESTATE_PROVIDER, Declaration, ProviderConfig
from stacks.targets import estate


def declare(resources: Sequence[Resource], environment: Environment) -> tuple[Declaration, ...]:
    """Declarations of all resources, in the order of their keys.

    Raises:
        InvalidArgument: a target has nothing that a resource could be.
    """
    on_premises = [item for item in resources if TargetName.ESTATE in targets_of(item.place, environment)]
    declared = list(estate.declare(on_premises, environment))
    return tuple(sorted(declared, key=lambda item: item.key))


def providers(environment: Environment) -> Mapping[str, ProviderConfig]:
    """The providers that an environment's declarations name."""
    return {ESTATE_PROVIDER: ProviderConfig(name=ESTATE_PROVIDER, provider=ESTATE_PROVIDER)}


def targets_of(place: str, environment: Environment) -> frozenset[TargetName]:
    """The targets that a region lies in, or the two ends of a link."""
    return frozenset(environment.target_of(region) for region in (link_ends(place) if is_link(place) else (place,)))


def by_root(declarations: Iterable[Declaration]) -> Mapping[str, tuple[Declaration, ...]]:
    """Declarations by the root that they live in."""
    found: dict[str, list[Declaration]] = {}
    for item in declarations:
        found.setdefault(item.root, []).append(item)
    return {root: tuple(items) for root, items in found.items()}
