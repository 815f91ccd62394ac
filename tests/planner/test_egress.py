"""Traffic that is paid for by the GB: what is expected, what it costs, and what it decides."""

import math
from dataclasses import replace
from functools import cache

import pytest

from contracts.capacity import EGRESS_ITEM, Offer
from contracts.failover import Reserve
from contracts.inventory import InventoryFacts, LinkInventory
from contracts.plan import Infeasible, RefusalCode
from contracts.resources import FailoverSpec
from contracts.what_if import PriceChange, WhatIf
from planner.build import build_plan
from planner.compare import compare
from planner.egress import outflow
from planner.errors import WhatIfRefused
from planner.market import Market
from planner.solve import solve
from planner.what_if import changed
from policies import words
from prestage.views.plan import plan_text
from stacks.capacity.estate import offered
from tests.planner.plan_breach import Rule
from tests.planner.plan_checker import breaches
from tests.planner.simulate import after
from tests.planner.test_detours import ASKED as LINKS
from tests.planner.test_detours import FULL, within
from tests.planner.worlds import WORLD, people, plan_of

COPIES_GBPS = 4.0


def priced(world, prices):
    """The world with prices by the GB, of regions or pairs."""
    offers = tuple(Offer(place=place, item=EGRESS_ITEM, usd_per_hour=usd) for place, usd in prices.items())
    return replace(world, capacity=world.capacity.model_copy(update={"offers": (*world.capacity.offers, *offers)}))


def copying(world):
    """The world in which every region sends copies to its partners."""
    each = (item.model_copy(update={"replication_gbps": COPIES_GBPS}) for item in world.environment.regions)
    return people(world, regions=tuple(each))


PRICES = {"fra": 0.01, "ams": 0.02, "lon": 0.03, "mad": 0.04, "fra->lon": 0.0}
ASKED = priced(copying(WORLD), PRICES)


@cache
def plans():
    """Of the world as it is, with copies, and with prices, too."""
    return plan_of(WORLD), plan_of(copying(WORLD)), plan_of(ASKED)


def partners(plan, region):
    entries = (item.resource for item in plan.resources if item.resource.place == region)
    return {item.spec.partner: item.spec.share for item in entries if isinstance(item.spec, FailoverSpec)}


def test_what_is_expected_to_leave_is_paid_in_gb_and_a_line_of_the_cost():
    _, free, plan = plans()
    assert breaches(ASKED, plan) == () and breaches(copying(WORLD), free) == ()
    row = next(row for row in plan.egress if row.hop == "lon->ams")
    assert row.usd_per_hour == pytest.approx(row.gbps * 3600 / 8 * 0.03, abs=1e-5) and row.gbps > 0
    assert plan.cost.egress_usd_per_hour == pytest.approx(sum(row.usd_per_hour for row in plan.egress))
    assert next(row for row in plan.egress if row.hop == "fra->lon").usd_per_hour == 0
    assert "by the GB" in words.egress(plan) and not words.egress(free)
    assert {"price fra->lon egress_gb on_demand", "price lon egress_gb on_demand"} < {it.what for it in plan.relied_on}


def test_without_a_price_nothing_is_said_of_it_and_a_foreign_price_moves_nothing():
    plain, _, _ = plans()
    assert "egress" not in plain.canonical()
    found = plan_of(priced(WORLD, {"osl": 0.5, "osl->fra": 0.5}))
    assert found.resources == plain.resources and found.egress == () and found.cost == plain.cost


def test_what_copies_ask_is_carried_by_links_and_goes_with_the_shares():
    plain, free, _ = plans()
    asked = {item.id: item for plan in (plain, free) for item in plan.requirements}
    copies = {
        name: gbps for item in asked.values() for name, gbps in item.parts.items() if name.startswith("copies of ")
    }
    assert copies.keys() == {f"copies of {region.name}" for region in WORLD.environment.regions}
    assert sum(gbps for item in asked.values() for name, gbps in item.parts.items() if name in copies) == pytest.approx(
        COPIES_GBPS * len(copies)
    )
    assert plan_of(after(copying(WORLD), free)).changes == ()


def cramped(gbps):
    """Links of mad, the cheapest partner, have room for their traffic; every region but it sends so much in copies."""
    regions = (
        item.model_copy(update={"replication_gbps": 0.0 if item.name == "mad" else gbps})
        for item in WORLD.environment.regions
    )
    own = {place: float(math.ceil(asked)) for place, asked in LINKS.items() if "mad" in place}
    return within(people(WORLD, regions=tuple(regions)), own)


def test_partners_that_links_have_no_room_to_copy_to_give_way_to_others():
    asked = cramped(COPIES_GBPS)
    plan = plan_of(asked)
    assert partners(plans()[1], "fra") == {"mad": 1.0} and "mad" not in partners(plan, "fra")
    assert breaches(asked, plan) == () and plan_of(after(asked, plan)).changes == ()
    entry = next(item for item in plan.resources if item.resource.key.startswith("fra/failover/"))
    refused = next(item for item in entry.reason.alternatives if item.candidate == "mad")
    assert (refused.code, refused.unit) == (RefusalCode.NO_CAPACITY, "gbps on fra--mad")
    assert refused.limit < refused.value


def test_copies_leave_the_room_to_others_that_detours_need():
    """What fra--lon has no room for goes over mad, the cheapest partner of fra, so that fra copies to another."""
    regions = (
        item.model_copy(update={"replication_gbps": COPIES_GBPS if item.name == "fra" else 0.0})
        for item in WORLD.environment.regions
    )
    room = {place: float(math.ceil(asked)) for place, asked in LINKS.items()} | {FULL: 6.0, "lon--mad": 100.0}
    room |= {"fra--mad": LINKS["fra--mad"] + LINKS[FULL] - 5.0, "ams--fra": LINKS["ams--fra"] + COPIES_GBPS + 1}
    plain, plan = (plan_of(within(world, room)) for world in (WORLD, people(WORLD, regions=tuple(regions))))
    assert partners(plain, "fra") == {"mad": 1.0} and partners(plan, "fra") == {"ams": 1.0}
    assert any("traffic of fra--lon" in need.parts for need in plan.requirements)


def test_copies_that_no_partner_has_room_for_are_told_as_such():
    found = build_plan(cramped(1e4), solve)
    assert isinstance(found, Infeasible)
    assert all("lower replication_gbps: " in item.nearest for item in found.shortfalls)
    assert any("copies of fra" in item.nearest for item in found.shortfalls)


def test_copies_go_to_partners_that_are_cheap_to_send_to():
    """Mad has the cheapest compute to stand by: it is fra's partner until copies to it cost more than that saves."""
    _, free, plan = plans()
    assert partners(free, "fra") == {"mad": 1.0} and partners(plan, "fra") == {"lon": 1.0}
    assert plan.cost.lower_bound_usd_per_hour <= plan.cost.optimised_usd_per_hour
    paid = sum(gbps * row.usd_per_gb * 450 for row in plan.egress for what, gbps in row.parts.items() if " " in what)
    assert plan.cost.optimised_usd_per_hour > paid  # what copies cost was weighed, and is in the bound
    assert plan.cost.lower_bound_usd_per_hour > free.cost.lower_bound_usd_per_hour + 0.9 * paid


@pytest.mark.parametrize(("worth", "hops"), [(0.0, {"fra->ams", "ams->lon"}), (0.1, {"fra->lon"})])
def test_a_pair_leaves_its_own_link_where_a_way_asks_less_and_time_is_not_worth_more(worth, hops):
    costs = WORLD.environment.costs.model_copy(update={"latency_usd_per_gb_ms": worth})
    asked = people(priced(WORLD, dict.fromkeys(PRICES, 0.09) | {"fra->ams": 0.01, "ams->lon": 0.01}), costs=costs)
    plan = plan_of(asked)
    assert {row.hop for row in plan.egress if "fra->lon" in row.parts} == hops
    assert breaches(asked, plan) == ()


def test_what_goes_over_more_paths_is_paid_on_each():
    asked = within(priced(WORLD, dict.fromkeys(("fra", "ams", "lon", "mad"), 0.02)), {FULL: 1.0})
    plan = plan_of(asked)
    pair = FULL.replace("--", "->")
    hops = {row.hop: row.parts[pair] for row in plan.egress if pair in row.parts}
    assert len(hops) >= 3 and 0 < hops[pair] < sum(hops.values()) / 2
    assert breaches(asked, plan) == ()


def mutations():
    plan = plans()[2]
    rows, at = plan.egress, next(at for at, row in enumerate(plan.egress) if row.usd_per_hour and len(row.parts) > 1)
    other = next(row.hop for row in rows if row.hop not in (rows[at].hop, "fra->lon") and row.usd_per_hour)
    total = plan.cost.model_copy(update={"egress_usd_per_hour": plan.cost.egress_usd_per_hour - 1})

    def instead(**update):
        return {"egress": (*rows[:at], rows[at].model_copy(update=update), *rows[at + 1 :])}

    yield "less traffic", instead(gbps=rows[at].gbps / 2, parts={k: v / 2 for k, v in rows[at].parts.items()})
    yield "a cheaper price", instead(usd_per_gb=rows[at].usd_per_gb / 2, usd_per_hour=rows[at].usd_per_hour / 2)
    yield "conversion by 1000", instead(usd_per_hour=rows[at].usd_per_hour / 1000)
    yield "another hop", instead(hop=other)
    yield "a hop left out", {"egress": (*rows[:at], *rows[at + 1 :])}
    yield "another total", {"cost": total}


@pytest.mark.parametrize("what", ["less traffic", "a cheaper price", "conversion by 1000", "another hop"])
def test_the_checker_notices(what):
    changed_plan = plans()[2].model_copy(update=dict(mutations())[what])
    assert Rule.EGRESS in {breach.rule for breach in breaches(ASKED, changed_plan)}


def test_the_checker_notices_what_is_left_out_and_circuits_that_carry_no_copies():
    told = dict(mutations())
    for what in ("a hop left out", "another total"):
        found = breaches(ASKED, plans()[2].model_copy(update=told[what]))
        assert Rule.EGRESS in {breach.rule for breach in found}
    assert Rule.DEMAND in {breach.rule for breach in breaches(copying(WORLD), plans()[0])}


def test_prices_by_the_gb_can_be_asked_otherwise_and_compared():
    plan, resources = plans()[2], [item.resource for item in plans()[2].resources]
    what_if = WhatIf(prices=(PriceChange(place="lon", item=EGRESS_ITEM, times=0.5),))
    dearer = WhatIf(prices=(PriceChange(place="ams->lon", item=EGRESS_ITEM, usd_per_hour=0.2),))
    found = plan_of(changed(ASKED, what_if, resources))
    told = compare(plan, found)
    assert told.egress_after_usd_per_hour < told.egress_before_usd_per_hour == plan.cost.egress_usd_per_hour
    places = sum(item.after_usd_per_hour - item.before_usd_per_hour for item in told.places)
    assert places == pytest.approx(told.after_usd_per_hour - told.before_usd_per_hour, abs=1e-3)
    assert "ams->lon" in {offer.place for offer in changed(ASKED, dearer, resources).capacity.offers}
    twice = WhatIf(prices=(PriceChange(place="ams->lon", item=EGRESS_ITEM, times=2),))
    last = changed(ASKED, twice, resources).capacity.offers[-1]
    assert (last.place, last.usd_per_hour) == ("ams->lon", 2 * PRICES["ams"])
    of_a_link = WhatIf(prices=(PriceChange(place="ams--lon", item=EGRESS_ITEM, usd_per_hour=0.2),))
    with pytest.raises(WhatIfRefused, match="paid by direction"):
        changed(ASKED, of_a_link, resources)


def test_what_traffic_costs_where_more_comes_is_in_the_cost_of_being_wrong():
    low, high = plans()[2].risk.cases[0], plans()[2].risk.cases[-1]
    assert 0 < low.egress_usd_per_hour < plans()[2].cost.egress_usd_per_hour * 1.1 < high.egress_usd_per_hour * 1.1
    others = plans()[2].cost.after_usd_per_hour - plans()[2].cost.egress_usd_per_hour
    assert high.usd_per_hour == pytest.approx(others + high.egress_usd_per_hour + high.shortage_usd_per_hour, abs=1e-3)


def test_the_next_plan_starts_from_what_the_last_one_expected():
    plan = plans()[2]
    again = plan_of(after(ASKED, plan))
    assert again.cost.egress_before_usd_per_hour == again.cost.egress_usd_per_hour == plan.cost.egress_usd_per_hour
    assert again.cost.before_usd_per_hour == pytest.approx(again.cost.after_usd_per_hour, abs=1e-3)
    free = again.model_copy(update={"egress": (), "cost": plan.cost.model_copy(update={"egress_usd_per_hour": 0.0})})
    gone = free.model_copy(
        update={"cost": free.cost.model_copy(update={"egress_before_usd_per_hour": again.cost.egress_usd_per_hour})}
    )
    assert f"{-again.cost.egress_usd_per_hour:+,.2f}" in words.egress(gone) and "of it egress" in plan_text(gone)
    assert not words.egress(free) and "of it egress" not in plan_text(free)


def test_an_inventory_states_prices_by_the_gb_of_links_and_regions():
    link = LinkInventory(a="lon", b="fra", latency_ms=9, gbps=10, prices={}, egress_usd_per_gb={"fra": 0.02})
    assert list(offered(InventoryFacts(links=(link,)))) == [
        Offer(place="fra->lon", item=EGRESS_ITEM, usd_per_hour=0.02)
    ]


def test_where_the_reserve_is_shared_copies_take_the_link_to_the_partner_whatever_it_asks():
    failover = WORLD.environment.failover.model_copy(update={"reserve": Reserve.SHARED})
    asked = people(priced(copying(WORLD), {"mad->lon": 0.5, "mad->fra": 0.01}), failover=failover)
    plan = plans()[2]
    entry = next(item for item in plan.resources if item.resource.key == "mad/failover/lon")
    market = Market.read(asked.catalog, asked.capacity)
    for world, hops in (
        (asked, {"mad->lon"}),
        (people(asked, failover=WORLD.environment.failover), {"mad->fra", "fra->lon"}),
    ):
        out = outflow(world, market, ((), {}), (entry,))
        assert out and {row.hop for row in out.rows() if "replication mad->lon" in row.parts} == hops


def test_links_and_storage_that_fall_short_are_told_beside_compute():
    few = {("fra", "vcpu"): 1.0, ("mad", "storage_gib"): 1.0} | {
        (item.place, "gbps"): 1.0 for item in WORLD.capacity.quotas if item.kind == "gbps"
    }
    quotas = tuple(
        item.model_copy(update={"total": item.used + few[item.place, item.kind]})
        if (item.place, item.kind) in few
        else item
        for item in WORLD.capacity.quotas
    )
    found = build_plan(replace(WORLD, capacity=WORLD.capacity.model_copy(update={"quotas": quotas})), solve)
    assert isinstance(found, Infeasible)
    assert {("fra", "vcpu"), ("mad", "storage_gib"), (FULL, "gbps")} <= {(it.place, it.kind) for it in found.shortfalls}
    assert len({(item.place, item.kind) for item in found.shortfalls}) == len(found.shortfalls)
