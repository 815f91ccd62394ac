"""What the desired state is made from, once the solver has placed compute."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.plan import Requirement
from planner.fleets import Fleet
from planner.given import Given
from planner.placement import Placement
from planner.question import Question
from planner.sites import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the desired state is made from: the question, what must be met, what is given, and where compute goes.

    Attributes:
        sites: regions as the placement saw them; none where a fleet decided.
        moved: what links have no room for and others carry (`planner.detours`).
        circuits_bound: USD per hour that circuits cost at least, whichever way that goes; None where they are exact.
    """

    question: Question
    needs: tuple[Requirement, ...]
    given: Given
    sites: tuple[Site, ...]
    placement: Placement
    fleet: Fleet | None = None
    moved: Mapping[tuple[str, str], float] = field(default_factory=dict)
    circuits_bound: float | None = None

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region that this plan may move, by name."""
        return self.fleet.regions if self.fleet else tuple(site.region for site in self.sites)
