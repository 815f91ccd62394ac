"""What serves already stays as it is asked for in other ways: by random histories of what people ask, and by table."""

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.capacity import CapacityKind, Quota
from contracts.plan import Plan, ReasonCode, Requirement
from contracts.resources import StorageSpec
from contracts.storage import Replicas, StorageAsk
from planner.demand import Demand
from planner.desired import Desired
from planner.given import given_resources
from planner.market import Market
from planner.storage import want_storage
from tests.planner.simulate import standing
from tests.planner.storage_world import GP3, HYPERDISK, IO2, PD
from tests.planner.test_storage import sold
from tests.planner.worlds import WORLD, people

KEY = "fra/storage/serving"
WHOLE = (StorageAsk(),)
SAFE = 0.99999
HOT = StorageAsk(name="hot", share=0.25, iops_per_gib=3, least_durability=SAFE)
COLD = StorageAsk(name="cold", share=0.75)
FASTER_THAN_PD = (StorageAsk(throughput_mibps=2300),)
CLASSES = {item.name: item for item in (GP3, IO2, PD)}
SHARES = ({"ams": 1.0}, {"ams": 0.5, "lon": 0.5}, {"lon": 0.7, "mad": 0.3}, {"ams": 0.4, "lon": 0.3, "mad": 0.3})
ROOM = 1e6


def ask(storage=WHOLE, gib=1000.0, partners=SHARES[0], **more):
    """What people ask of `fra`, and where its partners are."""
    return SimpleNamespace(storage=storage, gib=gib, partners=partners, more=more)


def roomy(question, room=ROOM):
    quotas = tuple(
        Quota(place=facts.region, kind=CapacityKind.STORAGE_GIB, total=room, used=0, ours=0)
        for facts in question.capacity.regions
    )
    return replace(question, capacity=question.capacity.model_copy(update={"quotas": quotas}))


def world(classes=(GP3, IO2, PD)):
    return roomy(sold(WORLD, classes))


def planned(question, asked):
    """Shortfalls, and the volumes of `fra` that are wanted, without a solver: partners are given."""
    question = people(question, storage=asked.storage, **asked.more)
    market = Market.read(question.catalog, question.capacity)
    known = given_resources(question, market)
    need = Requirement(
        id="fra/storage_gib/serving",
        place="fra",
        kind=CapacityKind.STORAGE_GIB,
        quantity=asked.gib or 0.0,
        code=ReasonCode.DEMAND,
    )
    partners = tuple(sorted(asked.partners, key=lambda name: (-asked.partners[name], name)))
    placement = SimpleNamespace(
        partners=lambda region: partners, shares={("fra", name): share for name, share in asked.partners.items()}
    )
    needs = (need,) if asked.gib is not None else ()
    demand = SimpleNamespace(question=question, needs=needs, given=known, regions=("fra",), placement=placement)
    desired = Desired.start(market, known)
    short = want_storage(desired, cast(Demand, demand))
    return short, {key: item for key, item in sorted(desired.resources.items()) if key.startswith(KEY)}


def applied(question, wanted):
    """The question once what is wanted is live, and known as wanted."""
    others = [item for key, item in question.live().items() if not key.startswith(KEY)]
    now = standing(question, [*others, *(item.resource for item in wanted.values())])
    return roomy(replace(now, earlier=cast(Plan, SimpleNamespace(resources=tuple(wanted.values())))))


def specs(wanted):
    return {key.removeprefix(f"{KEY}/"): item.resource.spec for key, item in wanted.items()}


def sizes(spec):
    """GiB of each volume, from what a spec says: written anew, not the planner's."""
    if spec.volumes:
        return [math.ceil(spec.gib / spec.volumes)] * spec.volumes
    largest = CLASSES[spec.storage_class].largest_gib or spec.gib
    return [largest] * (spec.gib // largest) + [spec.gib % largest] * bool(spec.gib % largest)


def iops(spec):
    kind = CLASSES[spec.storage_class]
    return spec.iops or max(len(sizes(spec)) * kind.volume_iops, spec.gib * kind.iops_per_gib)


PARTS = st.sampled_from(
    [
        WHOLE,
        (StorageAsk(iops_per_gib=3),),
        (StorageAsk(iops=9000, replicas=Replicas.SHARES),),
        (StorageAsk(replicas=Replicas.SHARES),),
        (StorageAsk(least_durability=SAFE),),
        (HOT, COLD),
        (HOT.model_copy(update={"replicas": Replicas.SHARES}), COLD),
        (COLD.model_copy(update={"share": 0.5}), StorageAsk(name="warm", share=0.5, iops=20_000)),
        (StorageAsk(name="all"),),
    ]
)
ASKS = st.builds(ask, PARTS, st.sampled_from([90.0, 400.0, 1000.0, 1300.0, 20_000.0]), st.sampled_from(SHARES))


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(st.lists(ASKS, min_size=2, max_size=4))
@example([ask((HOT, COLD)), ask((StorageAsk(iops_per_gib=3),)), ask((StorageAsk(iops_per_gib=5),), gib=1300.0)])
@example(
    [
        ask((HOT.model_copy(update={"replicas": Replicas.SHARES}), COLD), 90.0, SHARES[2]),
        ask((StorageAsk(iops_per_gib=3),), 40_000.0),
    ]
)
@example(
    [
        ask((StorageAsk(iops=9000, replicas=Replicas.SHARES),), partners=SHARES[3]),
        ask((COLD.model_copy(update={"share": 0.5}), StorageAsk(name="warm", share=0.5, iops=20_000)), 1300.0),
    ]
)
@example([ask((HOT, COLD)), ask((StorageAsk(iops=9000, replicas=Replicas.SHARES),), 1300.0, SHARES[2])])
def test_whatever_is_asked_next_what_serves_stays(history):
    question = world()
    for asked in history:
        before = {key: item.spec for key, item in question.live().items() if key.startswith(KEY)}
        short, wanted = planned(question, asked)
        assert not short
        now = {key: item.resource.spec for key, item in wanted.items()}
        for key, was in before.items():
            unfit = all(CLASSES[was.storage_class].durability < part.least_durability for part in asked.storage)
            assert (key not in now) == unfit
            if not unfit:
                assert now[key].storage_class == was.storage_class
                assert all(old <= new for old, new in zip(sizes(was), sizes(now[key]), strict=False))
                assert len(sizes(now[key])) >= len(sizes(was))
        for part in asked.storage:
            ours = [
                item.resource.spec
                for item in wanted.values()
                if (item.reason.storage.part if item.reason.storage else "") == part.name
            ]
            assert all(CLASSES[spec.storage_class].durability >= part.least_durability for spec in ours)
            assert sum(spec.gib for spec in ours) >= part.share * asked.gib
            assert sum(map(iops, ours)) >= max(part.iops, part.iops_per_gib * part.share * asked.gib)
        question = applied(question, wanted)
        assert specs(planned(question, asked)[1]) == specs(wanted)


def after_all(*history, question=None):
    """What is wanted once all of it has been asked, one after the other."""
    question, wanted = question or world(), {}
    for asked in history:
        short, wanted = planned(question, asked)
        assert not short
        question = applied(question, wanted)
    return specs(wanted)


def test_a_part_adopts_what_serves_and_others_come_beside_it():
    named = after_all(ask(), ask((HOT, COLD)))
    assert named == {"gp3": StorageSpec(storage_class="gp3", gib=1000, replica_region="ams"), "pd-hot": named["pd-hot"]}
    assert named["pd-hot"].gib == 250
    assert after_all(ask(), ask((HOT, COLD)), ask()).keys() == named.keys()


def test_shares_add_volumes_and_whole_keeps_them():
    shared = (StorageAsk(replicas=Replicas.SHARES),)
    assert after_all(ask(), ask(shared, partners=SHARES[1])) == after_all(ask())  # as much as is asked is there
    history = (ask(), ask(shared, 1300.0, SHARES[1]), ask(shared, 2600.0, SHARES[1]))
    one, other = {"gp3": (1000, "ams"), "gp3/lon": (300, "lon")}, {"gp3": (1300, "ams"), "gp3/lon": (1300, "lon")}
    for asked, found in ((history[:2], one), (history, other)):
        now = after_all(*asked)
        assert {key: (spec.gib, spec.replica_region) for key, spec in now.items()} == found
        assert after_all(*asked, ask(gib=asked[-1].gib, partners=SHARES[1])) == now


def test_more_iops_than_one_volume_has_add_volumes_of_its_size():
    assert after_all(ask(), ask((StorageAsk(iops=30_000),)), question=world((GP3,)))["gp3"] == StorageSpec(
        storage_class="gp3", gib=2000, volumes=2, iops=30_000, replica_region="ams"
    )


def test_what_grows_beyond_one_volume_gets_another_beside_where_that_is_cheaper():
    """Volumes with provisioned IOPS are of one size: to spread 16 TiB would make them 32."""
    fast = (StorageAsk(iops_per_gib=0.5),)
    found = after_all(ask(fast, gib=16_380), ask(fast, gib=17_000), question=world((GP3,)))
    assert {key: spec.gib for key, spec in found.items()} == {"gp3": 16_380, "gp3/2": 620}
    assert found["gp3"].iops + max(3000, found["gp3/2"].iops) >= 8500


def test_what_is_not_safe_enough_goes_and_pinned_it_stays_beside():
    safe = ask((StorageAsk(least_durability=SAFE),))
    assert after_all(ask(), safe).keys() == {"pd"}
    pinned = ask(safe.storage, pins=(f"{KEY}/gp3",))
    found = after_all(ask(), pinned)
    assert {key: spec.gib for key, spec in found.items()} == {"gp3": 1000, "pd": 1000}
    assert after_all(ask(gib=600.0), ask(gib=900.0, pins=(f"{KEY}/gp3",)))["gp3/2"].gib == 300


def test_what_is_no_longer_sold_or_known_stays_and_more_comes_beside():
    question = applied(world(), planned(world(), ask())[1])
    unsold = replace(
        question,
        capacity=question.capacity.model_copy(
            update={"offers": tuple(item for item in question.capacity.offers if not item.item.startswith("gp3"))}
        ),
    )
    unknown = replace(unsold, catalog=unsold.catalog.model_copy(update={"storage_classes": (IO2, PD)}))
    for market in (unsold, unknown):
        assert specs(planned(market, ask(gib=900.0))[1]).keys() == {"gp3"}
        found = specs(planned(market, ask(gib=1100.0))[1])
        assert {key: spec.gib for key, spec in found.items()} == {"gp3": 1000, "pd": 100}


def test_a_quota_that_fell_and_a_forecast_that_is_missing_take_nothing_away():
    question = applied(world(), planned(world(), ask())[1])
    asked = ask(gib=800.0)
    short, wanted = planned(roomy(question, 500.0), asked)
    assert not short and specs(wanted)["gp3"].gib == 1000
    assert specs(wanted)["gp3"].replica_region == "ams"  # it has its room there as well
    short, _ = planned(roomy(question, 500.0), ask(gib=1200.0))
    assert short and short[0].wanted == 1200.0
    (short,), _ = planned(roomy(world((PD,)), 500.0), ask((StorageAsk(iops=4200),), gib=90.0))
    assert (short.wanted, short.available) == (700.0, 500.0) and "add storage for 200 GiB more" in short.nearest
    _, wanted = planned(question, ask(gib=None))
    assert specs(wanted)["gp3"].gib == 1000
    assert {item.reason.code for item in wanted.values()} == {ReasonCode.CONTENT}
    assert planned(question, ask(gib=0.0)) == ((), {})  # people ask for none: a maximum of 0


def test_a_pin_is_enough_where_its_speed_is_what_is_asked_but_for_rounding():
    """1.15 MiB per second of 100 GiB are 114.99999999999999."""
    exact = ask((StorageAsk(throughput_mibps=115),), 100.0)
    question = world((PD.model_copy(update={"mibps_per_gib": 1.15}),))
    question = applied(question, planned(question, exact)[1])
    assert specs(planned(question, ask(exact.storage, 100.0, pins=(f"{KEY}/pd",)))[1]).keys() == {"pd"}


def test_what_comes_beside_a_pin_stays_where_there_is_no_room_to_make_it_as_fast():
    fast = (StorageAsk(iops=100_000),)
    question = applied(world(), planned(world(), ask(fast, 90.0))[1])
    pinned = ask(fast, 1300.0, pins=(f"{KEY}/gp3",))
    _, wanted = planned(roomy(question, 5000.0), pinned)
    assert wanted.keys() == {f"{KEY}/gp3", f"{KEY}/gp3/2"}
    _, again = planned(roomy(applied(question, wanted), 5000.0), pinned)
    assert specs(again) == specs(wanted)


def test_what_no_volume_can_take_alone_is_shared_out_between_those_that_serve():
    shared = ask((StorageAsk(replicas=Replicas.SHARES, least_durability=SAFE),), partners=SHARES[1])
    fast = ask((StorageAsk(iops=90_000, least_durability=SAFE),))
    found = after_all(shared, fast, question=world((HYPERDISK, IO2)))
    assert {key: spec.iops for key, spec in found.items()} == {"hyperdisk/ams": 45_000, "hyperdisk/lon": 45_000}


@pytest.mark.parametrize(
    ("classes", "history"),
    [
        ((GP3, IO2, PD), [ask((StorageAsk(least_durability=SAFE),), 10.0), ask(FASTER_THAN_PD, 90.0)]),
        ((PD,), [ask((HOT, COLD), 20_000.0), ask(FASTER_THAN_PD, 20_000.0)]),
        (
            (HYPERDISK,),
            [
                ask((StorageAsk(name="a", share=0.5, iops=40_000), StorageAsk(name="b", share=0.5)), 10.0),
                ask((StorageAsk(iops=70_000),), 400.0),
            ],
        ),
    ],
)
def test_what_is_made_larger_or_beside_is_not_thrown_away_by_the_next_plan(classes, history):
    """It either stays when the same is asked again, or is not made."""
    *earlier, last = history
    question = world(classes)
    for asked in earlier:
        question = applied(question, planned(question, asked)[1])
    short, wanted = planned(question, last)
    assert bool(short) != bool(wanted)
    if wanted:
        again = planned(applied(question, wanted), last)
        assert not again[0] and specs(again[1]) == specs(wanted)


def test_parts_and_classes_of_one_name_have_keys_of_their_own():
    classes = (PD, PD.model_copy(update={"name": "pd-hot", "durability": 0.9999999}))
    question = world(classes)
    offers = tuple(
        item.model_copy(update={"item": "pd-hot", "usd_per_hour": 2 * item.usd_per_hour})
        for item in question.capacity.offers
        if item.item == "pd"
    )
    question = replace(
        question, capacity=question.capacity.model_copy(update={"offers": (*question.capacity.offers, *offers)})
    )
    asked = ask((StorageAsk(share=0.5, least_durability=0.9999999), HOT.model_copy(update={"share": 0.5})))
    short, wanted = planned(question, asked)
    assert not short and {key: spec.storage_class for key, spec in specs(wanted).items()} == {
        "pd-hot": "pd-hot",
        "pd-hot/2": "pd",
    }
    assert specs(planned(applied(question, wanted), asked)[1]) == specs(wanted)
