"""Compute whose count varies by hour is held to what is required at the hour of the requirement."""

from datetime import timedelta

import pytest

from contracts.capacity import CapacityKind
from contracts.resources import ComputeSpec
from tests.policies.sample import CATALOG, COMPUTE, MADE, RESOURCES, Scene, requirement, resource

QUIET = 4
BY_HOUR = tuple(QUIET if hour < 8 else 10 for hour in range(24))  # MADE is at 8 in the morning
VARIES = resource(COMPUTE.key, ComputeSpec(shape="m8", count=10, by_hour=BY_HOUR))
SCENE = Scene(resources=tuple(VARIES if item is COMPUTE else item for item in RESOURCES))


def told(need, scene=SCENE):
    return [finding.message for finding in scene.but(requirements=(need,)).review().findings]


@pytest.mark.parametrize(("later", "vcpu"), [(0, 80), (15, 80), (16, 32), (23, 32), (24, 80)])
def test_what_is_planned_counts_as_of_the_hour_of_the_requirement(later, vcpu):
    enough, more = (
        requirement("fra", CapacityKind.VCPU, wanted, at=MADE + timedelta(hours=later)) for wanted in (vcpu, vcpu + 1)
    )
    assert told(enough) == []
    assert told(more) == [f"{vcpu} vcpu planned to serve, {vcpu + 1} required"]


def test_what_has_to_hold_always_is_held_to_the_quietest_hour():
    always = requirement("fra", CapacityKind.VCPU, 33).model_copy(update={"forecast": None})
    assert told(always) == ["32 vcpu planned to serve, 33 required"]


@pytest.mark.parametrize(("gbps", "found"), [(0.0, 0), (5.0, 1), (5.5, 0)])
def test_the_network_of_instances_has_to_carry_what_a_region_needs(gbps, found, monkeypatch):
    """Ten instances; one whose network nobody states limits nothing."""
    shape = CATALOG.shapes[0].model_copy(update={"network_gbps": gbps})
    monkeypatch.setattr("tests.policies.sample.CATALOG", CATALOG.model_copy(update={"shapes": (shape,)}))
    assert len(told(requirement("fra", CapacityKind.GBPS, 52, series="bandwidth"))) == found


@pytest.mark.parametrize(("each", "found"), [(0, 1), (1, 0)])
def test_accelerators_are_counted_by_shape(each, found, monkeypatch):
    shape = CATALOG.shapes[0].model_copy(update={"accelerators": each})
    monkeypatch.setattr("tests.policies.sample.CATALOG", CATALOG.model_copy(update={"shapes": (shape,)}))
    assert len(told(requirement("fra", CapacityKind.ACCELERATORS, 10))) == found
