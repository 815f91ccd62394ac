"""All regions at a time: what fails is named and remembered, never zero; the rest goes on."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contracts.capacity import CapacityKind, Catalog, Shape, Stock, StorageClass
from contracts.environment import Environment
from contracts.ledger import UnitState
from contracts.resources import BlockSpec, ComputeSpec, LinkSpec, Purpose
from stacks.capacity import clouds
from stacks.capacity.clouds import Asked, read_clouds, tagged_by_region
from stacks.capacity.join import join_parts
from stacks.capacity.live import Known
from stacks.capacity.part import CapacityPart
from stacks.capacity.remembered import Memory
from stacks.clouds.cloud import CloudResource
from stacks.errors import CloudError, CredentialsMissing
from stacks.targets import gcp
from tests.clouds.clouds_world import mixed_environment, resource

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOCATIONS = {"fra": "eu-central-1", "dub": "eu-west-1", "ohio": "us-east-2"}
CATALOG = Catalog(
    shapes=(
        Shape(name="m6i.large", vcpu=2, memory_gib=8),
        Shape(name="n2-standard-4", vcpu=4, memory_gib=16),
        Shape(name="m8", vcpu=8, memory_gib=32),
    ),
    storage_classes=(StorageClass(name="gp3"), StorageClass(name="pd-balanced")),
    circuit_tiers=(),
)
COMPUTE = resource("bel/compute/staged/n2-standard-4/0001", ComputeSpec(shape="n2-standard-4", count=2))
BLOCK = resource("bel/block/serving/10.64.16.0-24", BlockSpec(prefix="10.64.16.0/24", pool="10.64.0.0/16"))
LINK = resource("bel--ost/link", LinkSpec())


class Tagged:
    """Clouds whose tagged resources a test says, by region; one that is not said answers with an error."""

    def __init__(self) -> None:
        self.there: dict[str, list[CloudResource]] = {}
        self.failing: dict[str, Exception] = {}
        self.waiting: dict[str, threading.Event | threading.Barrier] = {}

    def __call__(self, environment: Environment):
        (region,) = environment.regions
        return {region.name: _One(self, region.name)}


class _One:
    def __init__(self, all_of, region) -> None:
        self.all_of, self.region = all_of, region

    def tagged(self, environment):
        if self.region in self.all_of.waiting:
            self.all_of.waiting[self.region].wait(timeout=20)
        if self.region in self.all_of.failing:
            raise self.all_of.failing[self.region]
        return tuple(self.all_of.there.get(self.region, ()))


@pytest.fixture
def tagged(monkeypatch):
    found = Tagged()
    monkeypatch.setattr(clouds, "open_clouds", found)
    return found


@pytest.fixture
def worlds(aws, google):
    regions = ("europe-west1", "us-east1")
    aws[0].zones = {where: {f"{where}{zone}": {"m6i.large"} for zone in "bc"} for where in LOCATIONS.values()}
    google[0].quotas = {region: {"N2_CPUS": (48.0, 8.0), "SSD_TOTAL_GB": (2048.0, 0.0)} for region in regions}
    google[0].zones = {f"{region}-{zone}": {"n2-standard-4"} for region in regions for zone in "bc"}
    google[0].subnetworks = {region: [] for region in regions}
    return aws[0], google[0], mixed_environment(aws[1], google[1])


@pytest.fixture
def asked(worlds, tmp_path, tagged):
    return Asked(environment=worlds[2], catalog=CATALOG, known=Known(), memory=Memory(tmp_path / "capacity"), now=NOW)


def snapshot(asked):
    found = read_clouds(asked)
    return join_parts(found.parts, asked.environment, asked.now), found.failures


def as_tagged(environment, item, region):
    """What a cloud would list for a resource."""
    made = next(made for made in gcp.declare([item], environment) if made.of == item.key and made.key == item.key)
    return CloudResource(
        type=made.type,
        key=item.key,
        id=item.key,
        place=region,
        arguments=made.resolved(lambda ref: ""),
        environment=environment.name,
        owner="network",
    )


def test_every_region_of_every_account_is_in_one_snapshot(asked, tagged):
    tagged.there["bel"] = [as_tagged(asked.environment, item, "bel") for item in (COMPUTE, BLOCK)]
    seen, failures = snapshot(asked)
    assert not failures and {facts.region for facts in seen.regions} == {"fra", "dub", "ohio", "bel", "ost"}
    assert all(facts.readable for facts in seen.regions)
    totals = {item.place: item.total for item in seen.quotas if item.kind is CapacityKind.VCPU}
    assert totals == {"fra": 64, "dub": 64, "ohio": 64, "bel": 48, "ost": 48}
    assert {item.resource.key for item in seen.resources} == {COMPUTE.key, BLOCK.key}
    assert [item.resource.spec for item in seen.resources] == [BLOCK.spec, COMPUTE.spec]
    pool = next(pool for pool in seen.pools if pool.cidr == "10.64.0.0/16")
    assert "10.64.16.0/24" in pool.taken
    staged = next(item for item in seen.quotas if (item.place, item.kind) == ("bel", CapacityKind.VCPU))
    assert (staged.ours, staged.staged) == (8, 8)
    assert {item.read_at for item in seen.readings} == {NOW}


def test_what_the_ledger_and_the_engine_know_of_a_resource_is_on_it(asked, tagged):
    tagged.there["bel"] = [as_tagged(asked.environment, COMPUTE, "bel")]
    known = Known(states={COMPUTE.key: UnitState.ACTIVE}, roots={COMPUTE.key: "ondemand-7"})
    (live,) = snapshot(replace(asked, known=known))[0].resources
    assert (live.state, live.resource.purpose, live.resource.root) == ("active", Purpose.GRANTED, "ondemand-7")


def test_what_two_regions_show_is_there_once(asked, tagged):
    """A service without regions lists everything in each of them."""
    both = [as_tagged(asked.environment, LINK, "bel")]
    tagged.there = {"bel": both, "ost": both}
    assert [item.resource.key for item in snapshot(asked)[0].resources] == [LINK.key]


def test_what_is_tagged_and_stands_for_nothing_is_left_to_drift(asked, tagged):
    odd = CloudResource(type="google_compute_instance", key="bel/x", id="x", place="bel", arguments={})
    tagged.there["bel"] = [odd]
    assert snapshot(asked)[0].resources == ()


def test_a_region_that_does_not_answer_is_named_and_the_others_are_read(asked, worlds):
    worlds[0].down = {LOCATIONS["dub"]}
    seen, failures = snapshot(asked)
    assert set(failures) == {"dub"}
    assert {facts.region for facts in seen.regions if not facts.readable} == {"dub"}
    assert not [item for item in (*seen.quotas, *seen.offers) if item.place == "dub"]  # unknown, which is not zero
    told = next(item for item in seen.readings if item.region == "dub")
    assert told.read_at is None and "ServiceUnavailable" in told.failed
    assert {item.place for item in seen.quotas} == {"fra", "ohio", "bel", "ost"}


def test_a_failing_region_has_the_figures_of_its_last_reading_and_their_age(asked, worlds, tagged):
    tagged.there["bel"] = [as_tagged(asked.environment, COMPUTE, "bel")]
    before, _ = snapshot(asked)
    worlds[1].down = {"europe-west1"}
    later = replace(asked, now=NOW + timedelta(hours=5))
    seen, failures = snapshot(later)
    assert set(failures) == {"bel"}
    assert [item for item in seen.quotas if item.place == "bel"] == [q for q in before.quotas if q.place == "bel"]
    assert [item.resource.key for item in seen.resources] == [COMPUTE.key]
    assert next(item.read_at for item in seen.readings if item.region == "bel") == NOW
    assert not next(facts.readable for facts in seen.regions if facts.region == "bel")


def test_a_reading_of_another_place_is_not_taken_for_this_one(asked, worlds):
    snapshot(asked)
    moved = asked.environment.region("dub").model_copy(
        update={"cloud": asked.environment.cloud("dub").model_copy(update={"location": "eu-west-2"})}
    )
    others = tuple(moved if region.name == "dub" else region for region in asked.environment.regions)
    worlds[0].down = {"eu-west-2"}
    seen, _ = snapshot(replace(asked, environment=asked.environment.model_copy(update={"regions": others})))
    assert not [item for item in seen.quotas if item.place == "dub"]


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"format": "prestage/plan"}'])
def test_a_damaged_memory_is_as_none(asked, worlds, tmp_path, damage):
    snapshot(asked)
    (tmp_path / "capacity" / "dub.json").write_bytes(damage)
    worlds[0].down = {LOCATIONS["dub"]}
    assert not [item for item in snapshot(asked)[0].quotas if item.place == "dub"]


def test_young_readings_are_taken_as_they_are(asked, worlds):
    snapshot(asked)
    asked_before = len(worlds[0].asked)
    later = replace(asked, now=NOW + timedelta(minutes=5), young=timedelta(minutes=10))
    seen, _ = snapshot(later)
    assert len(worlds[0].asked) == asked_before and {item.read_at for item in seen.readings} == {NOW}
    snapshot(replace(later, now=NOW + timedelta(minutes=15)))
    assert len(worlds[0].asked) > asked_before


def test_a_slow_region_is_not_waited_for(asked, tagged):
    enough = threading.Event()
    tagged.failing = dict.fromkeys(("fra", "dub", "bel", "ost"), CredentialsMissing("none"))
    tagged.waiting = {"ohio": enough}
    seen, failures = snapshot(replace(asked, patience_s=1.0))
    assert "within 1 s" in failures["ohio"].what
    assert {region for region, told in failures.items() if told.what == "none"} == {"fra", "dub", "bel", "ost"}
    assert not next(facts.readable for facts in seen.regions if facts.region == "ohio")
    enough.set()


def test_regions_are_read_at_a_time(asked, tagged):
    meeting = threading.Barrier(5, timeout=20)

    tagged.waiting = dict.fromkeys(("fra", "dub", "ohio", "bel", "ost"), meeting)
    assert not read_clouds(asked).failures


def test_tags_are_told_by_region_and_a_failure_is_a_value(asked, tagged):
    tagged.there["bel"] = [as_tagged(asked.environment, COMPUTE, "bel")]
    tagged.failing["fra"] = CredentialsMissing("none")
    found = tagged_by_region(asked.environment)
    there = found["bel"]
    assert isinstance(found["fra"], CloudError) and not isinstance(there, CloudError)
    assert [item.key for item in there] == [COMPUTE.key]


def test_an_error_that_is_nobody_s_to_explain_is_not_hidden(asked, tagged):
    tagged.failing["fra"] = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        read_clouds(asked)


def test_stock_is_what_people_say_of_clouds_and_the_inventory_of_premises(asked):
    """Whatever was read, and whether it was: no cloud tells what it has left of a shape."""
    stocked = tuple(
        item.model_copy(update={"cloud": item.cloud.model_copy(update={"stock": {"m6i.large": 40, "c5.large": 0}})})
        if item.cloud and item.name == "fra"
        else item
        for item in asked.environment.regions
    )
    environment = asked.environment.model_copy(update={"regions": stocked})
    premises = CapacityPart(stock=(Stock(place="ams", item="m8", count=3),))
    seen = join_parts((premises,), environment, NOW)
    assert [(item.place, item.item, item.count) for item in seen.stock] == [
        ("ams", "m8", 3),
        ("fra", "c5.large", 0),
        ("fra", "m6i.large", 40),
    ]
    assert snapshot(asked)[0].stock == ()
