"""Counts by hour in a plan: paid for by their mean, an update where they change. Accelerators as a kind."""

import math

import pytest

from contracts.capacity import CapacityKind, Shape
from contracts.resources import ComputeSpec, Purpose, Resource
from planner.changes import replaces
from planner.desired import Desired
from planner.market import Market
from tests.planner.worlds import WORLD

REGION = WORLD.environment.regions[0].name
SHAPE = WORLD.catalog.shapes[0]
MARKET = Market.read(WORLD.catalog, WORLD.capacity)
BY_HOUR = (1,) * 18 + (4,) * 6


def compute(spec):
    return Resource(key=f"{REGION}/compute/serving/x", place=REGION, root=REGION, purpose=Purpose.SERVING, spec=spec)


def test_what_varies_costs_its_mean_and_takes_room_for_its_largest_count():
    price = MARKET.price(REGION, SHAPE.name)
    assert price is not None
    varies = compute(ComputeSpec(shape=SHAPE.name, count=4, by_hour=BY_HOUR))
    assert MARKET.usd_per_hour(varies) == pytest.approx(price * (18 * 1 + 6 * 4) / 24)
    assert MARKET.use(varies)[REGION, CapacityKind.VCPU] == 4 * SHAPE.vcpu


def test_another_schedule_changes_what_is_there_and_replaces_nothing():
    constant, varies = ComputeSpec(shape="m8", count=4), ComputeSpec(shape="m8", count=4, by_hour=BY_HOUR)
    assert constant != varies
    assert not replaces(compute(constant), compute(varies))


def test_accelerators_have_a_price_and_take_only_what_is_limited():
    shape = Shape(name=SHAPE.name, vcpu=SHAPE.vcpu, memory_gib=SHAPE.memory_gib, accelerators=4)
    market = Market.read(WORLD.catalog.model_copy(update={"shapes": (shape,)}), WORLD.capacity)
    price = market.price(REGION, SHAPE.name)
    assert price is not None and market.unit_price(REGION, CapacityKind.ACCELERATORS) == price / 4
    assert MARKET.unit_price(REGION, CapacityKind.ACCELERATORS) is None  # no shape has any
    two = compute(ComputeSpec(shape=SHAPE.name, count=2))
    assert market.use(two)[REGION, CapacityKind.ACCELERATORS] == 8
    assert (REGION, CapacityKind.ACCELERATORS) not in MARKET.use(two)
    desired = Desired(market=market, resources={}, use={})
    assert desired.room(REGION, CapacityKind.ACCELERATORS) == math.inf and desired.fits(two)
