"""Why there is no plan: smallest sets of limits that clash, and the nearest plan that relaxes them.

A set clashes when the demand cannot be met though every limit outside of it is lifted; it is irreducible when it can
be met once any one of it is lifted too. Sets are found by QuickXplain (Junker 2004, "QuickXplain: preferred
explanations and relaxations for over-constrained problems", AAAI), which halves the limits instead of lifting one by
one; a last pass lifts each by itself (the deletion filter: Chinneck and Dravnieks 1991). They are sought first among
the limits of what is short, with all others as they are, and then proven with all others lifted; where that does not
hold, among all. A set that was found is lifted for good and the next one is sought, until there is a plan.

From a plan without limits they are then brought back, in halves, the ones that people promised first; a limit that
cannot be gets the tightest of its numbers that will do. Every question asked is a whole plan, so work is bounded by
their count.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from contracts.capacity import CapacityKind
from contracts.clash import Clash, Clashes, Limit, LimitKind, Relaxed
from contracts.failover import Reserve
from contracts.names import is_link
from contracts.plan import Infeasible, Plan, Shortfall
from planner.errors import FleetImpossible
from planner.limits import held, lifted, limits_of, numbers
from planner.model import LinearModel, Solution, Solver
from planner.question import Question

MOST_CHECKS, LEAST_CHECKS, EFFORT = 200, 20, 1500
"""Questions asked before the search ends with what it has, half of them for the sets: as many as `EFFORT` plans of one
region would take, no more and no fewer than the others."""

LEAST_CHECKS_OF_FLEETS = 80
"""The same where failover is shared: trials take a second for 50 regions."""

MOST_SETS = 20
"""Sets told: who has more clashes than that has another problem than limits."""

COMPUTE = frozenset({CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.ACCELERATORS})

Attempt = Callable[[Question], Plan | Infeasible]

KEPT_LONGEST = (
    LimitKind.RESIDENCY,
    LimitKind.FAULT_DOMAINS,
    LimitKind.SURVIVE,
    LimitKind.CRITICAL_SHARE,
    LimitKind.STORAGE,
    LimitKind.LATENCY,
    LimitKind.PARTNERS,
    LimitKind.MINIMUM,
    LimitKind.LINKS,
    LimitKind.OFFERS,
    LimitKind.STOCK,
    LimitKind.POOLS,
    LimitKind.QUOTA,
)
"""Which limits are brought back first: promises before prices, and what can be bought last."""


class _Enough(Exception):
    """No more questions may be asked."""


@dataclass(slots=True)
class _Search:
    """Asks questions, and counts them; what was asked before is not asked again."""

    question: Question
    attempt: Attempt
    lacking: Infeasible
    most: int
    checks: int = 0
    _known: dict[tuple[frozenset[str], tuple[tuple[str, float], ...]], Plan | Infeasible] = field(default_factory=dict)

    def ask(self, without: Iterable[Limit], at: Sequence[tuple[Limit, float]] = ()) -> Plan | Infeasible:
        """The plan without some limits, and with others at other numbers.

        Raises:
            _Enough: too many questions were asked.
        """
        ordered = sorted(without, key=lambda limit: limit.name)
        key = (frozenset(limit.name for limit in ordered), tuple((limit.name, number) for limit, number in at))
        if key not in self._known:
            if self.checks >= self.most:
                raise _Enough
            self.checks += 1
            self._known[key] = self._planned(self.relaxed(ordered, at))
        return self._known[key]

    def relaxed(self, without: Iterable[Limit], at: Sequence[tuple[Limit, float]]) -> Question:
        """The question without some limits, and with others at other numbers."""
        asked = lifted(self.question, without)
        for limit, number in at:
            asked = held(asked, limit, number)
        return asked

    def _planned(self, asked: Question) -> Plan | Infeasible:
        """The plan; a fleet that is not possible lacks what the question lacked in the first place."""
        try:
            return self.attempt(asked)
        except FleetImpossible:
            return self.lacking

    def clashes(self, kept: Iterable[Limit], among: Sequence[Limit]) -> bool:
        """Whether demand cannot be met though every limit but the kept ones is lifted."""
        names = {limit.name for limit in kept}
        return isinstance(self.ask(item for item in among if item.name not in names), Infeasible)


def explained(question: Question, infeasible: Infeasible, attempt: Attempt, trial: Attempt | None = None) -> Infeasible:
    """The same answer with the limits that clash, and how far they would have to give way for a plan.

    Args:
        question: that has no plan.
        infeasible: what it lacks.
        attempt: plans a question, without saying why.
        trial: the same, at any cost and in less time: for all questions but the last. Both are asked at most
            `checks_for(question)` times.
    """
    search = _Search(question, trial or attempt, infeasible, most=checks_for(question) // 2)
    return infeasible.model_copy(update={"clash": _explain(search, infeasible, attempt)})


def checks_for(question: Question) -> int:
    """How many plans the search may ask for: fewer of larger environments, so that it ends in minutes."""
    least = LEAST_CHECKS_OF_FLEETS if question.environment.failover.reserve is Reserve.SHARED else LEAST_CHECKS
    return max(least, min(MOST_CHECKS, EFFORT // max(1, len(question.environment.regions))))


def remembered(solve: Solver) -> Solver:
    """A solver that is not asked the same twice: lifting a limit on storage leaves the model of compute as it was."""
    known: dict[bytes, Solution] = {}

    def answer(model: LinearModel) -> Solution:
        key = model.to_bytes()
        if key not in known:
            known[key] = solve(model)
        return known[key]

    return answer


def _explain(search: _Search, infeasible: Infeasible, attempt: Attempt) -> Clashes:
    limits = limits_of(search.question, (item.place for item in infeasible.shortfalls))
    sets: list[Clash] = []
    given_up: list[Limit] = []
    complete = False
    try:
        for found in _sets(search, limits, infeasible):
            sets.append(_told(found, _shortfalls(search, found, limits, infeasible)))
            given_up += found
        complete = len(sets) < MOST_SETS
    except _Enough:
        pass
    search.most *= 2
    relaxed, usd_per_hour, finished = _nearest(search, given_up if complete else limits, attempt)
    return Clashes(
        sets=tuple(sets),
        relaxed=relaxed,
        usd_per_hour=usd_per_hour,
        cut_short=not (complete and finished),
        checks=search.checks,
    )


def _sets(search: _Search, limits: Sequence[Limit], infeasible: Infeasible) -> Iterator[list[Limit]]:
    """Irreducible sets one after the other, each found once those before it are lifted, until there is a plan."""
    given_up: list[Limit] = []
    lacking: Plan | Infeasible = infeasible
    for _ in range(MOST_SETS):
        left = [item for item in limits if item not in given_up]
        if not isinstance(lacking, Infeasible) or isinstance(search.ask(limits), Infeasible):
            return  # a plan; or with every limit lifted there is none either: it is the demand itself
        found: list[Limit] = []
        for near in (_at(left, lacking), _near(left, lacking)):
            found = _irreducible(search, near, [*near, *given_up])
            if found and search.clashes(found, limits):
                break
        else:
            found = _irreducible(search, left, limits)
        if not found:
            return
        yield found
        given_up += found
        lacking = search.ask(given_up)


def _at(limits: Sequence[Limit], lacking: Infeasible) -> list[Limit]:
    """Limits of the places that are short, where these are few, and those of the whole environment."""
    places = {item.place for item in lacking.shortfalls}
    near = [limit for limit in limits if limit.place in places or not limit.place]
    return sorted(near, key=lambda limit: bool(limit.place)) if len(near) < len(limits) // 2 else []


def _near(limits: Sequence[Limit], lacking: Infeasible) -> list[Limit]:
    """Limits of what is short, those of a place last: what is sought first among them is found with fewer questions."""
    places = {item.place for item in lacking.shortfalls}
    kinds = {item.kind for item in lacking.shortfalls}
    if kinds & COMPUTE:  # placed for all regions at once
        others = (LimitKind.POOLS, LimitKind.STORAGE)
        near = [limit for limit in limits if not is_link(limit.place) and limit.kind not in others]
    else:
        near = [limit for limit in limits if limit.place in places or limit.kind is LimitKind.LINKS]
    return sorted(near, key=lambda limit: (limit.place in places, not limit.place))


def _irreducible(search: _Search, limits: Sequence[Limit], every: Sequence[Limit]) -> list[Limit]:
    """Limits that clash, none of which could be left out; nothing where they do not.

    Args:
        search: asks.
        limits: among which.
        every: what is lifted where it is not kept; limits beyond stay as they are.
    """
    if not limits or not search.clashes(limits, every) or search.clashes((), every):
        return []
    found = _quick_explain(search, (), False, limits, every)
    for limit in tuple(found):
        others = [item for item in found if item is not limit]
        if search.clashes(others, every):
            found = others
    return found


def _quick_explain(
    search: _Search, kept: Sequence[Limit], grown: bool, limits: Sequence[Limit], every: Sequence[Limit]
) -> list[Limit]:
    """The part of some limits that clashes with those kept."""
    if grown and search.clashes(kept, every):
        return []
    if len(limits) == 1:
        return list(limits)
    half = len(limits) // 2
    first, second = limits[:half], limits[half:]
    of_second = _quick_explain(search, [*kept, *first], True, second, every)
    of_first = _quick_explain(search, [*kept, *of_second], bool(of_second), first, every)
    return [*of_first, *of_second]


def _shortfalls(
    search: _Search, found: Sequence[Limit], every: Sequence[Limit], whole: Infeasible
) -> tuple[Shortfall, ...]:
    """What the demand lacks where nothing but the limits found stands."""
    names = {limit.name for limit in found}
    answer = search.ask(item for item in every if item.name not in names)
    return answer.shortfalls if isinstance(answer, Infeasible) else whole.shortfalls


def _nearest(
    search: _Search, given_up: Sequence[Limit], attempt: Attempt
) -> tuple[tuple[Relaxed, ...], float | None, bool]:
    """The limits brought back as tight as each can be, in turn; what the plan then costs; whether it was finished."""
    state = _State(sorted(given_up, key=lambda limit: (KEPT_LONGEST.index(limit.kind), limit.name)), [])
    complete = True
    try:
        if not given_up or isinstance(search.ask(state.loose), Infeasible):
            return (), None, not given_up
        _bring_back(search, state, tuple(state.loose))
        for limit in tuple(state.loose):
            _tighten(search, state, limit)
    except _Enough:
        complete = False
    plan = search.ask(state.loose, state.at)
    if isinstance(plan, Infeasible):  # asked before, and it was not
        return (), None, False
    relaxed = [Relaxed(limit=limit) for limit in state.loose]
    relaxed += [Relaxed(limit=limit, to=number) for limit, number in state.at]
    if attempt is not search.attempt:
        better = attempt(search.relaxed(state.loose, state.at))
        plan = better if isinstance(better, Plan) else plan
    return tuple(sorted(relaxed, key=lambda item: item.limit.name)), plan.cost.after_usd_per_hour, complete


@dataclass(slots=True)
class _State:
    """A question that has a plan: the limits that it does without, and those that it has at other numbers."""

    loose: list[Limit]
    at: list[tuple[Limit, float]]


def _bring_back(search: _Search, state: _State, group: Sequence[Limit]) -> None:
    """Brings back as they are as many of a group as can be: all at once, or else each half by itself."""
    others = [limit for limit in state.loose if limit not in group]
    if isinstance(search.ask(others, state.at), Plan):
        state.loose = others
    elif len(group) > 1:
        half = len(group) // 2
        _bring_back(search, state, group[:half])
        _bring_back(search, state, group[half:])


def _tighten(search: _Search, state: _State, limit: Limit) -> None:
    """Puts the tightest number that will do in the place of a limit that was lifted, where it is a number."""
    plan = search.ask(state.loose, state.at)
    assert isinstance(plan, Plan)  # a state has one
    others = [item for item in state.loose if item is not limit]
    outwards = numbers(search.question, limit, plan)
    low, high = 0, len(outwards) - 1
    before = list(state.at)
    while low <= high:
        middle = (low + high) // 2
        number = (limit, float(outwards[middle]))
        if isinstance(search.ask(others, [*before, number]), Plan):
            high = middle - 1
            state.loose, state.at = others, [*before, number]
        else:
            low = middle + 1


def _told(found: Sequence[Limit], shortfalls: Sequence[Shortfall]) -> Clash:
    """The set in a sentence: its limits with their numbers, and the demand that they stand against."""
    names = [_named(limit) for limit in found]
    wants = "; ".join(_wants(item) for item in shortfalls[:3])
    verb = "cannot be kept" if len(names) == 1 else "cannot all be kept"
    more = f" and {len(shortfalls) - 3} more" if len(shortfalls) > 3 else ""
    return Clash(limits=tuple(limit for limit in found), told=f"{', '.join(names)} {verb}: {wants}{more}")


def _named(limit: Limit) -> str:
    return limit.name if limit.value is None else f"{limit.name} ({limit.value:g} {limit.unit})".replace(" )", ")")


def _wants(item: Shortfall) -> str:
    when = f" at {item.at:%Y-%m-%d %H:%M} UTC" if item.at else ""
    return f"{item.place} wants {item.wanted:g} {item.kind}{when}, and {item.available:g} can be had"
