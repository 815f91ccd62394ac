"""`plan_toward`: a plan from what is live to a state that is given, not forecast: the way back, and destruction.

What is live has to go on where somebody leans on it: `kept_in` says what stays whatever the given state says.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from contracts.capacity import CapacitySnapshot
from contracts.forecast import Forecast, ForecastBundle
from contracts.ledger import UnitState, UnitView
from contracts.names import place_ends
from contracts.plan import Cost, Inputs, Plan, PlannedResource, Reason, ReasonCode, Requirement
from contracts.preference import Preference
from contracts.resources import Purpose, Resource, ResourceKind, StorageSpec
from contracts.workloads import Packing
from coordinator.project import Project
from planner.changes import changes_between
from planner.keys import link_key, network_key
from planner.leads import longest_first
from planner.market import Market
from planner.question import Question
from planner.support import Leaning, dependencies

HANDED_OUT = (UnitState.HELD, UnitState.ACTIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A state that is given.

    Attributes:
        resources: everything that shall exist.
        requirements: that its resources name as reasons.
        preference: what is served elsewhere in that state.
        packing: which of its instances hold which whole units.
        told: what the plan is called where a solver would be named.
    """

    resources: tuple[PlannedResource, ...]
    requirements: tuple[Requirement, ...] = ()
    told: str = ""
    preference: Preference | None = None
    packing: Packing | None = None


def plan_toward(project: Project, wanted: Wanted, capacity: CapacitySnapshot) -> Plan:
    """The plan that brings what is live to a given state. Nothing is written. The caller holds the estate's lock."""
    question = _question(project, capacity)
    market = Market.read(project.catalog, capacity)
    resources = tuple(sorted(wanted.resources, key=lambda item: item.resource.key))
    return Plan(
        environment=project.environment.name,
        engine=project.environment.engine,
        made_at=question.now,
        expires_at=question.now + timedelta(hours=project.environment.horizons.validity_hours),
        inputs=Inputs(
            forecast=question.forecast.document.digest(),
            capacity=capacity.digest(),
            catalog=project.catalog.digest(),
            environment=project.environment.digest(),
            rules=question.rules,
            ledger=question.ledger.digest(),
            previous_plan=question.previous_plan,
        ),
        requirements=wanted.requirements,
        resources=resources,
        changes=longest_first(
            question,
            market,
            changes_between(question, market, {item.resource.key: item for item in resources}),
            wanted.requirements,
        ),
        cost=_cost(market, question.live().values(), resources),
        preference=wanted.preference,
        packing=wanted.packing,
        solver=wanted.told,
    )


def kept_in(project: Project, live: Mapping[str, Resource], named: Collection[str] = ()) -> Mapping[str, str]:
    """What stays as it is, by key, and why: handed out, pinned, or in a region that is paused; unless it is named."""
    units = {unit.key: unit for unit in project.ledger.view().units if unit.state in HANDED_OUT}
    paused = {region.name for region in project.environment.regions if region.paused}
    found = {}
    for key, resource in live.items():
        if key in named:
            continue
        if unit := units.get(key):
            found[key] = _handed_out(unit)
        elif key in project.environment.pins:
            found[key] = "is pinned"
        elif paused & set(place_ends(resource.place)):
            found[key] = "is in a region that is paused"
    return found


def leaning(live: Mapping[str, Resource], kept: Mapping[str, str]) -> Mapping[str, str]:
    """What is kept, with all that it stands on: networks, and the link that a circuit carries."""
    planned = {key: planned_as(item, ReasonCode.SUPPORT, Purpose.SUPPORT) for key, item in live.items()}
    found, waiting = dict(kept), list(kept)
    while waiting:
        resource = live[waiting.pop()]
        for key in _needs(resource, planned):
            if key in live and key not in found:
                found[key] = f"{resource.key} stands on it"
                waiting.append(key)
    return found


def planned_as(resource: Resource, code: ReasonCode, purpose: Purpose | None = None) -> PlannedResource:
    """A live resource as one that is wanted just as it is."""
    wanted = resource if purpose is None else resource.model_copy(update={"purpose": purpose})
    return PlannedResource(resource=wanted, usd_per_hour=0, reason=Reason(code=code))


def _needs(resource: Resource, planned: dict[str, PlannedResource]) -> Iterable[str]:
    yield from dependencies(resource, Leaning.of(item.resource for item in planned.values()))
    if resource.kind is ResourceKind.CIRCUIT:
        yield link_key(resource.place)
    if isinstance(resource.spec, StorageSpec) and resource.spec.replica_region:
        yield network_key(resource.spec.replica_region)


def _handed_out(unit: UnitView) -> str:
    return f"is {unit.state} by {unit.holder}"


def _question(project: Project, capacity: CapacitySnapshot) -> Question:
    return Question(
        environment=project.environment,
        forecast=_nothing_forecast(project),
        capacity=capacity,
        catalog=project.catalog,
        ledger=project.ledger.view(),
        rules=project.bundle.digest(),
        previous_plan=project.journal.last_applied(),
        now=project.clock(),
    )


def _nothing_forecast(project: Project) -> ForecastBundle:
    """No series: nothing is sized here."""
    document = Forecast(
        environment=project.environment.name,
        origin=project.clock(),
        made_at=project.clock(),
        seconds=0,
        series=(),
        history_digest="",
        values_file="",
        values_digest="",
    )
    return ForecastBundle(document, {})


def _cost(market: Market, live: Iterable[Resource], wanted: Iterable[PlannedResource]) -> Cost:
    before = sum(market.usd_per_hour(item) for item in live)
    after = sum(market.usd_per_hour(item.resource) for item in wanted)
    return Cost(
        before_usd_per_hour=round(before, 6),
        after_usd_per_hour=round(after, 6),
        optimised_usd_per_hour=0,
        lower_bound_usd_per_hour=0,
        gap=0,
    )
