"""A capacity snapshot that was saved (`prestage capacity --json > FILE`) in place of what is live.

For whoever plans without credentials for the clouds, or asks what-if of another hour. How old it may be is the
environment's `capacity.max_age_minutes`, which the planner looks at.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from contracts.capacity import CapacitySnapshot, LiveResource
from contracts.capacity_consistency import check_capacity
from contracts.errors import MalformedDocument
from contracts.files import read_document

if TYPE_CHECKING:
    from coordinator.project import Project


def read_saved(project: "Project", path: Path) -> CapacitySnapshot:
    """The snapshot of a file, its resources in the roots that the engine's state says.

    Raises:
        DocumentError: no such file, not a snapshot, altered, odd, or of regions none of which could be read.
    """
    snapshot = read_document(CapacitySnapshot, path)
    check_capacity(snapshot, where=str(path))
    readable = {facts.region for facts in snapshot.regions if facts.readable}
    mine = {region.name for region in project.environment.regions}
    if readable.isdisjoint(mine) and snapshot.environment == project.environment.name:
        why = "; ".join(f"{item.region}: {item.failed}" for item in snapshot.readings if item.failed)
        raise MalformedDocument(
            f"no region of {snapshot.environment} could be read when it was saved{f' ({why})' if why else ''}",
            where=str(path),
            expected=f"at least one of {', '.join(sorted(mine))}",
            next_step=f"prestage capacity --env {snapshot.environment} --json > {path}",
        )
    roots = {key: applied.root for key, applied in project.engine.applied().items()}
    resources = tuple(_rooted(item, roots.get(item.resource.key)) for item in snapshot.resources)
    return snapshot.model_copy(update={"resources": resources})


def _rooted(item: LiveResource, root: str | None) -> LiveResource:
    if root is None or item.resource.root == root:
        return item
    return item.model_copy(update={"resource": item.resource.model_copy(update={"root": root})})
