"""Calm's ceiling: what only saves waits for a later plan where a plan would change more than people allow.

A plan changes at most so many resources as `Rules.change_ceiling` says. Where `rules.defer_changes` is set, the least
valuable savings beyond that are put off: what is live there stays. Only savings are ever put off, each together with
what makes sense only with it:

- what is live of one kind and purpose at a place, where it meets all that is required there by itself: whatever would
  replace it, shrink it or take it away waits;
- else each of it that is more than wanted: larger than wanted, or not wanted at all.

What is wanted beside it is still made, so that demand and failover are met as in the whole plan. Where what stays would
not fit into a place together with what has to be made there, it goes after all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.capacity import CapacityKind
from contracts.failover import Reserve
from contracts.names import place_ends
from contracts.plan import Change, Operation, PlannedResource, Reason, ReasonCode, Requirement
from contracts.resources import CircuitSpec, ComputeSpec, Purpose, Resource, ResourceKind, StorageSpec
from planner.blocks import RESERVED_ADDRESSES
from planner.changes import changes_between
from planner.leads import lead_hours
from planner.market import Market
from planner.question import Question
from planner.requirements import rounded
from planner.support import Leaning, dependencies
from planner.waiting_partners import entries_that_wait

Wanted = dict[str, PlannedResource]

KINDS = (ResourceKind.COMPUTE, ResourceKind.STORAGE, ResourceKind.CIRCUIT, ResourceKind.BLOCK)
PURPOSES = (Purpose.SERVING, Purpose.FAILOVER, Purpose.STAGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A plan's resources within the ceiling, and the changes that wait, the most valuable first."""

    wanted: Wanted
    deferred: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Changes that are put off or made together.

    Attributes:
        saves_usd_per_hour: what making them is worth.
        lead_hours: of what takes longest of them to come.
    """

    changes: tuple[Change, ...]
    saves_usd_per_hour: float
    lead_hours: int = 0

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(change.key for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What it is decided from."""

    question: Question
    market: Market
    wanted: Wanted
    requirements: Mapping[str, Requirement]
    live: Mapping[str, Resource]
    leaning: Leaning


def within_ceiling(question: Question, market: Market, wanted: Wanted, requirements: Sequence[Requirement]) -> Cut:
    """The resources that a plan makes now, and what waits.

    Args:
        question: whose environment says whether changes wait, and how many may be made.
        market: prices and what there is.
        wanted: the whole desired state, by key.
        requirements: what it has to meet.
    """
    rules = question.environment.rules
    if not rules.defer_changes or not rules.calm or not question.live():
        return Cut(wanted=wanted, deferred=())
    changes = [item for item in changes_between(question, market, wanted) if item.operation is not Operation.ADOPT]
    surplus = len(changes) - rules.change_ceiling(len(question.live()))
    if surplus <= 0:
        return Cut(wanted=wanted, deferred=())
    case = _Case(
        question=question,
        market=market,
        wanted=wanted,
        requirements={item.id: item for item in requirements},
        live=question.live(),
        leaning=Leaning.of(question.live().values()),
    )
    waiting = _that_fit(case, _least_valuable(_savings(case, changes), surplus))
    deferred = {change.key: change for item in waiting for change in item.changes}
    if 0 < len(deferred) < surplus:
        stands = {key: item.resource for key, item in _kept(case, waiting).items()}
        for group in entries_that_wait(question, market, tuple(requirements), (changes, stands)):
            waiting.append(Saving(changes=group, saves_usd_per_hour=0.0))
            deferred |= {change.key: change for change in group}
            if len(deferred) >= surplus:
                break
    return Cut(wanted=_kept(case, waiting), deferred=tuple(sorted(deferred.values(), key=_by_value)))


def _least_valuable(savings: Iterable[Saving], surplus: int) -> list[Saving]:
    """So many that the rest is within the ceiling, or all."""
    waiting: list[Saving] = []
    keys: set[str] = set()
    for item in sorted(savings, key=worth):
        if len(keys) >= surplus:
            break
        waiting.append(item)
        keys.update(item.keys)
    return waiting


def _that_fit(case: _Case, waiting: list[Saving]) -> list[Saving]:
    """Without those, the most valuable first, that would not fit beside what has to be made at their place."""
    before = _crowded(case, ())
    while crowded := _crowded(case, waiting) - before:
        best = max((item for item in waiting if _stands_at(item, crowded)), key=worth, default=None)
        if best is None:
            return []  # it is not known what of it stands in the way
        waiting = [item for item in waiting if item is not best]
    return waiting


def worth(item: Saving) -> tuple[float, int, float, tuple[str, ...]]:
    """What each change of it saves: the ceiling counts changes. Of those alike to the cent, long leads wait last."""
    each = item.saves_usd_per_hour / len(item.changes)
    return round(each, 2), item.lead_hours, each, item.keys


def _by_value(change: Change) -> tuple[float, str]:
    return change.usd_per_hour, change.key


def _savings(case: _Case, changes: Sequence[Change]) -> Iterator[Saving]:
    """Everything that may wait, in groups that wait together."""
    mine = {region.name for region in case.question.environment.regions}
    groups: dict[tuple[str, ResourceKind, Purpose], list[Change]] = {}
    for change in changes:
        resource = change.after or change.before
        assert resource is not None  # a change has one of them
        if resource.kind in KINDS and resource.purpose in PURPOSES and mine.issuperset(place_ends(change.place)):
            groups.setdefault((change.place, resource.kind, resource.purpose), []).append(change)
    for _, group in sorted(groups.items()):
        yield from _of_group(case, group)


def _of_group(case: _Case, group: list[Change]) -> Iterator[Saving]:
    if any(change.reason.code is ReasonCode.REPAIR for change in group):
        return  # what is live is not what it was applied as
    if len(group) > 1 and _live_suffices(case, group):
        saves = rounded(-sum(change.usd_per_hour for change in group))
        if saves >= 0:
            yield _with_support(case, Saving(changes=tuple(group), saves_usd_per_hour=saves))
            return
    for change in group:
        if _shrinks(change):
            yield _with_support(case, Saving(changes=(change,), saves_usd_per_hour=rounded(-change.usd_per_hour)))


def _with_support(case: _Case, item: Saving) -> Saving:
    """With the deletions of what it leans on: a circuit that stays keeps its link."""
    leaned_on = {key for change in item.changes if change.before for key in dependencies(change.before, case.leaning)}
    gone = sorted(key for key in leaned_on if key not in case.wanted and key in case.live)
    more = tuple(
        Change(
            operation=Operation.DELETE,
            key=key,
            place=case.live[key].place,
            before=case.live[key],
            reason=Reason(code=ReasonCode.SURPLUS),
            usd_per_hour=rounded(-case.market.usd_per_hour(case.live[key])),
        )
        for key in gone
        if key not in item.keys
    )
    lead = max(lead_hours(case.question, case.market, change) for change in item.changes)
    return replace(item, changes=(*item.changes, *more), lead_hours=lead)


def _shrinks(change: Change) -> bool:
    """Whether what is live is all that is wanted, and more of it."""
    if change.before is None:
        return False
    if change.operation is Operation.DELETE:
        return change.reason.code is ReasonCode.SURPLUS
    before, after = change.before.spec, change.after.spec if change.after else None
    match before:
        case ComputeSpec() if isinstance(after, ComputeSpec):
            return before.model_copy(update={"count": after.count}) == after and before.count > after.count
        case CircuitSpec() if isinstance(after, CircuitSpec):
            return before.model_copy(update={"count": after.count}) == after and before.count > after.count
        case StorageSpec() if isinstance(after, StorageSpec):
            return before.model_copy(update={"gib": after.gib}) == after and before.gib > after.gib
        case _:
            return False


def _live_suffices(case: _Case, group: Sequence[Change]) -> bool:
    """Whether what is live of a group's kind and purpose meets, by itself, what is required of it at its place."""
    sample = group[0].after or group[0].before
    assert sample is not None
    if case.question.environment.failover.reserve is Reserve.SHARED:
        return False  # what serves also stands by: no requirement says how much of it
    if sample.kind not in (ResourceKind.COMPUTE, ResourceKind.CIRCUIT) or sample.purpose is Purpose.STAGED:
        return False  # volumes hold data, blocks are numbered, units are counted one by one
    alike = [
        item
        for item in case.live.values()
        if (item.place, item.kind, item.purpose) == (sample.place, sample.kind, sample.purpose)
    ]
    units = [item.resource for item in case.wanted.values() if item.reason.unit]
    if any((item.place, item.purpose) == (sample.place, sample.purpose) for item in units):
        return False  # a sum says nothing of units that cannot be divided
    held = case.market.total_use(alike)
    needs = [need for need in case.requirements.values() if need.id.endswith(f"/{sample.purpose}")]
    here = [need for need in needs if need.place == sample.place and (need.place, need.kind) in held]
    return bool(here) and all(held[need.place, need.kind] >= need.quantity - 1e-9 for need in here)


def _kept(case: _Case, waiting: Sequence[Saving]) -> Wanted:
    """The wanted state with what is live in the place of what waits."""
    wanted = dict(case.wanted)
    for change in (change for item in waiting for change in item.changes):
        before = case.live.get(change.key)
        if before is None:
            del wanted[change.key]
            continue
        reason = change.reason.model_copy(update={"code": ReasonCode.DEFERRED})
        usd = rounded(case.market.usd_per_hour(before))
        wanted[change.key] = PlannedResource(resource=before, usd_per_hour=usd, reason=reason)
    return {key: wanted[key] for key in sorted(wanted)}


def _crowded(case: _Case, waiting: Sequence[Saving]) -> frozenset[str]:
    """Places where what would stay does not fit: beyond their quotas, or without an address for every instance."""
    resources = [item.resource for item in _kept(case, waiting).values()]
    use = case.market.total_use(resources)
    over = {
        place
        for (place, kind), amount in use.items()
        if kind is not CapacityKind.ADDRESSES and amount > case.market.room(place, kind) + 1e-9
    }
    return frozenset(over | set(_without_addresses(case, resources)) | set(_above_maxima(case, resources)))


def _above_maxima(case: _Case, resources: Sequence[Resource]) -> Iterator[str]:
    """Regions where more serves than people want."""
    serving = case.market.total_use(item for item in resources if item.purpose is Purpose.SERVING)
    for settings in case.question.environment.regions:
        most = settings.maximum.items()
        if any(serving.get((settings.name, kind), 0.0) > value + 1e-9 for kind, value in most):
            yield settings.name


def _without_addresses(case: _Case, resources: Sequence[Resource]) -> Iterator[str]:
    """Regions whose serving blocks have no address for every instance."""
    for region in case.market.regions:
        here = [item for item in resources if item.place == region]
        instances = sum(
            item.spec.count for item in here if isinstance(item.spec, ComputeSpec) and item.purpose in PURPOSES[:2]
        )
        blocks = [item for item in here if item.kind is ResourceKind.BLOCK and item.purpose is Purpose.SERVING]
        addresses = case.market.total_use(blocks).get((region, CapacityKind.ADDRESSES), 0.0)
        if instances and instances + RESERVED_ADDRESSES > addresses:
            yield region


def _stands_at(item: Saving, places: frozenset[str]) -> bool:
    """Whether something of it would stay at one of some places, a replica included."""
    stood = {change.place for change in item.changes}
    specs = [change.before.spec for change in item.changes if change.before]
    stood |= {spec.replica_region for spec in specs if isinstance(spec, StorageSpec) and spec.replica_region}
    return not places.isdisjoint(stood)
