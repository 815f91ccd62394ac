"""Applies a plan to a snapshot and a ledger, purely: what the world would look like if an engine did all of it."""

from collections.abc import Iterable
from dataclasses import replace

from contracts.capacity import CapacitySnapshot, LiveResource, Pool
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.plan import Operation, Plan
from contracts.resources import BlockSpec, Purpose, Resource
from planner.market import Market
from planner.question import Question


def after(question: Question, plan: Plan) -> Question:
    """The next question, once a plan has been applied to what was live."""
    live = question.live()
    for change in plan.changes:
        if change.operation is Operation.DELETE:
            assert live.pop(change.key) == change.before
        else:
            assert change.after is not None
            assert live.get(change.key) == change.before
            live[change.key] = change.after
    assert set(live) >= {item.resource.key for item in plan.resources}
    ledger = registered(question.ledger, live.values())
    return replace(
        standing(question, live.values()),
        ledger=ledger,
        earlier=plan,
        previous_plan=plan.digest(),
    )


def standing(question: Question, resources: Iterable[Resource]) -> Question:
    """The question with other resources live, and quotas and pools that agree with them."""
    resources = tuple(resources)
    states = question.unit_states()
    live = tuple(LiveResource(resource=item, state=states.get(item.key, UnitState.STAGED)) for item in resources)
    snapshot = question.capacity.model_copy(update={"resources": live})
    return replace(question, capacity=_counted(snapshot, question, resources))


def registered(ledger: LedgerView, resources: Iterable[Resource]) -> LedgerView:
    """The ledger once it knows every staged unit, and no unit that is gone."""
    known = {unit.key: unit for unit in ledger.units}
    units = []
    for resource in sorted(resources, key=lambda item: item.key):
        if resource.key in known:
            units.append(known[resource.key].model_copy(update={"root": resource.root}))
        elif resource.purpose is Purpose.STAGED:
            units.append(unit(resource, UnitState.STAGED))
    return LedgerView(environment=ledger.environment, revision=ledger.revision + 1, units=tuple(units))


def unit(resource: Resource, state: UnitState) -> UnitView:
    """A resource as the ledger sees it."""
    return UnitView(key=resource.key, kind=resource.kind, place=resource.place, root=resource.root, state=state)


def granted(question: Question, keys: Iterable[str], state: UnitState = UnitState.ACTIVE) -> Question:
    """The question once the ledger says that some units are handed out."""
    chosen = set(keys)
    units = tuple(
        item.model_copy(update={"state": state}) if item.key in chosen else item for item in question.ledger.units
    )
    ledger = question.ledger.model_copy(update={"units": units, "revision": question.ledger.revision + 1})
    return replace(question, ledger=ledger)


def _counted(snapshot: CapacitySnapshot, question: Question, resources: tuple[Resource, ...]) -> CapacitySnapshot:
    use = Market.read(question.catalog, snapshot).total_use(resources)
    quotas = []
    for quota in snapshot.quotas:
        ours = use.get((quota.place, quota.kind), 0.0)
        quotas.append(quota.model_copy(update={"used": quota.used - quota.ours + ours, "ours": ours}))
    before = {item.resource.key: item.resource for item in question.capacity.resources}
    pools = tuple(_pool(pool, before.values(), resources) for pool in snapshot.pools)
    return snapshot.model_copy(update={"quotas": tuple(quotas), "pools": pools})


def _pool(pool: Pool, before: Iterable[Resource], now: Iterable[Resource]) -> Pool:
    def ours(resources: Iterable[Resource]) -> set[str]:
        return {
            item.spec.prefix for item in resources if isinstance(item.spec, BlockSpec) and item.spec.pool == pool.cidr
        }

    taken = (set(pool.taken) - ours(before)) | ours(now)
    return pool.model_copy(update={"taken": tuple(sorted(taken))})
