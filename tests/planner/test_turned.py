"""Where a target changes volumes in place, the one that serves becomes what is asked: by table, by random histories."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.accounts import Account, CloudRegion, TargetName
from contracts.capacity import CapacityKind
from contracts.in_place import changes_class, ebs_sizes
from contracts.plan import Change, Operation, Reason, ReasonCode, RefusalCode, Requirement
from contracts.resources import Purpose, Resource, StorageSpec
from contracts.storage import Replicas, StorageAsk
from planner.changes import changes_between, replaces
from planner.demand import Demand
from planner.desired import Desired
from planner.given import given_resources
from planner.market import Market
from planner.storage import want_storage
from policies.case import Case
from policies.rules.protection import no_content_lost
from policies.words import why
from tests.planner.storage_world import GP3, IO2, PD, ST1
from tests.planner.test_stored import (
    COLD,
    HOT,
    KEY,
    SAFE,
    SHARES,
    applied,
    ask,
    planned,
    roomy,
    specs,
    world,
)
from tests.planner.worlds import people

EBS = (GP3, IO2, ST1)
DURABLE = (StorageAsk(least_durability=SAFE),)
GCP, AWS = TargetName.GCP, TargetName.AWS


def on(target, classes=EBS):
    """The world with all its regions in one account of a cloud."""
    question = world(classes)
    cloud = CloudRegion(
        account="main",
        location="eu-central-1",
        zones=("eu-central-1a",),
        pools=("10.0.0.0/16",),
        continent="europe",
        fault_domain="one",
    )
    regions = tuple(region.model_copy(update={"cloud": cloud}) for region in question.environment.regions)
    accounts = (Account(name="main", target=target, id="123456789012"),)
    environment = question.environment.model_copy(update={"regions": regions, "accounts": accounts})
    return replace(question, environment=environment)


def changed(question, asked):
    """Operations and specs of what changes of the storage of `fra`."""
    market = Market.read(question.catalog, question.capacity)
    short, wanted = planned(question, asked)
    assert not short
    changes = [item for item in changes_between(question, market, wanted) if item.key.startswith(KEY)]
    return {item.key.removeprefix(f"{KEY}/"): (item.operation, item.after and item.after.spec) for item in changes}


@pytest.mark.parametrize(
    ("first", "then", "becomes"),
    [
        (ask(), ask(DURABLE), StorageSpec(storage_class="io2", gib=1000, replica_region="ams")),
        (
            ask((StorageAsk(throughput_mibps=40),)),  # st1: 0.04 MiB/s by the GiB
            ask((StorageAsk(throughput_mibps=400),)),  # 10 TiB of it would be as fast, and are never given back
            StorageSpec(storage_class="gp3", gib=1000, throughput_mibps=400, replica_region="ams"),
        ),
        (
            ask((StorageAsk(name="a", throughput_mibps=3),), 90.0),  # st1 of less than 125 GiB is one of 125
            ask((StorageAsk(name="a", iops_per_gib=3),), 1300.0),
            StorageSpec(storage_class="gp3", gib=1300, iops=3900, replica_region="ams"),
        ),
    ],
)
def test_a_class_that_will_not_do_becomes_another_in_place(first, then, becomes):
    question = on(AWS)
    question = applied(question, planned(question, first)[1])
    (key,) = specs(planned(question, first)[1])
    assert changed(question, then) == {key: (Operation.UPDATE, becomes)}
    question = applied(question, planned(question, then)[1])
    assert changed(question, then) == {}
    assert [item.storage_class for item in specs(planned(question, first)[1]).values()] == [becomes.storage_class]


def test_less_money_alone_changes_no_class_and_a_pin_none_at_all():
    question = applied(on(AWS), planned(on(AWS), ask(DURABLE))[1])
    assert changed(question, ask()) == {}  # gp3 or st1 would be cheaper
    pinned = ask(DURABLE, pins=(f"{KEY}/st1",))
    question = applied(on(AWS), planned(on(AWS), ask())[1])
    assert specs(planned(question, ask())[1]).keys() == {"st1"}
    assert {key: spec.storage_class for key, spec in specs(planned(question, pinned)[1]).items()} == {
        "io2": "io2",
        "st1": "st1",
    }


def test_each_part_changes_its_own_volume():
    parts = (HOT.model_copy(update={"least_durability": 0.0}), COLD)
    question = applied(on(AWS), planned(on(AWS), ask(parts))[1])
    found = changed(question, ask((HOT, COLD)))
    assert {key: (operation, spec.storage_class) for key, (operation, spec) in found.items()} == {
        "gp3-hot": (Operation.UPDATE, "io2")
    }


def test_where_no_class_changes_in_place_the_volume_goes_and_says_why():
    question = applied(on(GCP, (GP3, PD)), planned(on(GCP, (GP3, PD)), ask())[1])
    short, wanted = planned(question, ask(DURABLE))
    assert not short and specs(wanted).keys() == {"pd"}
    unfit = wanted_in(question, {"fra": ask(DURABLE)})[1].unfit
    reason = unfit[f"{KEY}/gp3"]
    (lacks,) = reason.alternatives
    assert (reason.code, lacks.code, lacks.value, lacks.limit) == (
        ReasonCode.UNFIT, RefusalCode.LESS_DURABLE, 0.998, SAFE,
    )  # fmt: skip
    market = Market.read(question.catalog, question.capacity)
    (gone,) = (item for item in changes_between(question, market, wanted, unfit) if item.key == f"{KEY}/gp3")
    assert gone.operation is Operation.DELETE
    assert why(gone, {}) == "gp3 has a durability of 0.998, and it cannot become another in place"


def test_a_bucket_says_that_its_replica_came_later():
    bucket = GP3.model_copy(update={"name": "gcs", "largest_gib": 0, "volume_iops": 0, "volume_mibps": 0})
    question = on(GCP, (bucket,))
    priced = tuple(
        item.model_copy(update={"item": "gcs"}) for item in world((GP3,)).capacity.offers if item.item == "gp3"
    )
    question = replace(question, capacity=question.capacity.model_copy(update={"offers": priced}))
    alone, ams, lon = (ask(partners=partners) for partners in ({}, {"ams": 1.0}, {"lon": 1.0}))
    for history, copied in (((ams,), False), ((alone, ams), True), ((alone, ams, ams), True), ((ams, ams), False),
                            ((ams, lon), True), ((ams, alone), False), ((ams, alone, ams), True)):  # fmt: skip
        now, live = question, {}
        for asked in history:
            live = planned(now, asked)[1]
            now = applied(now, live)
        assert specs(live)["gcs"].copied is copied, history
    disk = applied(on(GCP, (PD,)), planned(on(GCP, (PD,)), alone)[1])
    assert specs(planned(disk, ams)[1])["pd"] == StorageSpec(storage_class="pd", gib=1000, replica_region="ams")


def wanted_in(question, asks):
    """What falls short, and what is wanted, where `fra` is replicated to `ams`; None: nothing is asked there."""
    (storage,) = {asked.storage for asked in asks.values() if asked is not None}
    question = people(question, storage=storage)
    market = Market.read(question.catalog, question.capacity)
    known = given_resources(question, market)
    needs = tuple(
        Requirement(
            id=f"{name}/storage_gib/serving",
            place=name,
            kind=CapacityKind.STORAGE_GIB,
            quantity=asked.gib,
            code=ReasonCode.DEMAND,
        )
        for name, asked in asks.items()
        if asked is not None
    )
    partners = {"fra": ("ams",), "ams": ()}
    placement = SimpleNamespace(partners=partners.__getitem__, shares={("fra", "ams"): 1.0})
    demand = SimpleNamespace(question=question, needs=needs, given=known, regions=tuple(asks), placement=placement)
    desired = Desired.start(market, known)
    return want_storage(desired, cast(Demand, demand)), desired


def test_what_is_kept_keeps_the_room_of_its_replica():
    question = applied(world((GP3,)), planned(world((GP3,)), ask())[1])
    asks = {"ams": ask(gib=800.0), "fra": None}  # the forecast of fra is missing, and ams has its replica
    assert wanted_in(roomy(question, 1800.0), asks)[0] == ()
    ((short,), _) = wanted_in(roomy(question, 1500.0), asks)
    assert (short.place, short.wanted, short.available) == ("ams", 800.0, 500.0)


@pytest.mark.parametrize(
    ("target", "before", "after", "harm"),
    [
        (AWS, {"gib": 1000}, {"gib": 1000}, ""),
        (AWS, {"gib": 1000}, {"gib": 2000, "volumes": 2}, ""),
        (AWS, {"gib": 1000}, {"gib": 990}, "replaces"),  # smaller
        (AWS, {"gib": 20_000}, {"gib": 20_000}, "replaces"),  # two volumes would be one
        (AWS, {"gib": 20_000}, {"gib": 32_768, "volumes": 2}, ""),
        (GCP, {"gib": 1000}, {"gib": 1000}, "replaces"),
        (TargetName.ESTATE, {"gib": 1000}, {"gib": 1000}, "replaces"),
    ],
)
def test_the_rule_lets_pass_what_the_target_changes_in_place(target, before, after, harm):
    live, wanted = (
        Resource(key=f"{KEY}/gp3", place="fra", root="fra", purpose=Purpose.SERVING, spec=StorageSpec(**spec))
        for spec in ({"storage_class": "gp3", **before}, {"storage_class": "io2", **after})
    )
    change = Change(
        operation=Operation.UPDATE,
        key=live.key,
        place="fra",
        before=live,
        after=wanted,
        reason=Reason(code=ReasonCode.DEMAND),
        usd_per_hour=0,
    )
    environment = (world() if target is TargetName.ESTATE else on(target)).environment
    facts = SimpleNamespace(environment=environment, catalog=None)
    case = SimpleNamespace(plan=SimpleNamespace(changes=(change,)), facts=facts, handed_out={})
    assert [breach.message.split()[0] for breach in no_content_lost(cast(Case, case))] == ([harm] if harm else [])
    assert replaces(live, wanted, target) == bool(harm)


@pytest.mark.parametrize(
    ("room", "serves", "replica"),
    [
        (1800.0, 800.0, "ams"),
        (1800.0, 900.0, None),  # room that it had is not given twice, and there is no other partner
        (1000.0, 0.0, "ams"),
        (900.0, 0.0, "ams"),  # a quota that fell takes nothing away
    ],
)
def test_a_replica_makes_room_for_what_serves(room, serves, replica):
    question = applied(world((GP3,)), planned(world((GP3,)), ask())[1])
    quotas = tuple(
        item.model_copy(update={"total": room}) if item.place == "ams" else item for item in question.capacity.quotas
    )
    question = replace(question, capacity=question.capacity.model_copy(update={"quotas": quotas}))
    short, desired = wanted_in(question, {"ams": ask(gib=serves), "fra": ask()})
    assert not short and desired.resources[f"{KEY}/gp3"].resource.spec.replica_region == replica


PARTS = st.sampled_from(
    [
        (StorageAsk(),),
        (StorageAsk(iops_per_gib=3),),
        (StorageAsk(iops=9000, replicas=Replicas.SHARES),),
        (StorageAsk(least_durability=SAFE, replicas=Replicas.SHARES),),
        (HOT, COLD),
        (StorageAsk(name="all", throughput_mibps=400),),
    ]
)
ASKS = st.builds(ask, PARTS, st.sampled_from([90.0, 400.0, 1300.0, 20_000.0]), st.sampled_from(SHARES))


@settings(max_examples=25, deadline=None, database=None, derandomize=True)
@given(st.lists(ASKS, min_size=2, max_size=3))
def test_on_aws_nothing_that_people_ask_makes_a_volume_anew(history):
    question = on(AWS)
    for asked in history:
        before = {key: item.spec for key, item in question.live().items() if key.startswith(KEY)}
        short, wanted = planned(question, asked)
        assert not short
        for key, was in before.items():
            now = wanted[key].resource.spec
            assert now.storage_class == was.storage_class or changes_class(AWS, was, now)
            assert all(old <= new for old, new in zip(ebs_sizes(was), ebs_sizes(now), strict=False))
        question = applied(question, wanted)
        assert specs(planned(question, asked)[1]) == specs(wanted)


@settings(max_examples=15, deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(1, 300), st.sampled_from(SHARES)), min_size=2, max_size=4))
def test_shares_come_to_what_is_forecast_or_to_what_is_live(history):
    question, live = world((GP3,)), 0
    for steps, partners in history:
        short, wanted = planned(question, ask((StorageAsk(replicas=Replicas.SHARES),), 10.0 * steps, partners))
        assert not short
        live = max(live, 10 * steps)
        assert sum(spec.gib for spec in specs(wanted).values()) == live
        question = applied(question, wanted)
