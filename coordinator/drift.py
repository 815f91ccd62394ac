"""`find_drift`: what was applied last, what is live, what is wanted, and what the ledger explains. Never writes."""

from contracts.drift import DriftReport
from coordinator.project import Project
from stacks.drift import ThreeViews, compare
from stacks.targets.declare import declare


def find_drift(project: Project) -> DriftReport:
    """Compares three ways, as of now, and not in the middle of an apply.

    Raises:
        ApplyBusy: an apply has been running for longer than we wait.
    """
    with project.patient_lock("prestage drift"):
        return compare_live(project)


def compare_live(project: Project) -> DriftReport:
    """The comparison itself. The caller holds the estate's lock: the engine's state is read."""
    earlier = project.archived(project.journal.last_applied())
    wanted = [planned.resource for planned in earlier.resources] if earlier else []
    views = ThreeViews(
        last=project.engine.applied(),
        live={row.key: row for row in project.inventory.listing(project.environment.name)},
        wanted={item.key: item for item in declare(wanted, project.environment)},
        ledger=project.ledger.view(),
    )
    return compare(views, read_at=project.clock())
