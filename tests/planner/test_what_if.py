"""Changed circumstances: each changes what it says and nothing else; what it names has to be there."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from contracts.capacity import CapacityKind
from contracts.names import is_link, link_ends
from contracts.plan import Infeasible, Plan
from contracts.purchases import Purchases
from contracts.resources import BlockSpec, FailoverSpec, Purchase, StorageSpec
from contracts.series import Granularity, SeriesKey, SeriesKind
from contracts.what_if import EventChange, PriceChange, QuotaChange, WhatIf
from coordinator.what_if import answer
from planner.build import build_plan
from planner.clash import remembered
from planner.errors import WhatIfRefused
from planner.loss import unserved
from planner.solve import solve
from planner.what_if import changed, remarks
from tests.laws.environments import NOW
from tests.planner.simulate import after
from tests.planner.worlds import WORLD, people, plan_of

PLAN = plan_of(WORLD)
WANTED = tuple(item.resource for item in PLAN.resources)
CPU = SeriesKey(SeriesKind.CPU, "fra")
VCPU = CapacityKind.VCPU


def asked(world=WORLD, **what):
    return changed(world, WhatIf(**what), WANTED)


SOLVE = remembered(solve)


def attempt(world):
    return build_plan(world, SOLVE)


def event(series="cpu:fra", begins=10, hours=3, uplift=2.0):
    start = NOW + timedelta(hours=begins)
    return EventChange(series=series, start=start, end=start + timedelta(hours=hours), uplift=uplift)


def quota(world, place, kind):
    (found,) = [item.total for item in world.capacity.quotas if (item.place, item.kind) == (place, kind)]
    return found


def price(world, place, item, purchase=Purchase.ON_DEMAND):
    found = [offer for offer in world.capacity.offers if (offer.place, offer.item) == (place, item)]
    return next((offer.usd_per_hour for offer in found if offer.purchase is purchase), None)


# --- each part


def test_nothing_otherwise_is_the_same_question():
    assert asked() == WORLD
    told = answer(WORLD, WhatIf(), attempt)
    assert told.comparison is not None and not told.comparison.differs


def test_demand_times_moves_every_series_and_the_forecast_says_that_it_is_another():
    world = asked(demand=1.5)
    for key, table in WORLD.forecast.values.items():
        np.testing.assert_allclose(world.forecast.values[key], table * 1.5)
    assert world.forecast.document.digest() != WORLD.forecast.document.digest()
    assert replace(world, forecast=WORLD.forecast) == WORLD


def test_an_event_lifts_its_hours_at_every_quantile_and_no_others():
    world = asked(events=(event(begins=10, hours=3, uplift=2),))
    factor = world.forecast.values[CPU, Granularity.HOURLY] / WORLD.forecast.values[CPU, Granularity.HOURLY]
    expected = np.ones(48)
    expected[10:13] = 2
    np.testing.assert_allclose(factor, np.repeat(expected[:, None], 15, axis=1))
    others = [key for key in WORLD.forecast.values if key[0] != CPU]
    assert all(world.forecast.values[key] is WORLD.forecast.values[key] for key in others)


def test_of_a_step_that_is_partly_within_an_event_only_that_part_is_lifted():
    world = asked(events=(event("peering_requests:fra->ams", begins=18, hours=12, uplift=3),))
    key = (SeriesKey(SeriesKind.PEERING_REQUESTS, "fra->ams"), Granularity.DAILY)
    factor = (world.forecast.values[key] / WORLD.forecast.values[key])[:, 0]
    np.testing.assert_allclose(factor[:3], [1.5, 1.5, 1.0])  # 6 of 24 hours, twice more


def test_an_event_in_the_validity_grows_the_region_and_one_beyond_it_is_remarked():
    grown = answer(WORLD, WhatIf(events=(event(uplift=1.5),)), attempt)
    assert grown.comparison is not None and grown.notes == ()
    assert {item.place for item in grown.comparison.resources if item.usd_per_hour > 1} >= {"fra"}
    late = answer(WORLD, WhatIf(events=(event(begins=30, uplift=1.5),)), attempt)
    assert late.comparison is not None and not late.comparison.resources
    assert "lies outside of what this plan is sized for, 2026-11-02 00:00 to 2026-11-03 00:00" in late.notes[0]
    assert list(remarks(WORLD, WhatIf(events=(event(),)))) == []


@pytest.mark.parametrize(
    ("purchase", "told"),
    [
        (Purchase.ON_DEMAND, []),
        (Purchase.SPOT, ["purchases.spot_share"]),
        (Purchase.COMMITTED, ["purchases.committed"]),
    ],
)
def test_a_price_at_which_no_plan_buys_is_said_to_move_nothing(purchase: Purchase, told: list[str]) -> None:
    asked = WhatIf(prices=(PriceChange(place="*", item="m8", purchase=purchase, times=0.5),))
    notes = list(remarks(WORLD, asked))
    assert len(notes) == len(told) and all(word in note for word, note in zip(told, notes, strict=True))
    bought = people(WORLD, purchases=Purchases(spot_share=0.3))
    assert purchase is Purchase.COMMITTED or list(remarks(bought, asked)) == []


def test_a_quota_is_set_or_multiplied_at_the_places_that_are_named():
    world = asked(quotas=(QuotaChange(place="fra", kind=VCPU, total=100), QuotaChange(place="*", kind=VCPU, times=2)))
    assert quota(world, "fra", VCPU) == 200
    assert quota(world, "ams", VCPU) == 2 * quota(WORLD, "ams", VCPU)
    assert quota(world, "fra", CapacityKind.MEMORY_GIB) == quota(WORLD, "fra", CapacityKind.MEMORY_GIB)


def test_a_quota_that_nobody_stated_is_stated():
    quotas = tuple(item for item in WORLD.capacity.quotas if item.place != "fra" or item.kind is not VCPU)
    bare = replace(WORLD, capacity=WORLD.capacity.model_copy(update={"quotas": quotas}))
    assert isinstance(attempt(bare), Infeasible)
    lifted = answer(bare, WhatIf(quotas=(QuotaChange(place="fra", kind=VCPU, total=5000),)), attempt)
    assert not lifted.feasible_before and lifted.infeasible is None and lifted.comparison is None


def test_a_price_is_set_or_multiplied_on_demand_alone():
    world = asked(prices=(PriceChange(place="fra", item="m*", times=3),))
    assert price(world, "fra", "m8") == pytest.approx(3 * (price(WORLD, "fra", "m8") or 0))
    assert price(world, "fra", "s4") == price(WORLD, "fra", "s4")
    assert price(world, "fra", "m8", Purchase.SPOT) == price(WORLD, "fra", "m8", Purchase.SPOT)


def test_a_price_of_what_is_not_sold_yet_makes_it_sold():
    offers = tuple(item for item in WORLD.capacity.offers if (item.place, item.item) != ("fra", "l32"))
    world = replace(WORLD, capacity=WORLD.capacity.model_copy(update={"offers": offers}))
    cheap = asked(world, prices=(PriceChange(place="fra", item="l32", usd_per_hour=0.01),))
    assert price(cheap, "fra", "l32") == 0.01
    wanted = {item.resource.key for item in plan_of(cheap).resources}
    assert "fra/compute/serving/l32" in wanted


# --- a region lost


def test_a_lost_region_is_gone_with_all_that_is_joined_to_it():
    standing = after(WORLD, PLAN)
    world = changed(standing, WhatIf(lost=("fra",)), WANTED)
    assert "fra" not in {region.name for region in world.environment.regions}
    capacity = world.capacity
    places = {item.place for item in capacity.quotas} | {item.place for item in capacity.offers}
    places |= {unit.place for unit in world.ledger.units}
    places |= {item.resource.place for item in capacity.resources} | {item.region for item in capacity.pools}
    assert places and "fra" not in places
    assert capacity.links and not any("fra" in (link.a, link.b) for link in capacity.links)
    assert "fra" not in {facts.region for facts in capacity.regions}
    assert not any("fra" in link_ends(place) for place in places if is_link(place))
    plan = plan_of(world)
    assert not any("fra" in item.resource.key.split("/")[0].split("--") for item in plan.resources)
    specs = [item.resource.spec for item in plan.resources]
    assert not any(isinstance(spec, FailoverSpec) and spec.partner == "fra" for spec in specs)
    assert not any(isinstance(spec, StorageSpec) and spec.replica_region == "fra" for spec in specs)


def test_partners_carry_the_critical_load_by_their_shares():
    world = asked(lost=("fra",))
    shares = {
        item.spec.partner: item.spec.share
        for item in WANTED
        if isinstance(item.spec, FailoverSpec) and item.place == "fra"
    }
    assert sum(shares.values()) == pytest.approx(1)
    key = Granularity.HOURLY
    for partner in ("ams", "lon", "mad"):
        own = SeriesKey(SeriesKind.CPU, partner)
        more = world.forecast.values[own, key] - WORLD.forecast.values[own, key]
        np.testing.assert_allclose(more, 0.4 * shares.get(partner, 0) * WORLD.forecast.values[CPU, key], atol=1e-9)


def test_what_nobody_carries_is_told_and_adds_up():
    told = {item.kind: item for item in unserved(WORLD, ("fra",), WANTED)}
    assert told.keys() == {VCPU, CapacityKind.MEMORY_GIB, CapacityKind.STORAGE_GIB, CapacityKind.GBPS}
    for item in told.values():
        assert sum(item.carried.values()) + item.unmet == pytest.approx(item.demand, abs=1e-4)
    need = next(need for need in PLAN.requirements if need.id == "fra/vcpu/serving")
    assert told[VCPU].demand == pytest.approx(need.quantity)
    assert sum(told[VCPU].carried.values()) == pytest.approx(0.4 * need.quantity, abs=1e-4)
    assert told[CapacityKind.STORAGE_GIB].unmet == 0  # its replica has all of it
    assert told[CapacityKind.GBPS].carried == {}


def test_a_partner_that_is_lost_too_carries_nothing():
    partners = {item.spec.partner for item in WANTED if isinstance(item.spec, FailoverSpec) and item.place == "fra"}
    told = {item.kind: item for item in unserved(WORLD, ("fra", *partners), WANTED) if item.region == "fra"}
    assert told[VCPU].carried == {} and told[VCPU].unmet == told[VCPU].demand


def test_a_loss_is_answered_with_what_the_others_then_need():
    told = answer(WORLD, WhatIf(lost=("fra",)), attempt)
    assert told.comparison is not None
    gone = [item for item in told.comparison.resources if item.place == "fra"]
    assert gone and all(item.after is None for item in gone)
    assert {item.region for item in told.comparison.partners} >= {"fra"}
    assert {item.region for item in told.unserved} == {"fra"}


def test_a_region_of_its_own_critical_share_is_carried_by_it():
    first, *others = WORLD.environment.regions
    regions = (first.model_copy(update={"critical_share": 1.0}), *others)
    world = replace(WORLD, environment=WORLD.environment.model_copy(update={"regions": regions}))
    told = {item.kind: item for item in unserved(world, ("fra",), WANTED)}
    assert told[VCPU].unmet == 0


# --- what is refused


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "a place": ({"quotas": (QuotaChange(place="fraa", kind=VCPU, total=1),)}, "quotas[0].place", "did you mean 'fra'"),
    "both": ({"quotas": (QuotaChange(place="fra", kind=VCPU, total=1, times=1),)}, "quotas[0]", "gives both"),
    "neither": ({"prices": (PriceChange(place="fra", item="m8"),)}, "prices[0]", "gives neither"),
    "an item": ({"prices": (PriceChange(place="fra", item="m9", times=2),)}, "prices[0].item", "nothing is called"),
    "an item in a place of links": (
        {"prices": (PriceChange(place="ams--fra", item="m8", times=2),)},
        "prices[0]",
        "does not sell m8",
    ),
    "a series": ({"events": (event("cpu:frb"),)}, "events[0]", "did you mean 'cpu:fra'"),
    "no hour": ({"events": (event(begins=9000),)}, "events[0]", "touches no hour"),
    "backwards": ({"events": (event(hours=-1),)}, "events[0]", "ends before it begins"),
    "a region": ({"lost": ("frb",)}, "lost", "did you mean 'fra'"),
    "all regions": ({"lost": ("fra", "ams", "lon", "mad")}, "lost", "no region would be left"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_there_is_refused_by_key(name):
    what, where, said = REFUSED[name]
    with pytest.raises(WhatIfRefused) as caught:
        asked(**what)
    assert caught.value.where == where and said in caught.value.render()


def test_a_change_that_leaves_no_plan_says_why():
    short = QuotaChange(place="fra", kind=CapacityKind.STORAGE_GIB, total=10)
    told = answer(WORLD, WhatIf(quotas=(short,)), attempt)
    assert told.feasible_before and told.comparison is None and told.infeasible is not None
    assert told.infeasible.clash is not None
    assert [limit.name for item in told.infeasible.clash.sets for limit in item.limits] == ["quota fra storage_gib"]
    assert isinstance(attempt(WORLD), Plan)


@pytest.mark.parametrize(("left", "most"), [(64.0, 64), (32.0, 32), (16.0, 16)])
def test_a_quota_of_addresses_limits_blocks_that_are_live_too(left, most):
    """What serves is renumbered into smaller blocks, and units that are staged beyond it go."""
    used = next(
        item for item in WORLD.capacity.quotas if (item.place, item.kind) == ("fra", CapacityKind.ADDRESSES)
    ).used
    plan = attempt(asked(after(WORLD, PLAN), quotas=(QuotaChange(place="fra", kind="addresses", total=used + left),)))
    assert isinstance(plan, Plan)
    specs = (item.resource.spec for item in plan.resources if item.resource.place == "fra")
    lengths = [int(spec.prefix.partition("/")[2]) for spec in specs if isinstance(spec, BlockSpec)]
    assert lengths and sum(1 << (32 - length) for length in lengths) <= most
