"""The two-stage choice: against a slow search over simulated demand, and laws that any prices and forecasts keep."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.series import LEVELS
from planner.recourse.distribution import DemandByHour, normal_score
from planner.recourse.two_stage import UnitPrices, commitment, hourly_levels, worth_of_next

CLOUD = UnitPrices(committed=0.62, level=1.0, miss=10.0)
SCORES = np.array([normal_score(level) for level in LEVELS])


def normal_demand(means, spreads):
    return DemandByHour(LEVELS, np.maximum(0, np.outer(spreads, SCORES) + np.array(means)[:, None]))


def share(demand, value):
    return np.full(demand.hours, value)


def simulated_costs(demand, commitments, known, prices, draws=400):
    """The slow way: updates and then demands are drawn; a level is what serves a sample of them best."""
    chance = np.random.default_rng(3)
    told = np.sqrt(known) * chance.standard_normal((draws, demand.hours))
    wanted, happened = np.empty_like(told), np.empty_like(told)
    for hour in range(demand.hours):
        for draw in range(draws):
            later = at(demand, hour, told[draw, hour] + np.sqrt(1 - known) * SAMPLE)
            wanted[draw, hour] = np.quantile(later, prices.critical())
        scores = told[:, hour] + np.sqrt(1 - known) * chance.standard_normal(draws)
        happened[:, hour] = at(demand, hour, scores)
    for committed in commitments:
        bought = np.maximum(0, wanted - committed)
        missing = np.maximum(0, happened - committed - bought)
        yield float((prices.level * bought + prices.miss * missing).mean() + prices.committed * committed)


def at(demand, hour, scores):
    return np.maximum(0, np.interp(scores, SCORES, demand.table[hour]))


SAMPLE = np.array([NormalDist().inv_cdf((i + 0.5) / 501) for i in range(501)])


@pytest.mark.parametrize("known", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("prices", [CLOUD, UnitPrices(committed=0.3, level=1.0, miss=30.0)])
def test_no_commitment_on_a_grid_costs_less(known, prices):
    demand = normal_demand([20, 35, 50, 80], [4, 6, 5, 12])
    chosen = commitment(demand, share(demand, known), prices)
    ours, *others = simulated_costs(demand, (chosen, *np.arange(0.0, 110, 2.5)), known, prices)
    assert ours <= min(others) * 1.002


def test_a_day_that_is_known_is_committed_to_where_hours_reach_it():
    demand = normal_demand([10, 20, 30, 40, 50], [1e-6] * 5)
    assert commitment(demand, share(demand, 0.0), CLOUD) == pytest.approx(20, abs=0.01)  # 4 of 5 hours, 0.62 needs 3.1


def test_what_an_update_will_tell_lowers_what_is_committed_now():
    demand = normal_demand([50] * 24, [15] * 24)
    chosen = [commitment(demand, share(demand, known), CLOUD) for known in (0.0, 0.3, 0.6, 0.99)]
    assert chosen == sorted(chosen, reverse=True) and chosen[0] > chosen[-1] + 5


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        (UnitPrices(committed=1.0, level=1.0, miss=10.0), "saves nothing"),
        (UnitPrices(committed=0.6, level=1.0, miss=0.5), "a miss is cheaper"),
        (UnitPrices(committed=1.4, level=1.0, miss=10.0), "dearer than by the hour"),
    ],
)
def test_nothing_is_committed_that_saves_nothing(prices, why):
    demand = normal_demand([50], [5])
    assert commitment(demand, share(demand, 0.4), prices) == 0.0, why


def test_no_hours_no_commitment():
    nothing = DemandByHour(LEVELS, np.empty((0, len(LEVELS))))
    assert commitment(nothing, np.empty(0), CLOUD) == 0.0


def test_no_demand_no_commitment_and_no_levels():
    nothing = DemandByHour(LEVELS, np.zeros((24, len(LEVELS))))
    assert commitment(nothing, share(nothing, 0.4), CLOUD) == pytest.approx(0.0, abs=1e-9)
    assert not hourly_levels(nothing, 0.0, CLOUD).any()


def test_levels_are_the_quantile_less_what_is_committed():
    demand = normal_demand([20, 50], [5, 5])
    assert hourly_levels(demand, 30.0, CLOUD) == pytest.approx([0.0, 50 + 5 * normal_score(0.9) - 30])


def test_a_promised_quantile_is_a_floor_under_the_levels():
    demand = normal_demand([50], [5])
    promised = hourly_levels(demand, 0.0, CLOUD, promised=0.99)
    assert promised == pytest.approx([50 + 5 * normal_score(0.99)])
    assert hourly_levels(demand, 0.0, UnitPrices(committed=0.6, level=1, miss=0.5), promised=0.5) == pytest.approx([50])


def test_a_cheap_miss_buys_nothing():
    assert not hourly_levels(normal_demand([50], [5]), 0.0, UnitPrices(committed=0.6, level=1, miss=0.9)).any()


tables = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 3e3)), min_size=1, max_size=30).map(
    lambda hours: normal_demand([mean for mean, _ in hours], [spread for _, spread in hours])
)
misses = st.floats(1.0, 1000.0)
knowns = st.floats(0.0, 1.0)


def close(one):
    return 1e-9 + 2e-3 * abs(one)


@given(tables, misses, misses, knowns)
@settings(max_examples=40, deadline=None)
def test_a_dearer_miss_never_lowers_a_size(demand, one, other, known):
    low, high = (UnitPrices(committed=0.62, level=1, miss=miss) for miss in sorted((one, other)))
    before, after = (commitment(demand, share(demand, known), prices) for prices in (low, high))
    assert after >= before - close(before)
    assert (hourly_levels(demand, 0.0, high) >= hourly_levels(demand, 0.0, low) - 1e-9).all()


@given(tables, st.floats(0, 1000), misses, knowns)
@settings(max_examples=40, deadline=None)
def test_more_demand_is_never_less_capacity(demand, more, miss, known):
    prices = UnitPrices(committed=0.62, level=1, miss=miss)
    larger = DemandByHour(LEVELS, demand.table + more)
    before, after = (commitment(each, share(each, known), prices) for each in (demand, larger))
    assert after >= before - close(before)
    assert (hourly_levels(larger, 0.0, prices) >= hourly_levels(demand, 0.0, prices) - 1e-9).all()


@given(tables, st.floats(0.01, 1000), st.floats(0.01, 1000), knowns)
@settings(max_examples=40, deadline=None)
def test_units_and_currency_change_nothing(demand, unit, usd, known):
    scaled = DemandByHour(LEVELS, demand.table * unit)
    dearer = UnitPrices(committed=0.62 * usd, level=usd, miss=10 * usd)
    chosen = commitment(demand, share(demand, known), CLOUD)
    assert commitment(scaled, share(demand, known), dearer) == pytest.approx(chosen * unit, rel=1e-3, abs=1e-6 * unit)


@given(tables, misses, knowns, st.floats(0, 2e4), st.floats(0, 2e4))
@settings(max_examples=40, deadline=None)
def test_each_further_unit_is_worth_less(demand, miss, known, one, other):
    prices, (few, many) = UnitPrices(committed=0.62, level=1, miss=miss), sorted((one, other))
    worth = [worth_of_next(demand, share(demand, known), prices, committed) for committed in (few, many)]
    assert (worth[0] >= worth[1] - 1e-9).all() and (worth[0] <= 1.0).all()


def test_scores_and_amounts_are_each_other_s_way_back():
    demand = normal_demand([50, 80], [5, 9])
    for score in (-3.0, -1.2, 0.0, 0.7, 2.0, 3.5):
        amounts = demand.at_scores(np.array([score]))[0]
        assert demand.each_at(np.full(2, score)) == pytest.approx(amounts)
        assert np.diag(demand.scores_of(amounts)) == pytest.approx([score] * 2)


@pytest.mark.parametrize(("amount", "score"), [(4.9, -8.0), (5.0, 8.0), (9.0, 8.0)])
def test_demand_that_is_certain_is_never_above_what_it_is(amount, score):
    certain = DemandByHour(LEVELS, np.full((1, len(LEVELS)), 5.0))
    assert certain.scores_of(np.array([amount])) == [[score]]
