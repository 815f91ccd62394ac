"""Three regions of which demand may move, and a plan of them: for tests of demand in cheaper regions."""

from dataclasses import replace

from contracts.capacity import EGRESS_ITEM, Offer
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.limits import Rules
from contracts.plan import Infeasible, Plan
from contracts.preference import PlacementSettings, Preference
from contracts.resources import ResourceKind
from planner.market import Market
from planner.preference_case import case_of, choice_of
from planner.preference_model import build_choice, moves_of
from planner.question import Question
from planner.solve import solve
from tests.laws.environments import Recipe, question
from tests.planner.asked_of import asked_of
from tests.planner.plan_checker import breaches
from tests.planner.worlds import people, plan_of

HOME = question(Recipe(regions=3, requests=False))
"""fra, ams and lon; what follows sets prices and distances."""


def priced(world: Question, **times: float) -> Question:
    """The world with compute of regions at so many times the prices of fra, and all of them 10 ms apart."""
    listed = {offer.item: offer.usd_per_hour for offer in world.capacity.offers if offer.place == "fra"}
    offers = tuple(
        offer.model_copy(update={"usd_per_hour": round(listed[offer.item] * times[offer.place], 6)})
        if offer.place in times and offer.item in listed
        else offer
        for offer in world.capacity.offers
    )
    links = tuple(link.model_copy(update={"latency_ms": 10.0}) for link in world.capacity.links)
    return replace(world, capacity=world.capacity.model_copy(update={"offers": offers, "links": links}))


def placed(world: Question, fra: dict[str, object] | None = None, **settings: float) -> Question:
    """The world with movable demand, and with other settings of fra."""
    world = people(world, placement=PlacementSettings(**{"movable": 0.3, "max_latency_ms": 40.0, **settings}))
    first, *others = world.environment.regions
    found: Question = people(world, regions=(first.model_copy(update=fra or {}), *others))
    return found


def paid_by_gb(world: Question, usd: float) -> Question:
    """The world where each GB that leaves a region costs so much."""
    rows = tuple(Offer(place=name, item=EGRESS_ITEM, usd_per_hour=usd) for name in ("fra", "ams", "lon"))
    offers = (*world.capacity.offers, *rows)
    return replace(world, capacity=world.capacity.model_copy(update={"offers": offers}))


CHEAP = placed(paid_by_gb(priced(HOME, fra=1.0, ams=0.6, lon=0.8), 0.002), gbps_per_vcpu=0.002, storage_gib_per_vcpu=2)
PLAN = plan_of(CHEAP)
UNIT = UnitView(
    key="fra/compute/staged/u1",
    kind=ResourceKind.COMPUTE,
    place="fra",
    root="fra",
    state=UnitState.ACTIVE,
    holder="acme",
)
ACME = Rules(headroom_quantile=0.8, allowed_regions={"acme": ("fra", "lon")})


def wrong(world: Question, plan: Plan) -> list[str]:
    return [str(breach) for breach in breaches(asked_of(world), plan)]


def decided(world: Question) -> dict[tuple[str, str], int]:
    """What the programme would move, in twentieths."""
    model, columns = build_choice(choice_of(case_of(world, Market.read(world.catalog, world.capacity))))
    return dict(moves_of(columns, solve(model).values))


def said_of(plan: Plan | Infeasible) -> Preference:
    assert isinstance(plan, Plan) and plan.preference
    return plan.preference


HELD = replace(people(CHEAP, rules=ACME), ledger=LedgerView(environment="law", revision=1, units=(UNIT,)))
