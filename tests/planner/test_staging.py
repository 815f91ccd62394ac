"""How many units stand ready, and what happens where there is no room."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.capacity import CapacityKind
from contracts.environment import Horizons, StagingSettings
from contracts.forecast import RequestProfile
from contracts.resources import Purpose, ResourceKind
from contracts.series import Granularity, SeriesKey, SeriesKind
from planner.staging import expected_requests, requests_at
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
    key = SeriesKey(SeriesKind.PEERING_REQUESTS, "fra->ams")
    flat = np.full((4, 15), 6.0)
    daily = bundle({(key, Granularity.DAILY): flat, (key, Granularity.HOURLY): flat}, ("fra", "ams"))
    hourly = bundle({(key, Granularity.HOURLY): flat}, ("fra", "ams"))
    assert expected_requests(daily, "fra->ams", 36) == pytest.approx((9, 0))
    assert expected_requests(hourly, "fra->ams", 3) == pytest.approx((18, 0))
    assert expected_requests(hourly, "ams->fra", 3) is None


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
