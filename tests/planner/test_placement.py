"""Placement against an oracle that tries every count and every share."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capacity import Shape
from contracts.failover import FailoverSettings
from planner.placement import Lacking, Placement, place
from planner.sites import SHARE_STEPS, Amount, Live, Site
from planner.solve import RELATIVE_GAP, solve

SMALL, LARGE = Shape(name="s4", vcpu=4, memory_gib=16), Shape(name="m16", vcpu=16, memory_gib=64)
SETTINGS = FailoverSettings(max_partners=2)
NOTHING = Live(serving={}, failover={}, shares={})


def site(region, vcpu, prices=(0.2, 0.7), *, partners=(), critical=0.0, room=1e4, live=NOTHING, backs=()):
    shapes = ((SMALL, prices[0]), (LARGE, prices[1]))
    return Site(
        region=region,
        serving=Amount(vcpu=vcpu, memory_gib=vcpu * 4),
        critical=Amount(vcpu=critical, memory_gib=critical * 4),
        standing=Amount(),
        backs=backs,
        room=Amount(vcpu=room, memory_gib=room * 4),
        serving_shapes=shapes,
        failover_shapes=shapes,
        partners=partners,
        live=live,
    )


def placed(*sites, settings=SETTINGS):
    found = place(sites, settings, solve)
    assert isinstance(found, Placement), found
    return found


def test_no_more_accelerators_are_taken_than_there_are():
    bearing = Shape(name="g16", vcpu=16, memory_gib=64, accelerators=1)
    shapes = ((SMALL, 0.2), (bearing, 0.1))
    here = replace(site("fra", 64), serving_shapes=shapes, failover_shapes=shapes)
    assert placed(here).serving == {("fra", "g16"): 4}
    few = placed(replace(here, accelerators=1.0)).serving
    assert few["fra", "g16"] == 1 and few["fra", "s4"] == 12


def covering(vcpu, prices, room):
    """The least cost of covering so many vCPUs with both shapes, by trying all counts; infinite where none fits."""
    best = np.inf
    for few, many in product(range(int(vcpu) // 4 + 2), range(int(vcpu) // 16 + 2)):
        if vcpu <= few * 4 + many * 16 <= room:
            best = min(best, few * prices[0] + many * prices[1])
    return best


def oracle(demands, critical, prices):
    """The least cost for three regions that back each other up, over every split into twentieths."""
    serving = sum(covering(vcpu, price, 1e4) for vcpu, price in zip(demands, prices, strict=True))
    best = np.inf
    for steps in product(range(SHARE_STEPS + 1), repeat=3):
        held = [0.0, 0.0, 0.0]
        for lost, part in enumerate(steps):
            one, other = (lost + 1) % 3, (lost + 2) % 3
            held[one] = max(held[one], critical[lost] * part / SHARE_STEPS)
            held[other] = max(held[other], critical[lost] * (SHARE_STEPS - part) / SHARE_STEPS)
        best = min(best, sum(cheapest_cover(load, price) for load, price in zip(held, prices, strict=True)))
    return serving + best


_memory: dict[tuple[float, tuple[float, float]], float] = {}


def cheapest_cover(load, price):
    key = (round(load, 9), price)
    if key not in _memory:
        _memory[key] = covering(load, price, 1e4)
    return _memory[key]


@settings(max_examples=12, deadline=None)
@given(
    st.tuples(*[st.integers(1, 40)] * 3),
    st.tuples(*[st.sampled_from([(0.2, 0.7), (0.25, 0.6), (0.15, 0.8)])] * 3),
    st.sampled_from([0.25, 0.5, 1.0]),
)
def test_no_placement_is_cheaper(demands, prices, share):
    names = ("ams", "fra", "lon")
    critical = [vcpu * share for vcpu in demands]
    sites = [
        site(
            name,
            float(demands[at]),
            prices[at],
            critical=critical[at],
            partners=tuple(other for other in names if other != name),
        )
        for at, name in enumerate(names)
    ]
    least = oracle(demands, critical, prices)
    found = placed(*sites)
    assert found.usd_per_hour == pytest.approx(least, rel=2 * RELATIVE_GAP)
    assert found.lower_bound <= least + 1e-9


def test_one_lost_region_at_a_time_shares_what_stands_by():
    """Two regions behind one partner need what the larger of them needs, not the sum."""
    found = placed(
        site("ams", 16.0, critical=16.0, partners=("lon",)),
        site("fra", 32.0, critical=32.0, partners=("lon",)),
        site("lon", 0.0),
    )
    standing = sum({"s4": 4, "m16": 16}[shape] * count for (_, shape), count in found.failover.items())
    assert standing == 32


def test_no_more_partners_than_people_want():
    sites = [site(name, 0.0, room=8) for name in ("p1", "p2", "p3")]
    lost = site("fra", 20.0, critical=20.0, partners=("p1", "p2", "p3"))
    three = placed(lost, *sites, settings=FailoverSettings(max_partners=3))
    assert len(three.partners("fra")) == 3
    two = place([lost, *sites], FailoverSettings(max_partners=2), solve)
    assert isinstance(two, Lacking)
    assert two.shares == {"fra": 4}  # 16 of 20 vCPUs fit with two partners


def test_what_is_live_and_good_enough_stays():
    """Five small ones cost 1.0. Where one large and one small cost 0.9 they go; where 0.993 they stay."""
    live = Live(serving={"s4": 5}, failover={}, shares={})
    moved = placed(site("fra", 20.0, (0.2, 0.7), live=live))
    assert moved.serving == {("fra", "s4"): 1, ("fra", "m16"): 1}
    stayed = placed(site("fra", 20.0, (0.2, 0.793), live=live))
    assert stayed.serving == {("fra", "s4"): 5}


def test_a_saving_below_one_per_cent_is_not_worth_a_change():
    live = Live(serving={"m16": 40, "s4": 1}, failover={}, shares={})
    assert placed(site("fra", 640.0, live=live)).serving == {("fra", "m16"): 40, ("fra", "s4"): 1}
    few = Live(serving={"m16": 4, "s4": 1}, failover={}, shares={})
    assert placed(site("fra", 64.0, live=few)).serving == {("fra", "m16"): 4}


@pytest.mark.parametrize("critical", [Amount(vcpu=32), Amount(memory_gib=128)])
def test_each_of_vcpu_and_memory_is_carried_when_a_region_is_lost(critical):
    lost = replace(site("ams", 0.0, partners=("lon",)), critical=critical)
    assert placed(lost, site("lon", 0.0)).failover == {("lon", "m16"): 2}


def test_an_impossible_demand_says_where_and_how_much():
    lacking = place([site("fra", 50.0, room=40), site("ams", 10.0)], SETTINGS, solve)
    assert isinstance(lacking, Lacking)
    assert lacking.serving.keys() == {"fra"}
    assert lacking.serving["fra"].vcpu == pytest.approx(10)


def test_a_region_holds_what_regions_left_as_they_are_lean_on():
    found = placed(site("fra", 0.0, backs=(Amount(vcpu=12, memory_gib=40),)))
    assert found.failover == {("fra", "s4"): 3}
