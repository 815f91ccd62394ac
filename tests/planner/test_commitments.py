"""Advice on commitments: what pays is the share of time that an instance is used, against the ratio of prices."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.capacity import Offer
from contracts.resources import ComputeSpec, Purchase, Purpose, ResourceKind
from planner.commitments import saved_share
from planner.recourse.distribution import DemandByHour, normal_score
from planner.recourse.two_stage import UPDATE_KNOWS
from tests.laws.environments import wave
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
    assert advised[0] > advised[-1]


def test_what_is_saved_is_what_would_have_been_bought_by_the_hour():
    """The slow way: an update comes, then demand; with the vCPU and without it, bought at the quantile that serves."""
    rng = np.random.default_rng(7)
    means, level, draws = np.array([40.0, 55.0, 80.0]), 0.9, 40_000
    scores = np.array([normal_score(at) for at in LEVELS])
    demand = DemandByHour(LEVELS, means[:, None] + 9.0 * scores)
    told = np.sqrt(UPDATE_KNOWS) * rng.standard_normal((draws, 3))
    happened = means + 9.0 * (told + np.sqrt(1 - UPDATE_KNOWS) * rng.standard_normal((draws, 3)))
    wanted = means + 9.0 * (told + np.sqrt(1 - UPDATE_KNOWS) * normal_score(level))
    for committed in (30.0, 50.0, 60.0, 75.0, 95.0):
        spent = []
        for beside in (committed - 0.5, committed + 0.5):
            bought = np.maximum(0, wanted - beside)
            spent.append((bought + 10 * np.maximum(0, happened - beside - bought)).mean())
        assert saved_share(demand, level, committed) == pytest.approx(spent[0] - spent[1], abs=0.01)


def test_shares_fall():
    demand = DemandByHour(LEVELS, wave(50, 24))
    found = [saved_share(demand, 0.93, amount) for amount in np.arange(0, 120, 3.0)]
    assert found == sorted(found, reverse=True) and found[0] == pytest.approx(1) and found[-1] < 0.01
