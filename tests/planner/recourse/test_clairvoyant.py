"""The benchmark against a clairvoyant: what knowing costs, by a search; and one real week, where there are data."""

import os
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.clairvoyant import COMMITTED, LEVEL, RULES, cost, least_cost, ratios
from benchmarks.clairvoyant_weeks import Week, weeks
from forecaster.engine import Tier
from planner.recourse.two_stage import UnitPrices
from tests.planner.recourse.test_two_stage import normal_demand

DATA = os.environ.get("PRESTAGE_TEST_DATA")
hours = st.lists(st.one_of(st.floats(0, 100), st.just(float("nan"))), min_size=1, max_size=12)


@given(hours)
@settings(max_examples=60, deadline=None)
def test_nothing_costs_less_than_knowing(demand):
    """The slow way: every commitment on a fine grid, and in each hour exactly what is missing beside it."""
    known = np.array(demand)
    grid = np.linspace(0, 100, 401)
    costs = [cost((c, np.maximum(0, np.nan_to_num(known) - c)), known, 10.0) for c in grid]
    least = least_cost(known)
    assert least <= min(costs) + 1e-9
    assert min(costs) <= least + 0.25 * len(known)  # the grid is a quarter apart


def test_what_is_bought_early_what_is_bought_late_and_what_is_missing_are_paid_for():
    demand = np.array([8.0, 3.0, np.nan, 20.0])
    assert cost((5.0, np.array([2.0, 0.0, 9.0, 4.0])), demand, 10.0) == pytest.approx(
        COMMITTED * 5 * 3 + LEVEL * (2 + 0 + 4) + 10 * (1 + 0 + 11)
    )


def test_each_rule_has_what_is_certain():
    certain = normal_demand([40, 60, 60], [0, 0, 0]).table
    prices = UnitPrices(committed=COMMITTED, level=LEVEL, miss=10.0)
    for name, rule in RULES.items():
        committed, levels = rule(certain, certain, prices)
        factor = 1.3 if name == "forecast x 1.3" else 1.0
        assert committed + levels == pytest.approx(factor * np.array([max(40, committed / factor), 60, 60]), rel=1e-6)


@pytest.mark.skipif(not DATA, reason="PRESTAGE_TEST_DATA names no folder with geant_tm_hourly_dev.parquet")
def test_a_week_of_geant_costs_less_as_planned_than_by_rules_of_thumb():
    whole = next(weeks(Path(DATA or ""), Tier.FAST, None))
    few = {field.name: getattr(whole, field.name)[:6] for field in fields(whole) if field.name != "name"}
    week = Week(name=whole.name, **few)
    for miss in (10.0, 30.0):
        found = ratios([week], miss)
        assert 1.0 < found["hindsight"] < found["planner"] < found["newsvendor"] < found["forecast x 1.3"]
