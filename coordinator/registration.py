"""After an apply: the ledger learns which units exist now, and the inventory learns their states."""

from contracts.capacity import Catalog
from contracts.ledger import UnitState
from contracts.plan import Plan
from contracts.resources import BlockSpec, CircuitSpec, ComputeSpec, Purpose, Resource, StorageSpec
from coordinator.follow import follow
from coordinator.ledger import units
from coordinator.ledger.units import Size, Unit
from coordinator.project import Project
from coordinator.reading import standing_keys


def units_of_plan(plan: Plan, catalog: Catalog, purpose: Purpose) -> tuple[Unit, ...]:
    """The units among a plan's resources of one purpose, as staged, in the plan's order."""
    return tuple(
        _unit(planned.resource, catalog)
        for planned in plan.resources
        if planned.resource.purpose is purpose and _size(planned.resource, catalog) is not None
    )


def register_plan(project: Project, plan: Plan, *, finished: bool) -> int:
    """Makes ledger and inventory agree with what an apply left; returns how many units are newly staged.

    No inventory follows for units in clouds: the ledger alone has their states.

    Args:
        project: the environment. The caller holds the estate's lock.
        plan: the plan that was applied, wholly or in part.
        finished: nothing of it is left to do: what was retired and still exists is staged again only then.
    """
    live = standing_keys(project)
    known = {unit.key: unit for unit in project.ledger.units()}
    if missing := known.keys() - live:
        live |= missing & project.live_keys()  # no state may know it, and yet it exists
    gone = [key for key in known if key not in live]
    project.ledger.drop(gone, "its resource does not exist")
    staged = [unit for unit in units_of_plan(plan, project.catalog, Purpose.STAGED) if unit.key in live]
    if not finished:
        staged = [unit for unit in staged if unit.key not in known or known[unit.key].state is not UnitState.FREE]
    roots = [(planned.resource.key, planned.resource.root) for planned in plan.resources]
    added = project.ledger.register(staged, roots if finished else ())
    with project.ledger.write() as tx:
        units.follow_again(tx, [change.key for change in plan.changes])
    follow(project.ledger, project.inventory, project.paths.follow_lock)
    return added


def _unit(resource: Resource, catalog: Catalog) -> Unit:
    size = _size(resource, catalog)
    assert size is not None, "only units have a size"
    return Unit(
        key=resource.key,
        kind=resource.kind,
        place=resource.place,
        root=resource.root,
        size=size,
        prefix=resource.spec.prefix if isinstance(resource.spec, BlockSpec) else "",
    )


def _size(resource: Resource, catalog: Catalog) -> Size | None:
    """What a resource gives as a unit; `None` for kinds that nobody is handed."""
    spec = resource.spec
    match spec:
        case ComputeSpec():
            shape = next(shape for shape in catalog.shapes if shape.name == spec.shape)
            return Size(vcpu=shape.vcpu * spec.count, memory_gib=shape.memory_gib * spec.count)
        case StorageSpec():
            return Size(gib=spec.gib)
        case CircuitSpec():
            return Size(gbps=spec.gbps * spec.count)
        case BlockSpec():
            return Size(prefix_length=int(spec.prefix.partition("/")[2]))
        case _:
            return None
