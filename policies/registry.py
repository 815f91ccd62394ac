"""All rules, in the order in which reviews list them. A rule that is not here does not run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contracts.limits import Level
from policies.case import Breach, Case
from policies.rules import capacity, placement, protection, spending


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what it is called, which version of it this is, and what a breach does unless an environment says else.

    The version goes up whenever the same plan could be judged differently, so that reviews made before are not taken
    for reviews by this rule.
    """

    code: str
    version: int
    level: Level
    check: Callable[[Case], Iterable[Breach]]

    @property
    def promise(self) -> str:
        """What holds where the rule finds nothing: the first line of the check's docstring."""
        return (self.check.__doc__ or "").strip().partition("\n")[0]


RULES: tuple[Rule, ...] = (
    Rule("budget", 1, Level.OVERRIDABLE, spending.budget),
    Rule("headroom", 1, Level.OVERRIDABLE, capacity.headroom),
    Rule("failover_partner", 1, Level.OVERRIDABLE, placement.failover_partner),
    Rule("allowed_regions", 1, Level.MANDATORY, placement.allowed_regions),
    Rule("no_destruction", 1, Level.MANDATORY, protection.no_destruction),
    Rule("no_content_lost", 1, Level.OVERRIDABLE, protection.no_content_lost),
    Rule("change_ceiling", 1, Level.OVERRIDABLE, spending.change_ceiling),
    Rule("pool_utilisation", 1, Level.OVERRIDABLE, capacity.pool_utilisation),
    Rule("forecast_reaches", 1, Level.OVERRIDABLE, protection.forecast_reaches),
    Rule("expiry", 1, Level.MANDATORY, protection.expiry),
)

CODES: tuple[str, ...] = tuple(rule.code for rule in RULES)
