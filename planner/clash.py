"""Why there is no plan: smallest sets of limits that clash, and the nearest plan that relaxes them.

A set clashes when the demand cannot be met though every limit outside of it is lifted; it is irreducible when it can
be met once any one of it is lifted too. Sets are found by QuickXplain (Junker 2004, "QuickXplain: preferred
explanations and relaxations for over-constrained problems", AAAI), which halves the limits instead of lifting one by
one; a last pass lifts each by itself (the deletion filter: Chinneck and Dravnieks 1991). They are sought first among
the limits of what is short, with all others as they are, and then proven with all others lifted; where that does not
hold, among all. A set that was found is lifted for good and the next one is sought, until there is a plan.

How far limits would have to give way for a plan is `planner.nearest`'s. Every question asked is a whole plan, so work
is bounded by their count (`planner.trials`).
"""

from collections.abc import Iterator, Sequence

from contracts.capacity import CapacityKind
from contracts.clash import Clash, Clashes, Limit, LimitKind
from contracts.names import is_link
from contracts.plan import Infeasible, Plan, Shortfall
from planner.errors import SolverError
from planner.limits import limits_of
from planner.model import LinearModel, Solution, Solver
from planner.nearest import nearest
from planner.question import Question
from planner.trials import Attempt, Enough, Search, checks_for

MOST_SETS = 20
"""Sets told: who has more clashes than that has another problem than limits."""

COMPUTE = frozenset({CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.ACCELERATORS})


def explained(question: Question, infeasible: Infeasible, attempt: Attempt, trial: Attempt | None = None) -> Infeasible:
    """The same answer with the limits that clash, and how far they would have to give way for a plan.

    Args:
        question: that has no plan.
        infeasible: what it lacks.
        attempt: plans a question, without saying why.
        trial: the same, at any cost and in less time: for all questions but the last. Both are asked at most
            `checks_for(question)` times.
    """
    search = Search(question, trial or attempt, infeasible, most=checks_for(question) // 2)
    return infeasible.model_copy(update={"clash": _explain(search, infeasible, attempt)})


def remembered(solve: Solver) -> Solver:
    """A solver that is not asked the same twice: lifting a limit on storage leaves the model of compute as it was.

    What failed fails again at once: a solver that stalls is waited for once.
    """
    known: dict[bytes, Solution | SolverError] = {}

    def answer(model: LinearModel) -> Solution:
        key = model.to_bytes()
        if key not in known:
            try:
                known[key] = solve(model)
            except SolverError as error:
                known[key] = error
        found = known[key]
        if isinstance(found, SolverError):
            raise found
        return found

    return answer


def _explain(search: Search, infeasible: Infeasible, attempt: Attempt) -> Clashes:
    limits = limits_of(search.question, _short_of(infeasible))
    sets: list[Clash] = []
    given_up: list[Limit] = []
    complete = False
    try:
        for found in _sets(search, limits, infeasible):
            sets.append(_told(found, _shortfalls(search, found, limits, infeasible), infeasible.told))
            given_up += found
        complete = len(sets) < MOST_SETS
    except Enough:
        pass
    search.most *= 2
    relaxed, usd_per_hour, finished = nearest(search, given_up if complete else limits, attempt)
    return Clashes(
        sets=tuple(sets),
        relaxed=relaxed,
        usd_per_hour=usd_per_hour,
        cut_short=not (complete and finished),
        checks=search.checks,
    )


def _sets(search: Search, limits: Sequence[Limit], infeasible: Infeasible) -> Iterator[list[Limit]]:
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


def _short_of(lacking: Infeasible) -> set[str]:
    """Places where something is short."""
    return {item.place for item in lacking.shortfalls} | {lacking.where} - {""}


def _at(limits: Sequence[Limit], lacking: Infeasible) -> list[Limit]:
    """Limits of the places that are short, where these are few, and those of the whole environment."""
    places = _short_of(lacking)
    near = [limit for limit in limits if limit.place in places or not limit.place]
    return sorted(near, key=lambda limit: bool(limit.place)) if len(near) < len(limits) // 2 else []


def _near(limits: Sequence[Limit], lacking: Infeasible) -> list[Limit]:
    """Limits of what is short, those of a place last: what is sought first among them is found with fewer questions."""
    places = _short_of(lacking)
    kinds = {item.kind for item in lacking.shortfalls}
    if kinds & COMPUTE or not kinds:  # placed for all regions at once
        others = (LimitKind.POOLS, LimitKind.STORAGE)
        near = [limit for limit in limits if not is_link(limit.place) and limit.kind not in others]
    else:
        near = [limit for limit in limits if limit.place in places or limit.kind is LimitKind.LINKS]
    return sorted(near, key=lambda limit: (limit.place in places, not limit.place))


def _irreducible(search: Search, limits: Sequence[Limit], every: Sequence[Limit]) -> list[Limit]:
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
    search: Search, kept: Sequence[Limit], grown: bool, limits: Sequence[Limit], every: Sequence[Limit]
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
    search: Search, found: Sequence[Limit], every: Sequence[Limit], whole: Infeasible
) -> tuple[Shortfall, ...]:
    """What the demand lacks where nothing but the limits found stands."""
    names = {limit.name for limit in found}
    answer = search.ask(item for item in every if item.name not in names)
    return answer.shortfalls if isinstance(answer, Infeasible) else whole.shortfalls


def _told(found: Sequence[Limit], shortfalls: Sequence[Shortfall], otherwise: str) -> Clash:
    """The set in a sentence: its limits with their numbers, and the demand that they stand against.

    Args:
        found: the set.
        shortfalls: what is short where it stands.
        otherwise: what is said where nothing is short by a number.
    """
    names = [_named(limit) for limit in found]
    wants = "; ".join(_wants(item) for item in shortfalls[:3]) or otherwise.partition("\n")[0]
    verb = "cannot be kept" if len(names) == 1 else "cannot all be kept"
    more = f" and {len(shortfalls) - 3} more" if len(shortfalls) > 3 else ""
    return Clash(limits=tuple(limit for limit in found), told=f"{', '.join(names)} {verb}: {wants}{more}")


def _named(limit: Limit) -> str:
    return limit.name if limit.value is None else f"{limit.name} ({limit.value:g} {limit.unit})".replace(" )", ")")


def _wants(item: Shortfall) -> str:
    when = f" at {item.at:%Y-%m-%d %H:%M} UTC" if item.at else ""
    units = f" for units of {item.workload}" if item.workload else ""
    return f"{item.place} wants {item.wanted:g} {item.kind}{units}{when}, and {item.available:g} can be had"
