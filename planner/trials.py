"""Questions that are tried while it is sought why there is no plan: counted, and none asked twice."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from contracts.clash import Limit
from contracts.failover import Reserve
from contracts.names import is_link
from contracts.plan import Infeasible, Plan
from planner.errors import FleetImpossible
from planner.lifting import held, lifted
from planner.question import Question

MOST_CHECKS, LEAST_CHECKS, EFFORT = 200, 20, 1500
"""Questions asked before the search ends with what it has, half of them for the sets: as many as `EFFORT` plans of one
region would take, no more and no fewer than the others."""

LEAST_CHECKS_OF_FLEETS = 80
"""The same where failover is shared: trials take a second for 50 regions."""

Attempt = Callable[[Question], Plan | Infeasible]


def answered(attempt: Attempt) -> Attempt:
    """The same, where that no fleet is possible is an answer, too, and no error."""

    def answer(question: Question) -> Plan | Infeasible:
        try:
            return attempt(question)
        except FleetImpossible as error:
            named, place = question.environment.name, error.where.removeprefix("region ")
            known = is_link(place) or place in {region.name for region in question.environment.regions}
            return Infeasible(environment=named, told=str(error), where=place if known else "")

    return answer


class Enough(Exception):
    """No more questions may be asked."""


@dataclass(slots=True)
class Search:
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
            Enough: too many questions were asked.
        """
        ordered = sorted(without, key=lambda limit: limit.name)
        key = (frozenset(limit.name for limit in ordered), tuple((limit.name, number) for limit, number in at))
        if key not in self._known:
            if self.checks >= self.most:
                raise Enough
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


def checks_for(question: Question) -> int:
    """How many plans the search may ask for: fewer of larger environments, so that it ends in minutes."""
    least = LEAST_CHECKS_OF_FLEETS if question.environment.failover.reserve is Reserve.SHARED else LEAST_CHECKS
    return max(least, min(MOST_CHECKS, EFFORT // max(1, len(question.environment.regions))))
