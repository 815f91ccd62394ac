"""What a rule sees: the plan, what is there now, and the numbers that people set.

A `Case` is the state before and the state after, so that a rule can tell a breach that the plan makes from one that
was there already. A rule yields a `Breach` for each thing it finds; `review` turns breaches into findings.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from contracts.capacity import Catalog, Pool, RegionFacts
from contracts.environment import Environment
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.limits import Rules
from contracts.plan import Plan
from contracts.resources import Resource

WHOLE_PLAN = "*"
"""The resource of a breach that is about the plan as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is there now, as far as rules ask.

    Attributes:
        environment: what people decided.
        regions: continents and fault domains.
        pools: address pools with the prefixes that are taken.
        ledger: which units are held or active, and by whom.
        catalog: what a shape gives; without it `headroom` cannot count compute and says so.
    """

    environment: Environment
    regions: tuple[RegionFacts, ...]
    pools: tuple[Pool, ...]
    ledger: LedgerView
    catalog: Catalog | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """One thing that a rule found.

    Attributes:
        resource: a resource key, or `WHOLE_PLAN`.
        message: what, with the numbers.
        fix: what to do about it.
        worsened: whether the plan makes it, or makes it worse. What was there before and gets no worse is told and
            never denies, else no plan could be applied that leads out of it.
    """

    resource: str
    message: str
    fix: str = ""
    worsened: bool = True


@dataclass(frozen=True)
class Case:
    """One plan under review. `settings` are the numbers of the rules."""

    plan: Plan
    facts: Facts
    settings: Rules
    now: datetime

    @cached_property
    def after(self) -> dict[str, Resource]:
        """Everything that the plan wants, by key."""
        return {planned.resource.key: planned.resource for planned in self.plan.resources}

    @cached_property
    def before(self) -> dict[str, Resource]:
        """What stood when the plan was made: what is wanted and unchanged, and what the changes start from."""
        changed = {change.key for change in self.plan.changes}
        standing = {key: resource for key, resource in self.after.items() if key not in changed}
        return standing | {change.key: change.before for change in self.plan.changes if change.before is not None}

    @cached_property
    def fault_domains(self) -> dict[str, str]:
        """Region to fault domain."""
        return {region.region: region.fault_domain for region in self.facts.regions}

    @cached_property
    def handed_out(self) -> dict[str, UnitView]:
        """Units that somebody holds or uses, by key."""
        states = (UnitState.HELD, UnitState.ACTIVE)
        return {unit.key: unit for unit in self.facts.ledger.units if unit.state in states}
