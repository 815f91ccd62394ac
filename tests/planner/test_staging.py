"""How many units stand ready, and what happens where there is no room."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.capacity import CapacityKind, LiveResource
from contracts.environment import Horizons
from contracts.forecast import BlockShare, RequestProfile
from contracts.resources import Purpose, ResourceKind
from contracts.series import Granularity, SeriesKey, SeriesKind
from contracts.staging import StagingSettings
from planner.arrivals import expected_requests, requests_at
from tests.laws.environments import bundle
from tests.planner.worlds import WORLD, people, plan_of, specs


@pytest.mark.parametrize(
    ("mean", "variance", "level", "requests"),
    [(0.01, 0.01, 0.9, 0), (1, 1, 0.9, 2), (3, 3, 0.9, 5), (10, 10, 0.9, 14), (10, 10, 0.99, 17), (0.7, 0.7, 0.5, 1)],
)
def test_requests_at_a_quantile_are_those_of_poisson(mean, variance, level, requests):
    """The expected numbers are the exact Poisson quantiles."""
    assert requests_at(mean, variance, level) == requests


def test_days_outweigh_hours_and_a_part_of_a_day_counts_in_part():
    """Of six that are sure to come in a day, half of it sees three in the mean, and they are no longer sure."""
    key = SeriesKey(SeriesKind.PEERING_REQUESTS, "fra->ams")
    flat = np.full((4, 15), 6.0)
    daily = bundle({(key, Granularity.DAILY): flat, (key, Granularity.HOURLY): flat}, ("fra", "ams"))
    hourly = bundle({(key, Granularity.HOURLY): flat}, ("fra", "ams"))
    assert expected_requests(daily, "fra->ams", 36) == pytest.approx((9, 1.5))
    assert expected_requests(hourly, "fra->ams", 3) == pytest.approx((18, 0))
    assert expected_requests(hourly, "ams->fra", 3) is None


def test_a_part_of_a_day_has_the_requests_of_its_hours():
    """Twelve a day, all of them in hours 8 to 19: none by eight, a quarter by eleven, and the next day's likewise."""
    key = SeriesKey(SeriesKind.PEERING_REQUESTS, "fra->ams")
    by_hour = np.repeat(
        np.tile(np.where((np.arange(24) >= 8) & (np.arange(24) < 20), 0.5, 0.0), 2)[:, None], 15, axis=1
    )
    forecast = bundle({(key, Granularity.DAILY): np.full((2, 15), 12.0), (key, Granularity.HOURLY): by_hour}, ("fra",))
    found = {hours: expected_requests(forecast, "fra->ams", hours) for hours in (8, 11, 20, 24, 35)}
    assert found == {
        8: pytest.approx((0, 0)), 11: pytest.approx((3, 12 * 3 / 16)), 20: pytest.approx((12, 0)),
        24: pytest.approx((12, 0)), 35: pytest.approx((15, 12 * 3 / 16)),
    }  # fmt: skip


def test_blocks_are_staged_for_as_long_as_it_takes_them_to_come():
    """Two requests a day for certain: of two days, where what is ordered comes a day late."""
    late = people(staging_world(), horizons=Horizons(lead_hours={CapacityKind.ADDRESSES: 24}))
    assert len(specs(plan_of(late), ResourceKind.BLOCK, Purpose.STAGED)) == 4


def staging_world(**settings):
    """Two requests a day from ams to fra, for certain, and nothing else."""
    key = SeriesKey(SeriesKind.PEERING_REQUESTS, "ams->fra")
    made = bundle({(key, Granularity.DAILY): np.full((7, 15), 2.0)}, ("ams", "fra"))
    profile = RequestProfile(
        source="ams", destination="fra", requests_seen=9, vcpu=5, memory_gib=20, storage_gib=120, gbps=0.8,
        addresses=14, duration_hours=30,
    )  # fmt: skip
    made = replace(made, document=made.document.model_copy(update={"request_profiles": (profile,)}))
    return people(replace(WORLD, forecast=made), staging=StagingSettings(**settings))


def test_units_for_two_requests():
    plan = plan_of(staging_world())
    keys = {item.resource.key for item in plan.resources if item.resource.purpose is Purpose.STAGED}
    computes = {f"fra/compute/staged/s4/{number:04d}" for number in range(1, 5)}  # 5 vCPUs each: two of 4
    volumes = {f"fra/storage/staged/standard/{number:04d}" for number in range(1, 5)}  # 120 GiB each: two of 100
    circuits = {"ams--fra/circuit/staged/1g/0001", "ams--fra/circuit/staged/1g/0002"}
    blocks = {"fra/block/staged/10.0.9.0-28", "fra/block/staged/10.0.9.16-28"}  # the smallest gap that fits
    assert keys == computes | volumes | circuits | blocks


def test_what_takes_a_day_longer_to_come_is_staged_for_a_day_more():
    late = people(staging_world(), horizons=Horizons(lead_hours={CapacityKind.GBPS: 24}))
    plan = plan_of(late)
    circuits = specs(plan, ResourceKind.CIRCUIT, Purpose.STAGED)
    computes = specs(plan, ResourceKind.COMPUTE, Purpose.STAGED)
    assert (len(circuits), len(computes)) == (4, 4)  # requests of two days; of one, two instances each


def test_no_more_units_than_the_cap_and_the_requirement_says_so():
    plan = plan_of(staging_world(max_units_per_place=3))
    assert len(specs(plan, ResourceKind.COMPUTE, Purpose.STAGED)) == 3
    need = next(item for item in plan.requirements if item.id == "fra/vcpu/staged")
    assert need.parts["max_units_per_place"] == -4


def test_staging_gives_way_where_there_is_no_room():
    world = staging_world()
    quotas = tuple(
        quota.model_copy(update={"total": 9.0, "used": 0.0}) if (quota.place, quota.kind) == ("fra", "vcpu") else quota
        for quota in world.capacity.quotas
    )
    plan = plan_of(replace(world, capacity=world.capacity.model_copy(update={"quotas": quotas})))
    assert len(specs(plan, ResourceKind.COMPUTE, Purpose.STAGED)) == 2
    need = next(item for item in plan.requirements if item.id == "fra/vcpu/staged")
    assert need.parts["no room"] == -8


def asked_by_length(world, *shares, source="ams"):
    """The same world, whose requests ask for blocks of some lengths."""
    document = world.forecast.document
    blocks = tuple(BlockShare(prefix_length=length, share=share, duration_hours=30) for length, share in shares)
    profile = document.request_profiles[0].model_copy(update={"blocks": blocks, "source": source})
    forecast = replace(world.forecast, document=document.model_copy(update={"request_profiles": (profile,)}))
    return replace(world, forecast=forecast)


def staged_lengths(plan):
    prefixes = [spec.prefix for spec in specs(plan, ResourceKind.BLOCK, Purpose.STAGED).values()]
    return sorted(int(prefix.partition("/")[2]) for prefix in prefixes)


def test_blocks_of_the_lengths_that_are_asked_for_stand_ready():
    """Two requests a day, one in two for a /28, one in two for a /26: binomials of two, and both may be asked for."""
    plan = plan_of(asked_by_length(staging_world(), (28, 0.5), (26, 0.5)))
    assert staged_lengths(plan) == [26, 26, 28, 28]
    needs = {item.id: item for item in plan.requirements if item.id.startswith("fra/addresses/staged")}
    assert {need: item.quantity for need, item in needs.items()} == {
        "fra/addresses/staged/26": 128,
        "fra/addresses/staged/28": 32,
    }
    assert all(sum(item.parts.values()) == item.quantity and item.forecast is not None for item in needs.values())


def test_the_cap_is_shared_by_all_lengths():
    plan = plan_of(asked_by_length(staging_world(max_units_per_place=3), (28, 0.5), (26, 0.5)))
    assert len(staged_lengths(plan)) == 3


def test_planned_again_staged_blocks_stay_where_they_are():
    world = asked_by_length(staging_world(), (28, 0.5), (26, 0.5))
    plan = plan_of(world)
    live = tuple(LiveResource(resource=item.resource, state="staged") for item in plan.resources)
    again = plan_of(replace(world, capacity=world.capacity.model_copy(update={"resources": live})))
    assert [change for change in again.changes if "/block/" in change.key] == []


def test_requests_for_nothing_but_addresses_are_staged_for_too():
    key = SeriesKey(SeriesKind.PEERING_REQUESTS, "fra->fra")
    world = asked_by_length(staging_world(), (27, 1.0), source="fra")
    forecast = bundle({(key, Granularity.DAILY): np.full((7, 15), 2.0)}, ("ams", "fra"))
    profiles = world.forecast.document.request_profiles
    forecast = replace(forecast, document=forecast.document.model_copy(update={"request_profiles": profiles}))
    plan = plan_of(replace(world, forecast=forecast))
    assert staged_lengths(plan) == [27, 27]
    assert {item.resource.kind for item in plan.resources if item.resource.purpose is Purpose.STAGED} == {"block"}
