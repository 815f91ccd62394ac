"""Volumes that are fast and safe enough: the cheapest size of a class, against every size that there could be."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.capacity import Catalog, StorageClass
from contracts.consistency import check_catalog
from contracts.environment import Environment
from contracts.inventory import InventoryFacts
from contracts.plan import RefusalCode, RefusedAlternative
from contracts.resources import Purpose, Resource, StorageSpec
from contracts.storage import StorageNeed, ask_findings, iops_item, mibps_item
from contracts.yaml_files import parse_yaml_document
from planner.volumes import MOST_VOLUMES, STEP_GIB, Volume, cheapest_volume, volume_of
from tests.planner.storage_world import GP3, IO2, PD, PRICES, ST1, market

CATALOG = (GP3, IO2, PD, ST1)
FIGURES = st.sampled_from([0, 0, 1, 3, 6, 30])
NEEDS = st.builds(
    StorageNeed,
    gib=st.integers(1, 400).map(lambda steps: 10 * steps),
    iops=st.sampled_from([0, 500, 3000, 3100, 9000, 20_000]),
    throughput_mibps=st.sampled_from([0, 50, 130, 700, 1500]),
)
CLASSES = st.builds(
    StorageClass,
    name=st.just("made"),
    iops_per_gib=FIGURES,
    mibps_per_gib=st.sampled_from([0, 0, 0.04, 0.28]),
    volume_iops=st.sampled_from([0, 100, 3000]),
    volume_mibps=st.sampled_from([0, 125]),
    most_iops=st.sampled_from([0, 4000, 16_000]),
    most_mibps=st.sampled_from([0, 250, 1000]),
    most_iops_per_gib=st.sampled_from([0, 50]),
    iops_per_mibps=st.sampled_from([0, 4]),
    largest_gib=st.sampled_from([0, 1000]),
)


def spec_of(volume: Volume) -> StorageSpec:
    return StorageSpec(
        storage_class=volume.storage_class,
        gib=volume.gib,
        volumes=volume.volumes,
        iops=volume.iops,
        throughput_mibps=volume.throughput_mibps,
    )


def has(storage: StorageClass, spec: StorageSpec) -> tuple[float, float]:
    """IOPS and MiB per second of a spec: what it states, else what the class gives by itself."""
    count = spec.volumes or (math.ceil(spec.gib / storage.largest_gib) if storage.largest_gib else 1)
    iops = spec.iops or max(count * storage.volume_iops, spec.gib * storage.iops_per_gib)
    mibps = spec.throughput_mibps or max(count * storage.volume_mibps, spec.gib * storage.mibps_per_gib)
    most = (count * storage.most_iops or math.inf, count * storage.most_mibps or math.inf)
    return min(iops, most[0]), min(mibps, most[1])


def cheapest_of_all(storage: StorageClass, prices: dict[str, float], need: StorageNeed, volumes: int) -> float:
    """USD of the best of every size up to ten times the data, in so many volumes; infinite where none will do."""
    best = math.inf
    for gib in range(need.gib, max(60_000, need.gib) + 1, STEP_GIB):
        if storage.largest_gib and gib > volumes * storage.largest_gib:
            break
        iops, mibps = has(storage, StorageSpec(storage_class=storage.name, gib=gib, volumes=volumes))
        throughput = need.throughput_mibps if need.throughput_mibps > mibps else 0
        wanted = max(need.iops, math.ceil(storage.iops_per_mibps * throughput / 100) * 100)
        paid = wanted if wanted > iops else 0
        if paid and (iops_item(storage.name) not in prices or paid > (storage.most_iops_per_gib * gib or math.inf)):
            continue
        if throughput and mibps_item(storage.name) not in prices:
            continue
        if wanted > (volumes * storage.most_iops or math.inf):
            continue
        if need.throughput_mibps > (volumes * storage.most_mibps or math.inf):
            continue
        usd = prices[storage.name] * gib
        usd += prices.get(iops_item(storage.name), 0) * max(0.0, paid - iops) if paid else 0
        usd += prices.get(mibps_item(storage.name), 0) * max(0.0, throughput - mibps) if throughput else 0
        best = min(best, usd)
    return best


@settings(max_examples=40, deadline=None)
@example(
    StorageClass(name="made", iops_per_gib=6), StorageNeed(gib=10, iops=500), {"made-iops"}
)  # a step less, and some bought
@given(storage=CLASSES, need=NEEDS, sold=st.sets(st.sampled_from(["made-iops", "made-mibps"])))
def test_no_other_size_is_cheaper_and_what_is_asked_for_is_there(storage, need, sold):
    prices = {"made": 1e-4, **dict.fromkeys(sold, 3e-5)}
    found = volume_of(market((storage,), {"fra": prices}), "fra", "made", need)
    if isinstance(found, RefusedAlternative):
        assert found.code is RefusalCode.TOO_SLOW
        counts = range(1, MOST_VOLUMES + 1, 9) if storage.largest_gib else (1,)
        assert all(math.isinf(cheapest_of_all(storage, prices, need, count)) for count in counts)
        return
    count = found.volumes or storage.volumes(found.gib)
    assert found.usd_per_hour == pytest.approx(cheapest_of_all(storage, prices, need, count))
    iops, mibps = has(storage, spec_of(found))
    assert iops >= need.iops - 1e-6 and mibps >= need.throughput_mibps - 1e-6 and found.gib >= need.gib


@settings(max_examples=20, deadline=None)
@given(need=NEEDS)
def test_what_is_charged_is_what_it_was_chosen_for(need):
    here = market(CATALOG, {"fra": PRICES})
    found = cheapest_volume(here, "fra", need)
    assert found is not None
    resource = Resource(key="fra/x", place="fra", root="fra", purpose=Purpose.SERVING, spec=spec_of(found))
    assert here.usd_per_hour(resource) == pytest.approx(found.usd_per_hour)


@pytest.mark.parametrize(
    "need, chosen",
    [
        (StorageNeed(gib=10_000), "st1"),  # nothing but GiB: the cheapest
        (StorageNeed(gib=1000, iops=3000), "gp3"),  # what comes with every volume
        (StorageNeed(gib=1000, iops=3000, throughput_mibps=500), "gp3"),  # throughput on top
        (StorageNeed(gib=1000, iops=3000, least_durability=0.9999), "pd"),  # three nines are not enough
        (StorageNeed(gib=1000, iops=90_000, least_durability=0.9999), "io2"),
    ],
)
def test_the_cheapest_class_that_is_fast_and_safe_enough(need, chosen):
    found = cheapest_volume(market(CATALOG, {"fra": PRICES}), "fra", need)
    assert found is not None and found.storage_class == chosen


@pytest.mark.parametrize(
    "name, need, code, value, limit",
    [
        ("st1", StorageNeed(gib=1000, iops=500), RefusalCode.TOO_SLOW, 0.0, 500.0),
        ("io2", StorageNeed(gib=10, iops=100_000), RefusalCode.TOO_SLOW, 0.0, 100_000.0),
        ("gp3", StorageNeed(gib=10, least_durability=0.99999), RefusalCode.LESS_DURABLE, 0.998, 0.99999),
    ],
)
def test_what_will_not_do_says_by_how_much(name, need, code, value, limit):
    here = market(CATALOG, {"fra": {**PRICES, "io2-iops": None}})
    found = volume_of(here, "fra", name, need)
    assert isinstance(found, RefusedAlternative)
    assert (found.code, found.value, found.limit) == (code, value, limit)


def test_a_class_that_states_nothing_promises_nothing():
    found = volume_of(
        market((StorageClass(name="plain"),), {"fra": {"plain": 1.0}}), "fra", "plain", StorageNeed(gib=10, iops=100)
    )
    assert isinstance(found, RefusedAlternative)


def test_what_is_spread_stays_spread_and_gib_alone_are_never_too_slow():
    sold, live = market((GP3,), {"fra": PRICES}), StorageSpec(storage_class="gp3", gib=700, iops=21_000, volumes=2)
    slower = StorageNeed(gib=700, iops=6000)
    one, kept = volume_of(sold, "fra", "gp3", slower), volume_of(sold, "fra", "gp3", slower, live)
    assert isinstance(one, Volume) and isinstance(kept, Volume)
    assert one.volumes == 0  # one will do
    assert (kept.volumes, kept.iops) == (2, 0)  # both have 3000 each
    assert volume_of(sold, "fra", "gp3", slower, spec_of(kept)) == kept
    plain = StorageSpec(storage_class="gp3", gib=700)
    assert volume_of(sold, "fra", "gp3", slower, plain) == volume_of(sold, "fra", "gp3", slower)
    huge = volume_of(sold, "fra", "gp3", StorageNeed(gib=65 * GP3.largest_gib))
    assert isinstance(huge, Volume) and huge.gib == 65 * GP3.largest_gib


def test_documents_of_earlier_catalogs_keep_their_bytes():
    assert Catalog(shapes=(), storage_classes=(StorageClass(name="gp3"),), circuit_tiers=()).content() == {
        "format": "prestage/catalog",
        "version": 1,
        "shapes": [],
        "storage_classes": [{"name": "gp3", "replicated": False}],
        "circuit_tiers": [],
        "source": "",
    }


def test_the_page_shows_parts_and_classes_that_are_read():
    page = (Path(__file__).parents[2] / "docs" / "environment.md").read_text()
    (parts,) = re.findall(r"```yaml parts\n(.*?)```", page, re.DOTALL)
    (classes,) = re.findall(r"```yaml classes\n(.*?)```", page, re.DOTALL)
    environment = parse_yaml_document(Environment, parts, where="the page")
    assert ask_findings("storage", environment.storage) == []
    read = parse_yaml_document(Catalog, classes, where="the page")
    check_catalog(read, InventoryFacts())
    assert [item.durability for item in read.storage_classes] == [0.998, 0.99999]
