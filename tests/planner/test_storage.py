"""Whole plans whose storage is asked for more than GiB: judged from outside, calm, and told when it cannot be had."""

from dataclasses import replace

import pytest

from contracts.accounts import TargetName
from contracts.capacity import CapacityKind, Offer, StorageClass
from contracts.plan import Infeasible, Plan
from contracts.resources import FailoverSpec, Purpose, ResourceKind, StorageSpec
from contracts.storage import Replicas, StorageAsk, StorageNeed
from contracts.what_if import PriceChange, WhatIf
from contracts.wording import describe
from planner.build import build_plan
from planner.explain import explain
from planner.pieces import Made
from planner.replicas import Copies
from planner.solve import solve
from planner.stored import Piece
from planner.volumes import Volume
from planner.what_if import changed
from tests.laws.environments import loaded
from tests.planner.asked_of import asked_of
from tests.planner.plan_checker import Rule, breaches
from tests.planner.simulate import after, standing
from tests.planner.storage_world import GP3, IO2, PD, PRICES, market
from tests.planner.test_small import asked, small
from tests.planner.worlds import RECIPE, WORLD, people, plan_of, region, specs

HOT = StorageAsk(name="hot", share=0.25, iops_per_gib=20, least_durability=0.99999)
COLD = StorageAsk(name="cold", share=0.75, throughput_mibps=400)


def sold(world, classes=(GP3, IO2, PD)):
    """The world with these classes in the place of its own, everywhere at one price."""
    known = {item.name for item in world.catalog.storage_classes}
    kept = tuple(offer for offer in world.capacity.offers if offer.item not in known)
    places = [facts.region for facts in world.capacity.regions]
    items = [(item, usd) for item, usd in PRICES.items() if item.split("-")[0] in {one.name for one in classes}]
    offers = tuple(Offer(place=place, item=item, usd_per_hour=usd) for place in places for item, usd in items)
    capacity = world.capacity.model_copy(update={"offers": (*kept, *offers)})
    return replace(world, catalog=world.catalog.model_copy(update={"storage_classes": classes}), capacity=capacity)


def volumes(plan, place="fra"):
    return {
        key: spec
        for key, spec in specs(plan, ResourceKind.STORAGE).items()
        if key.startswith(f"{place}/storage/serving")
    }


@pytest.fixture(scope="module")
def world():
    return people(sold(WORLD), storage=(HOT, COLD))


@pytest.fixture(scope="module")
def plan(world):
    return plan_of(world)


def test_each_part_has_what_is_asked_of_it_and_a_class_of_its_own(world, plan):
    assert [str(breach) for breach in breaches(asked_of(world), plan)] == []
    assert {spec.storage_class for spec in volumes(plan).values()} == {"pd", "gp3"}
    slower = people(world, storage=(HOT.model_copy(update={"iops_per_gib": 40.0}), COLD))
    assert {breach.rule for breach in breaches(asked_of(slower), plan)} == {Rule.STORAGE}


def test_planned_again_it_changes_nothing_and_stays_in_its_class(world, plan):
    again = plan_of(after(world, plan))
    assert not again.changes
    asked_less = people(after(world, plan), storage=(HOT.model_copy(update={"least_durability": 0.0}), COLD))
    assert volumes(plan_of(asked_less)).keys() == volumes(plan).keys()


def test_one_region_s_own_words_are_in_place_of_all_others(world):
    fast = StorageAsk(iops=20_000)
    plan = plan_of(region(world, storage=(fast,)))
    ((key, spec),) = volumes(plan, world.environment.regions[0].name).items()
    assert spec.iops >= 20_000 or spec.gib * PD.iops_per_gib >= 20_000
    assert key.count("-") == 0


def test_each_partner_has_the_share_that_it_carries(world):
    shared = people(sold(WORLD), storage=(StorageAsk(replicas=Replicas.SHARES),))
    plan = plan_of(shared)
    assert [str(breach) for breach in breaches(asked_of(shared), plan)] == []
    for facts in shared.capacity.regions:
        shares = {
            item.resource.spec.partner: item.resource.spec.share
            for item in plan.resources
            if isinstance(item.resource.spec, FailoverSpec) and item.resource.place == facts.region
        }
        ours = volumes(plan, facts.region)
        gib = sum(spec.gib for spec in ours.values())
        held = {spec.replica_region: spec.gib for spec in ours.values()}
        assert held == pytest.approx({name: share * gib for name, share in shares.items()}, abs=20)
    assert any(len(volumes(plan, facts.region)) > 1 for facts in shared.capacity.regions)  # else this shows nothing
    grown = plan_of(loaded(after(shared, plan), RECIPE, RECIPE.load * 0.96))
    assert {key: spec.gib for key, spec in volumes(grown).items()} == {
        key: spec.gib for key, spec in volumes(plan).items()
    }


def test_what_cannot_be_had_says_what_each_class_lacks():
    asks = people(sold(WORLD, (GP3, PD)), storage=(StorageAsk(iops=900_000, least_durability=0.99999),))
    found = build_plan(asks, solve)
    assert isinstance(found, Infeasible)
    told = found.shortfalls[0].nearest
    assert "900000 IOPS, a durability of 0.99999" in told
    assert "gp3 has a durability of 0.998" in told and "pd gives " in told


def test_a_class_that_would_have_to_be_too_large_gives_way_to_one_that_fits(world):
    asks = people(world, storage=(StorageAsk(iops=15_000, least_durability=0.99999),))
    (roomy,) = volumes(plan_of(asks)).values()
    assert roomy.storage_class == "pd"
    quotas = tuple(
        quota.model_copy(update={"total": roomy.gib - 10.0}) if quota.kind is CapacityKind.STORAGE_GIB else quota
        for quota in asks.capacity.quotas
    )
    tight = replace(asks, capacity=asks.capacity.model_copy(update={"quotas": quotas}))
    plan = plan_of(tight)
    (found,) = volumes(plan).values()
    assert found.storage_class == "io2" and found.iops == 15_000
    assert [str(breach) for breach in breaches(asked_of(tight), plan)] == []


def test_a_volume_s_reason_says_what_was_asked_and_what_would_not_do(plan):
    key = next(key for key in volumes(plan) if key.endswith("-hot"))
    text = "\n".join(explain(plan, key).lines())
    assert "asked of storage hot: " in text and "a durability of 0.99999" in text
    assert "not gp3: is not durable enough (0.998, against 0.99999)" in text


@pytest.mark.parametrize(
    "spec, words",
    [
        (StorageSpec(storage_class="gp3", gib=500, replica_region="ams"), "500 GiB gp3, copy in ams"),
        (
            StorageSpec(storage_class="gp3", gib=500, iops=4000, throughput_mibps=700, volumes=2),
            "500 GiB gp3, in 2 volumes, 4000 IOPS, 700 MiB/s",
        ),
    ],
)
def test_volumes_in_words(spec, words):
    assert describe(spec) == words


def test_staged_volumes_and_those_made_for_a_request_are_as_safe_and_fast_as_the_first_part(world, plan):
    staged = [spec for key, spec in specs(plan, ResourceKind.STORAGE, Purpose.STAGED).items()]
    assert staged and {spec.storage_class for spec in staged} == {"pd"}
    assert all(spec.gib * PD.iops_per_gib >= 20 * 100 for spec in staged)
    made = small(asked(storage_gib=250), world)
    assert isinstance(made, Plan)
    (spec,) = specs(made, ResourceKind.STORAGE).values()
    assert spec.storage_class == "pd" and spec.gib * PD.iops_per_gib >= 20 * 250
    assert made.cost.lower_bound_usd_per_hour <= made.cost.optimised_usd_per_hour


def test_what_if_a_place_sold_iops(world):
    without = people(sold(WORLD, (GP3,)), storage=(StorageAsk(iops=5000),))
    offers = tuple(offer for offer in without.capacity.offers if offer.item != "gp3-iops")
    unsold = replace(without, capacity=without.capacity.model_copy(update={"offers": offers}))
    assert all(spec.volumes == 2 and not spec.iops for spec in volumes(plan_of(unsold)).values())
    change = WhatIf(prices=(PriceChange(place="fra", item="gp3-iops", usd_per_hour=1e-9),))
    (spec,) = volumes(plan_of(changed(unsold, change, ()))).values()
    assert (spec.iops, spec.volumes) == (5000, 0)  # one volume does then


def test_what_lies_in_several_volumes_stays_in_them_though_one_would_do():
    fast = people(sold(WORLD, (GP3,)), storage=(StorageAsk(iops_per_gib=30),))
    spread = plan_of(fast)
    slow = plan_of(people(after(fast, spread), storage=(StorageAsk(),)))
    before, now = volumes(spread), volumes(slow)
    assert {key: (spec.gib, spec.volumes) for key, spec in now.items()} == {
        key: (spec.gib, spec.volumes) for key, spec in before.items()
    }
    assert before["fra/storage/serving/gp3"].volumes == 2 and now["fra/storage/serving/gp3"].iops == 0


def test_volumes_never_shrink_on_a_forecast():
    """Clouds refuse to make a volume smaller, or make another one without its content."""
    standing = after(WORLD, plan_of(WORLD))
    live = {key: item.spec.gib for key, item in standing.live().items() if isinstance(item.spec, StorageSpec)}
    serving = {key: gib for key, gib in live.items() if "/storage/serving/" in key}
    planned = {item.resource.key: item.resource for item in plan_of(loaded(standing, RECIPE, 0.3)).resources}
    assert serving and all(planned[key].spec.gib == gib for key, gib in serving.items())


def unsold(world, item, places):
    """The world in which some places do not sell an item."""
    offers = tuple(offer for offer in world.capacity.offers if (offer.item, offer.place in places) != (item, True))
    return replace(world, capacity=world.capacity.model_copy(update={"offers": offers}))


def elsewhere(place="fra"):
    return {facts.region for facts in WORLD.capacity.regions} - {place}


def test_a_class_that_no_partner_sells_gives_way_to_a_dearer_one_that_can_be_copied():
    cheap, both = plan_of(WORLD), plan_of(unsold(WORLD, "standard", elsewhere()))
    ((_, alone),), ((key, pair),) = volumes(cheap).items(), volumes(both).items()
    assert (alone.storage_class, pair.storage_class) == ("standard", "fast") and pair.replica_region
    told = "\n".join(explain(both, key).lines())
    assert "not standard: could have no replica: no partner sells it and has the room" in told
    assert [str(breach) for breach in breaches(asked_of(unsold(WORLD, "standard", elsewhere())), both)] == []


def test_what_no_partner_could_have_in_any_class_is_the_cheapest_and_says_so():
    world = unsold(unsold(WORLD, "standard", elsewhere()), "fast", elsewhere())
    offers = (*world.capacity.offers, *(Offer(place=place, item="io", usd_per_hour=0.01) for place in elsewhere()))
    classes = (*world.catalog.storage_classes, StorageClass(name="io"))
    world = replace(
        world,
        capacity=world.capacity.model_copy(update={"offers": offers}),
        catalog=world.catalog.model_copy(update={"storage_classes": classes}),
    )
    ((key, spec),) = volumes(plan := plan_of(world)).items()
    assert (spec.storage_class, spec.replica_region) == ("standard", None)
    assert "not replica in" in "\n".join(explain(plan, key).lines())


def test_a_replica_s_price_weighs_in_the_choice_of_class():
    """Standard is dearer at the partners than fast is at both ends: together fast costs less."""
    offers = tuple(
        offer.model_copy(update={"usd_per_hour": 0.0004})
        if (offer.item, offer.place == "fra") == ("standard", False)
        else offer
        for offer in WORLD.capacity.offers
    )
    world = replace(WORLD, capacity=WORLD.capacity.model_copy(update={"offers": offers}))
    ((key, spec),) = volumes(plan := plan_of(world)).items()
    assert spec.storage_class == "fast"
    dearer = f"  not standard: costs more ({spec.gib * 0.00051:g} USD/h, against {spec.gib * 0.0004:g})"
    assert dearer in explain(plan, key).lines()


def test_what_serves_keeps_its_class_though_nobody_may_copy_it_any_more():
    world = after(WORLD, plan_of(WORLD))
    ((key, before),) = volumes(plan_of(WORLD)).items()
    bare = world.live()[key].model_copy(update={"spec": before.model_copy(update={"replica_region": None})})
    stands = unsold(standing(world, (world.live() | {key: bare}).values()), "standard", elsewhere())
    ((kept, spec),) = volumes(plan_of(stands)).items()
    assert (kept, spec.storage_class, spec.replica_region) == (key, "standard", None)


def test_the_room_that_a_replica_would_find_counts_and_is_taken():
    """Of two partners the first sells both classes and has room for one volume, the other sells io2 alone."""
    sells = {"fra": {"gp3": 1.0, "io2": 3.0}, "ams": {"gp3": 1.0, "io2": 3.0}, "lon": {"io2": 4.0}}
    copies = Copies(market((GP3, IO2), sells), {"ams": 15.0, "lon": 100.0})
    piece = Piece(region="fra", need=StorageNeed(gib=10), target=TargetName.ESTATE, partners=("ams", "lon"))
    cheap, dear = (Volume(storage_class=name, gib=10, usd_per_hour=1.0) for name in ("gp3", "io2"))
    one, two = (Made(key="", piece=piece, volume=volume, need=piece.need) for volume in (cheap, dear))
    assert copies.usd(piece, [cheap]) == 10.0 and copies.told([one]) == (0, 10.0)
    copies.take([one])
    assert copies.usd(piece, [cheap]) is None and copies.told([one]) == (1, 0.0)
    assert copies.usd(piece, [dear]) == 40.0 and copies.told([two]) == (0, 40.0)
