"""A plan beside a budget: by how much it is over, and what would have to give, the least harmful first.

Each concession is a setting that gives way by a share from 0 (as it is) to 1 (all of it); they are made in turn, each
after those before it, until the plan is within the budget. The one that reaches it is then taken back as far as it
can be, by halving. Every number is that of a whole plan.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from contracts.environment import Environment
from contracts.plan import Infeasible, Plan
from contracts.what_if import BudgetAnswer, Concession
from planner.lifting import with_critical_shares
from planner.question import Question
from planner.requirements import LOWEST_LEVEL, rounded

HALVINGS = 4
"""Plans made to take the last concession back: to a sixteenth of it."""

Attempt = Callable[[Question], Plan | Infeasible]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lever:
    """One setting that can give way.

    Attributes:
        give: the environment once it gave way by a share.
        number: what people call its value.
    """

    what: str
    told: str
    give: Callable[[Environment, float], Environment]
    number: Callable[[Environment], float]


def budget_answer(question: Question, plan: Plan, budget_usd: float, attempt: Attempt) -> BudgetAnswer:
    """How the plan of a question stands to a budget, and what would have to give.

    Args:
        question: that the plan is of.
        plan: as it is.
        budget_usd: an hour.
        attempt: the plan of another question.
    """
    cost = plan.cost.after_usd_per_hour
    gives = tuple(_concessions(question, cost, budget_usd, attempt)) if cost > budget_usd else ()
    return BudgetAnswer(
        budget_usd_per_hour=budget_usd,
        usd_per_hour=cost,
        over_usd_per_hour=rounded(cost - budget_usd),
        gives=gives,
        reached_usd_per_hour=rounded(cost - sum(item.saves_usd_per_hour for item in gives)),
    )


def _concessions(question: Question, cost: float, budget_usd: float, attempt: Attempt) -> Iterator[Concession]:
    """Calm first, even where it saves nothing by itself: it would keep what the others ask less for."""
    stands = bool(question.live()) or question.earlier is not None
    for lever in (CALM, *LEVERS) if stands else LEVERS:
        before = question.environment
        if cost <= budget_usd or lever.give(before, 1.0) == before:
            continue
        reached, usd = _given(question, lever, 1.0, attempt)
        if usd is None or usd > cost or (usd == cost and lever is not CALM):
            continue
        if usd <= budget_usd and lever is not CALM:
            reached, usd = _taken_back(question, lever, (usd, budget_usd), attempt)
        yield Concession(
            what=lever.what,
            told=lever.told,
            before=rounded(lever.number(before)),
            after=rounded(lever.number(reached.environment)),
            saves_usd_per_hour=rounded(cost - usd),
        )
        question, cost = reached, usd


def _taken_back(
    question: Question, lever: _Lever, money: tuple[float, float], attempt: Attempt
) -> tuple[Question, float]:
    """The least share, by halving, at which the plan is still within the budget."""
    usd, budget_usd = money
    best = replace(question, environment=lever.give(question.environment, 1.0))
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found, cost = _given(question, lever, middle, attempt)
        if cost is not None and cost <= budget_usd:
            best, usd, high = found, cost, middle
        else:
            low = middle
    return best, usd


def _given(question: Question, lever: _Lever, share: float, attempt: Attempt) -> tuple[Question, float | None]:
    """The question in which a setting gave way, and what its plan costs; None where there is none."""
    asked = replace(question, environment=lever.give(question.environment, share))
    plan = attempt(asked)
    return asked, plan.cost.after_usd_per_hour if isinstance(plan, Plan) else None


def _fewer_staged(environment: Environment, share: float) -> Environment:
    staging = environment.staging
    units = round(staging.max_units_per_place * (1 - share))
    return environment.model_copy(update={"staging": staging.model_copy(update={"max_units_per_place": units})})


def _lower_minimums(environment: Environment, share: float) -> Environment:
    regions = tuple(
        region.model_copy(update={"minimum": {kind: value * (1 - share) for kind, value in region.minimum.items()}})
        if any(region.minimum.values())
        else region
        for region in environment.regions
    )
    return environment.model_copy(update={"regions": regions})


def _lower_quantile(environment: Environment, share: float) -> Environment:
    """Sizes at the headroom quantile, lowered towards the median; what a shortage costs no longer raises them."""
    rules = environment.rules
    level = max(LOWEST_LEVEL, rules.headroom_quantile + share * (LOWEST_LEVEL - rules.headroom_quantile))
    costs = environment.costs.model_copy(update={"shortage_usd_per_unit_hour": {}})
    rules = rules.model_copy(update={"headroom_quantile": level})
    return environment.model_copy(update={"rules": rules, "costs": costs})


def _less_failover(environment: Environment, share: float) -> Environment:
    return with_critical_shares(environment, lambda critical: critical * (1 - share))


def _without_calm(environment: Environment, share: float) -> Environment:
    rules = environment.rules.model_copy(update={"calm": environment.rules.calm and not share})
    return environment.model_copy(update={"rules": rules})


CALM = _Lever(
    what="rules.calm",
    told="demand that fell is followed at once, and what is live moves wherever that saves: more changes",
    give=_without_calm,
    number=lambda environment: environment.rules.calm,
)
"""What keeps plans near what is live: whole, or not at all."""

LEVERS = (
    _Lever(
        what="staging.max_units_per_place",
        told="fewer units stand ready: more requests wait for a plan of their own",
        give=_fewer_staged,
        number=lambda environment: environment.staging.max_units_per_place,
    ),
    _Lever(
        what="regions[].minimum",
        told="regions hold less than people want whatever the forecast says",
        give=_lower_minimums,
        number=lambda environment: sum(sum(region.minimum.values()) for region in environment.regions),
    ),
    _Lever(
        what="rules.headroom_quantile",
        told="demand above this quantile is short, and costs.shortage_usd_per_unit_hour no longer raises sizes",
        give=_lower_quantile,
        number=lambda environment: environment.rules.headroom_quantile,
    ),
    _Lever(
        what="failover.critical_share",
        told="less is carried when a region is lost",
        give=_less_failover,
        number=lambda environment: environment.failover.critical_share,
    ),
)
"""What can give, the least harmful first."""
