"""Sets of limits that clash against brute force: every one is real, and every part of it can be kept."""

from dataclasses import replace
from itertools import combinations
from math import inf

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.capacity import CapacityKind, Offer, Pool, Quota
from contracts.clash import Clashes, LimitKind
from contracts.environment import RegionSettings
from contracts.failover import FailoverSettings
from contracts.names import is_link, link_name
from contracts.plan import Infeasible, Plan
from planner import trials
from planner.build import build_plan
from planner.clash import explained, remembered
from planner.limits import limits_of
from planner.solve import solve
from planner.trials import checks_for
from tests.laws.environments import CATALOG, Recipe, question
from tests.planner.test_odd_worlds import LACKING, everywhere, seen
from tests.planner.worlds import RECIPE, WORLD, people, region

VCPU = CapacityKind.VCPU
MUCH = 1e8
SOLVE = remembered(solve)


def attempt(world):
    return build_plan(world, SOLVE)


_TOLD: dict[int, tuple[object, Clashes]] = {}


def clash_of(world):
    """Found once for each world."""
    if id(world) not in _TOLD:
        _TOLD[id(world)] = (world, _clash_of(world))
    return _TOLD[id(world)][1]


def _clash_of(world):
    answer = attempt(world)
    assert isinstance(answer, Infeasible)
    told = explained(world, answer, attempt)
    assert told.shortfalls == answer.shortfalls and told.clash is not None
    return told.clash


# --- the oracle: a world in which only some limits stand, made by hand


def only(world, kept):
    """The world with nothing in the way but the limits of these names."""
    names = {item.name for item in world.environment.regions}
    capacity, failover = world.capacity, world.environment.failover
    regions = tuple(
        facts if "fault domains" in kept else facts.model_copy(update={"fault_domain": f"of {facts.region}"})
        for facts in capacity.regions
    )
    quotas = {(item.place, item.kind): item for item in capacity.quotas}
    places = {*names, *(link_name(link.a, link.b) for link in capacity.links)}
    for place in places:
        for kind in (CapacityKind.GBPS,) if is_link(place) else set(CapacityKind) - {CapacityKind.GBPS}:
            if f"quota {place} {kind}" not in kept:
                quotas[place, kind] = Quota(place=place, kind=kind, total=MUCH, used=0, ours=0)
    offers = list(capacity.offers)
    for place in sorted(places):
        if f"offers {place}" not in kept:
            offers += lacking(world, place)
    roomy = (Pool(region=name, cidr="128.0.0.0/3") for name in sorted(names) if f"pools {name}" not in kept)
    settings = {
        "max_latency_ms": failover.max_latency_ms if "failover.max_latency_ms" in kept else 1e7,
        "max_partners": failover.max_partners if "failover.max_partners" in kept else 8,
        "critical_share": failover.critical_share if "failover.critical_share" in kept else 0,
    }
    settled = tuple(
        item.model_copy(
            update={"minimum": {k: v for k, v in item.minimum.items() if f"minimum {item.name} {k}" in kept}}
        )
        for item in world.environment.regions
    )
    bare = seen(
        world, regions=regions, quotas=tuple(quotas.values()), offers=tuple(offers), pools=(*capacity.pools, *roomy)
    )
    return people(bare, failover=FailoverSettings(**settings), regions=settled)


def lacking(world, place):
    """Offers of all that a place does not sell."""
    regional = {item.name for item in CATALOG.shapes} | {item.name for item in CATALOG.storage_classes}
    items = {tier.name for tier in CATALOG.circuit_tiers} if is_link(place) else regional
    sold = {offer.item for offer in world.capacity.offers if offer.place == place}
    return [Offer(place=place, item=item, usd_per_hour=1) for item in sorted(items - sold)]


def feasible(world):
    return isinstance(attempt(world), Plan)


def check_sets(world, found):
    """Each set has no plan, each proper part of it has one, and no two have a limit in common."""
    names = [[limit.name for limit in item.limits] for item in found.sets]
    assert len({name for each in names for name in each}) == sum(len(each) for each in names)
    for each in names:
        assert not feasible(only(world, set(each))), each
        for size in range(len(each)):
            for part in combinations(each, size):
                assert feasible(only(world, set(part))), (each, part)


def with_numbers(world, relaxed):
    """The world once some limits gave way as told, by hand."""
    for item in relaxed:
        world = _given_way(world, item.limit, item.to)
    return world


def _given_way(world, limit, to):
    match limit.kind:
        case LimitKind.QUOTA:
            number = MUCH if to is None else to
            others = [item for item in world.capacity.quotas if (item.place, item.kind) != (limit.place, limit.unit)]
            mine = Quota(place=limit.place, kind=CapacityKind(limit.unit), total=number, used=0, ours=0)
            return seen(world, quotas=(*others, mine))
        case LimitKind.MINIMUM:
            settled = tuple(
                item.model_copy(update={"minimum": {**item.minimum, CapacityKind(limit.unit): to}})
                if item.name == limit.place
                else item
                for item in world.environment.regions
            )
            return people(world, regions=settled)
        case LimitKind.POOLS:
            return seen(world, pools=(*world.capacity.pools, Pool(region=limit.place, cidr="128.0.0.0/3")))
        case LimitKind.OFFERS:
            return seen(world, offers=(*world.capacity.offers, *lacking(world, limit.place)))
        case LimitKind.FAULT_DOMAINS:
            facts = world.capacity.regions
            return seen(world, regions=tuple(one.model_copy(update={"fault_domain": one.region}) for one in facts))
        case _:
            settings = world.environment.failover.model_copy(
                update={limit.kind.value: int(to) if limit.kind is LimitKind.PARTNERS else to}
            )
            return people(world, failover=settings)


STEP = {LimitKind.CRITICAL_SHARE: -0.01, LimitKind.MINIMUM: -1.0, LimitKind.LATENCY: 0.001}
"""Outwards, as fine as numbers are sought; of the rest 1."""


def check_nearest(world, found):
    """What is told makes a plan at the cost that is told, and nothing of it can be held tighter by itself."""
    assert not found.cut_short
    plan = attempt(with_numbers(world, found.relaxed))
    assert isinstance(plan, Plan)
    if all(item.limit.kind is not LimitKind.OFFERS for item in found.relaxed):
        assert plan.cost.after_usd_per_hour == pytest.approx(found.usd_per_hour, abs=0.05)
    for item in found.relaxed:
        others = [other for other in found.relaxed if other is not item]
        tighter = with_numbers(world, others)
        if item.to is not None:
            tighter = _given_way(tighter, item.limit, item.to - STEP.get(item.limit.kind, 1.0))
        assert not feasible(tighter), item


# --- worlds


TIGHT = question(Recipe(seed=3, tight=True, load=1.7))
FEW = replace(people(WORLD, failover=FailoverSettings(critical_share=1.0, max_partners=1, max_latency_ms=100)))

WORLDS = {
    "too little compute": TIGHT,
    "one partner is not enough": seen(
        FEW,
        quotas=tuple(
            item.model_copy(update={"total": 190, "used": 0}) if item.kind is VCPU else item
            for item in WORLD.capacity.quotas
        ),
    ),
    "a minimum beyond the region": region(WORLD, minimum={VCPU: 4000}),
    "too little storage": seen(
        quotas=tuple(
            item.model_copy(update={"total": 100, "used": 0})
            if (item.place, item.kind) == ("fra", CapacityKind.STORAGE_GIB)
            else item
            for item in WORLD.capacity.quotas
        )
    ),
    "no line to one region sold": seen(
        offers=tuple(item for item in WORLD.capacity.offers if not (is_link(item.place) and "lon" in item.place))
    ),
    **{name: LACKING[name][0] for name in ("partners too far", "one fault domain", "one region", "no pools")},
}


@pytest.mark.parametrize("name", WORLDS)
def test_every_set_is_real_and_irreducible(name):
    found = clash_of(WORLDS[name])
    assert found.sets and not found.cut_short
    check_sets(WORLDS[name], found)
    check_nearest(WORLDS[name], found)


@pytest.mark.long
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.integers(0, 500), st.sampled_from([1.2, 1.7]), st.sampled_from([0.4, 1.0]), st.integers(1, 2))
def test_so_it_is_in_any_tight_world(seed, load, share, partners):
    recipe = Recipe(seed=seed, tight=True, load=load, critical_share=share, max_partners=partners, requests=False)
    world = question(recipe)
    assume(isinstance(attempt(world), Infeasible))
    found = clash_of(world)
    check_sets(world, found)


def test_what_clashes_is_told_with_numbers():
    (compute, memory) = clash_of(TIGHT).sets
    assert compute.told.startswith("quota lon vcpu (277 vcpu) cannot be kept: lon wants ")
    assert "331.47 vcpu at 2026-11-02 06:00 UTC, and 276 can be had" in compute.told
    assert [limit.kind for limit in memory.limits] == [LimitKind.QUOTA]
    assert clash_of(TIGHT).checks < 60  # halving, not one by one


def test_all_of_one_fault_domain_names_the_rule_and_the_promise():
    (found,) = clash_of(WORLDS["one fault domain"]).sets
    assert {limit.kind for limit in found.limits} == {LimitKind.FAULT_DOMAINS, LimitKind.CRITICAL_SHARE}


def test_demand_beyond_all_has_no_limit_to_blame():
    found = clash_of(question(replace(RECIPE, load=1e12)))
    assert found.sets == () and found.relaxed == () and found.usd_per_hour is None and not found.cut_short


def test_a_search_that_ends_early_says_so_and_still_has_a_plan(monkeypatch):
    monkeypatch.setattr(trials, "MOST_CHECKS", 30)
    world = seen(quotas=())
    found = _clash_of(world)
    assert found.cut_short and found.checks <= 30
    assert len(found.sets) >= 1
    if found.relaxed:
        assert feasible(with_numbers(world, found.relaxed))


def test_larger_environments_are_asked_fewer_questions():
    regions = [RegionSettings(name=f"r{number}") for number in range(300)]
    asked = [checks_for(people(WORLD, regions=tuple(regions[:count]))) for count in (1, 7, 23, 100, 300)]
    assert asked == [200, 200, 65, 20, 20]


def test_the_same_question_has_the_same_answer():
    assert _clash_of(TIGHT) == clash_of(TIGHT)
    assert inf > clash_of(TIGHT).checks > 0


def test_places_without_plans_of_their_own_are_left_out():
    """A paused region is left as it is: its quotas are no limit of this plan."""
    first, second, *others = everywhere().environment.regions
    paused = people(TIGHT, regions=(first, RegionSettings(name=second.name, paused=True), *others))
    places = {limit.place for limit in limits_of(TIGHT)} - {limit.place for limit in limits_of(paused)}
    assert second.name in places and first.name not in places


def test_a_question_is_asked_once():
    asked = []

    def counting(model):
        asked.append(model)
        return solve(model)

    once = remembered(counting)
    for _ in range(2):
        build_plan(WORLD, once)
    assert len(asked) == 1


def test_regions_that_only_other_networks_join_lack_links():
    """Two of three are joined to the third through a region of others alone: no traffic takes it, and no partner."""
    out = WORLD.environment.regions[2].name
    own, foreign = WORLD.environment.regions[0].name, WORLD.environment.regions[1].name
    links = tuple(link for link in WORLD.capacity.links if foreign not in (link.a, link.b) or out in (link.a, link.b))
    offers = tuple(
        offer for offer in WORLD.capacity.offers if not (is_link(offer.place) and foreign in offer.place.split("--"))
    )
    regions = tuple(region for region in WORLD.environment.regions if region.name != out)
    world = people(seen(links=links, offers=offers), regions=regions)
    assert any(own in (link.a, link.b) for link in links)
    kinds = {limit.kind for one in _clash_of(world).sets for limit in one.limits}
    assert kinds == {LimitKind.LINKS, LimitKind.CRITICAL_SHARE}
