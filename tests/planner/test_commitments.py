"""Advice on commitments: what pays is the share of time that an instance is used, against the ratio of prices."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.capacity import Offer
from contracts.resources import ComputeSpec, Purchase, Purpose, ResourceKind
from planner.commitments import _shares_used
from tests.planner.worlds import WORLD, plan_of, specs

LEVELS = tuple(WORLD.forecast.document.levels)


def with_commitments(world, ratio):
    """The world, every shape offered committed too, at this share of its price."""
    offers = world.capacity.offers
    shapes = {shape.name for shape in world.catalog.shapes}
    committed = tuple(
        Offer(place=o.place, item=o.item, purchase=Purchase.COMMITTED, usd_per_hour=o.usd_per_hour * ratio)
        for o in offers
        if o.item in shapes and o.purchase is Purchase.ON_DEMAND
    )
    return replace(world, capacity=world.capacity.model_copy(update={"offers": (*offers, *committed)}))


def test_without_a_committed_price_there_is_no_advice():
    assert plan_of(WORLD).commitments == ()


def test_advice_changes_nothing_that_is_wanted():
    plain, advised = plan_of(WORLD), plan_of(with_commitments(WORLD, 0.5))
    assert advised.commitments
    assert advised.resources == plain.resources


@pytest.mark.parametrize("ratio", [0.3, 0.6, 0.9])
def test_what_is_advised_is_there_is_used_enough_and_saves(ratio):
    plan = plan_of(with_commitments(WORLD, ratio))
    serving = specs(plan, ResourceKind.COMPUTE, Purpose.SERVING)
    for advice in plan.commitments:
        spec = serving[f"{advice.place}/compute/serving/{advice.shape}"]
        assert isinstance(spec, ComputeSpec)
        assert 1 <= advice.count <= advice.of == spec.count
        assert advice.used >= advice.break_even == pytest.approx(ratio)
        assert advice.saves_usd_per_hour >= 0


def test_the_dearer_the_commitment_the_less_is_advised():
    vcpu = {shape.name: shape.vcpu for shape in WORLD.catalog.shapes}
    plans = [plan_of(with_commitments(WORLD, ratio)) for ratio in (0.2, 0.5, 0.8, 0.995)]
    advised = [sum(item.count * vcpu[item.shape] for item in plan.commitments) for plan in plans]
    assert advised == sorted(advised, reverse=True)
    assert advised[0] > advised[-1] == 0  # a forecast says nothing with more certainty than 0.99


def test_shares_are_those_of_a_sample_from_the_same_distribution():
    """The slow way: draw demand, count how often it reaches each instance."""
    rng = np.random.default_rng(7)
    demand = rng.gamma(8.0, 5.0, size=(6, 40_000)) * np.linspace(0.5, 1.5, 6)[:, None]
    table = np.quantile(demand, LEVELS, axis=1).T
    found = list(_shares_used(table, LEVELS, 4.0, 8, 9))
    counted = [float((demand >= 4.0 + 8 * number).mean()) for number in range(1, 10)]
    assert found == pytest.approx(counted, abs=0.02)
    assert found == sorted(found, reverse=True)
