"""What lives now on all targets of an environment: the inventory, and its clouds region by region.

A region that cannot be read is never empty: its figures are those of its last reading, it is marked as not readable,
and whoever plans leaves it as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from contracts.capacity import CapacitySnapshot
from contracts.names import is_link, place_ends
from stacks.capacity.estate import read_part
from stacks.capacity.join import join_parts
from stacks.capacity.live import Known, plan_key
from stacks.clouds.cloud import CloudResource
from stacks.declaration import ESTATE_PROVIDER
from stacks.engines.engine import AppliedResource
from stacks.errors import CloudError

if TYPE_CHECKING:
    from coordinator.project import Project

RECENT = timedelta(minutes=10)
"""What a score or a review may lean on: clouds' quotas and pools change by the hour, and reading them takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What lives now, and why some regions could not be read."""

    snapshot: CapacitySnapshot
    failures: Mapping[str, CloudError]


Tagged = Mapping[str, "tuple[CloudResource, ...] | CloudError"]
"""By region in a cloud: what carries our tags there, or why that could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is costly to ask and several want to know; read once, under the estate's lock, and handed on.

    Attributes:
        applied: what the engine's state holds, by key.
        tagged: what clouds have under our tags.
    """

    applied: Mapping[str, AppliedResource]
    tagged: Tagged

    @property
    def roots(self) -> Mapping[str, str]:
        """The root of everything that the engine's state holds, by key."""
        return {key: item.root for key, item in self.applied.items()}


def look(project: "Project") -> Looked:
    """Asks the engine's state and every cloud, once. Only under the lock; a region that fails is told in its place."""
    applied = project.engine.applied()
    if not any(region.cloud for region in project.environment.regions):
        return Looked(applied=applied, tagged={})
    from stacks.capacity.clouds import tagged_by_region

    return Looked(applied=applied, tagged=tagged_by_region(project.environment))


def read_now(
    project: "Project", roots: Mapping[str, str], *, young: timedelta = timedelta(0), tagged: Tagged | None = None
) -> Now:
    """Reads every target.

    Args:
        project: the environment.
        roots: key -> root, where the engine knows better than the place's own root.
        young: readings of clouds that are no older than this are taken as they are.
        tagged: what carries our tags in clouds, where that was read just now.
    """
    environment = project.environment
    parts = [read_part(project.inventory, environment, roots)]
    if not any(region.cloud for region in environment.regions):
        return Now(snapshot=join_parts(parts, environment, project.clock()), failures={})
    from stacks.capacity.clouds import Asked, read_clouds
    from stacks.capacity.remembered import Memory

    states = {unit.key: unit.state for unit in project.ledger.view().units}
    found = read_clouds(
        Asked(
            environment=environment,
            catalog=project.catalog,
            known=Known(states=states, roots=roots),
            memory=Memory(project.paths.readings),
            now=project.clock(),
            young=young,
            tagged=tagged,
        )
    )
    return Now(snapshot=join_parts([*parts, *found.parts], environment, project.clock()), failures=found.failures)


def refuse_blindness(now: Now, project: "Project") -> None:
    """Stops where not one region of the environment can be read: a plan would have nothing to say.

    Raises:
        CloudError: the reason of the first of them.
    """
    mine = {region.name for region in project.environment.regions}
    if now.failures and mine <= now.failures.keys():
        raise now.failures[min(now.failures)]


def live_keys(project: "Project", looked: Looked | None = None) -> frozenset[str]:
    """Keys of all that exists, by the plan's and by the declarations' names.

    Of regions that cannot be read: what the engine's state has of them.

    Args:
        project: the environment.
        looked: what was read just now, which so is not read again.
    """
    here = frozenset(row.key for row in project.inventory.listing(project.environment.name))
    if not any(region.cloud for region in project.environment.regions):
        return here
    from stacks.capacity.clouds import tagged_by_region

    keys, unread = set(here), set()
    for region, found in (looked.tagged if looked else tagged_by_region(project.environment)).items():
        if isinstance(found, CloudError):
            unread.add(region)
        else:
            keys |= {key for item in found for key in (item.key, plan_key(item)) if key}
    if unread:
        keys |= {key for key in applied_in_clouds(project, looked) if unread & set(_ends(key))}
    return frozenset(keys)


def standing_keys(project: "Project") -> frozenset[str]:
    """The same without asking a cloud: what the engine's state says is applied there."""
    here = {row.key for row in project.inventory.listing(project.environment.name)}
    return frozenset(here | applied_in_clouds(project)) if project.environment.accounts else frozenset(here)


def applied_in_clouds(project: "Project", looked: Looked | None = None) -> set[str]:
    """Keys that the engine's state has of clouds; with those of the plan's resources that they are a side of."""
    held = looked.applied if looked else project.engine.applied()
    applied = [key for key, item in held.items() if not item.type.startswith(f"{ESTATE_PROVIDER}_")]
    return {key for own in applied for key in (own, _above(own))}


def _above(key: str) -> str:
    above, _, side = key.rpartition("/")
    return above if side in _ends(key) and is_link(key.partition("/")[0]) else key


def _ends(key: str) -> tuple[str, ...]:
    return place_ends(key.partition("/")[0])
