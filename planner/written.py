"""The plan's document, out of what was decided: its changes in order, its cost and bound, what it leaves as it is."""

from collections.abc import Iterator, Mapping, Sequence

from contracts.plan import Cost, Infeasible, Inputs, Plan, PlannedResource, Shortfall, UnreadRegion
from contracts.resources import Purpose
from planner.blocks import block_advice
from planner.ceiling import within_ceiling
from planner.changes import changes_between
from planner.commitments import advise_commitments
from planner.demand import Demand
from planner.desired import Desired
from planner.detours import detoured
from planner.egress import outflow, with_egress
from planner.fleet_reasons import fleet_losses, fleet_prices
from planner.leads import longest_first
from planner.market import Market
from planner.packing_told import packing_of
from planner.placement import Placement
from planner.question import Question
from planner.reasons import Buying
from planner.recourse.risk import plan_risk
from planner.relied import relied_on
from planner.requirements import asked_before, rounded
from planner.shortfalls import unstated_told, without_the_other


def plan_document(question: Question, desired: Desired, demand: Demand, circuits_usd: float) -> Plan:
    """What is desired as a document, cut to the change ceiling; circuits_usd: per hour, beyond the placement's."""
    placement = demand.placement
    fleet = demand.fleet
    bought = (fleet_prices(fleet, demand.needs), fleet_losses(fleet)) if fleet else ()
    buying = Buying.of(desired.market, desired.requirements, *bought)
    wished = desired.resources  # taken out one by one: thousands of them are not needed twice
    whole = {key: buying.told(_priced(wished.pop(key))) for key in sorted(wished)}
    cut = within_ceiling(question, desired.market, whole, desired.requirements)
    wanted = cut.wanted
    resources = tuple(wanted.values())
    out = outflow(question, desired.market, (desired.requirements, demand.moved), resources)
    egress = out.rows() if out else ()
    cost = _cost(question, desired.market, (resources, whole), (placement, circuits_usd, demand.circuits_bound))
    return Plan(
        environment=question.environment.name,
        engine=question.environment.engine,
        made_at=question.now,
        expires_at=question.expiry(),
        inputs=Inputs(
            forecast=question.forecast.document.digest(),
            capacity=question.capacity.digest(),
            catalog=question.catalog.digest(),
            environment=question.environment.digest(),
            rules=question.rules,
            ledger=question.ledger.digest(),
            previous_plan=question.previous_plan,
        ),
        requirements=tuple(sorted(desired.requirements, key=lambda item: item.id)),
        resources=resources,
        changes=longest_first(
            question,
            desired.market,
            changes_between(question, desired.market, wanted, desired.unfit),
            desired.requirements,
        ),
        cost=with_egress(question, cost, egress),
        relied_on=relied_on(
            desired.market,
            [item for item in resources if not question.is_unread(item.resource.place)],
            [row.hop for row in egress],
        ),
        egress=egress,
        unread=tuple(_unread(question)),
        pins_missing=demand.given.pins_missing,
        deferred=cut.deferred,
        standing=demand.fleet.found.standing if demand.fleet else None,
        asked_before=_asked_where_nothing_changes(question),
        commitments=advise_commitments(question, desired.market, resources),
        block_advice=(*block_advice(question, desired.market, resources), *desired.block_moves),
        risk=plan_risk(question, desired.market, resources, detoured(desired.requirements), out),
        packing=packing_of(demand.sites, placement),
        solver=placement.solver,
        cut_short=placement.cut_short,
    )


def _asked_where_nothing_changes(question: Question) -> dict[str, float]:
    """What was asked for of places that this plan leaves as they are: it holds once they are planned again."""
    asked = sorted(asked_before(question).items())
    serving = ((name, amount) for name, amount in asked if name.endswith(f"/{Purpose.SERVING}"))
    return {name: rounded(amount) for name, amount in serving if question.is_frozen(name.partition("/")[0])}


def _cost(
    question: Question,
    market: Market,
    made: tuple[Sequence[PlannedResource], Mapping[str, PlannedResource]],
    decided: tuple[Placement, float, float | None],
) -> Cost:
    """Circuits are chosen exactly: their cost is its own bound, but for detours. What waits is paid until it is done.

    Args:
        question: what is live.
        market: prices.
        made: the resources once this plan is applied, and once what waits is done too.
        decided: what was chosen, what circuits cost of it, and at least cost whichever way detours go, where any do.
    """
    resources, whole = made
    placement, circuits_usd, least = decided
    least = circuits_usd if least is None else least
    after = rounded(sum(item.usd_per_hour for item in resources))
    waiting = max(0.0, rounded(after - sum(item.usd_per_hour for item in whole.values())))
    optimised = rounded(placement.usd_per_hour + circuits_usd + waiting)
    bound = min(optimised, rounded(placement.lower_bound + least))
    known = (market.usd_per_hour(item) for item in question.live().values() if not question.is_unread(item.place))
    unread = (item.usd_per_hour for item in resources if question.is_unread(item.resource.place))
    return Cost(
        before_usd_per_hour=rounded(sum(known) + sum(unread)),
        after_usd_per_hour=after,
        optimised_usd_per_hour=optimised,
        lower_bound_usd_per_hour=bound,
        gap=rounded((optimised - bound) / optimised) if optimised > 0 else 0.0,
        waiting_usd_per_hour=waiting,
    )


def _unread(question: Question) -> Iterator[UnreadRegion]:
    """The regions that this plan leaves as they are because it does not know how they are."""
    mine, why = {region.name for region in question.environment.regions}, question.why_unread()
    for region in sorted(why.keys() & mine):
        yield UnreadRegion(region=region, why=why[region])


def _priced(item: PlannedResource) -> PlannedResource:
    return item.model_copy(update={"usd_per_hour": rounded(item.usd_per_hour)})


def infeasible(question: Question, short: Sequence[Shortfall]) -> Infeasible:
    """What cannot be met as a document, by place and kind, each with what would help."""
    market, reserve = Market.read(question.catalog, question.capacity), question.environment.failover.reserve
    told = (without_the_other(unstated_told(item, market, reserve), market) for item in short)
    ordered = sorted(told, key=lambda item: (item.place, item.kind))
    return Infeasible(environment=question.environment.name, shortfalls=tuple(ordered))
