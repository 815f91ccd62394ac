"""How many blocks are worth having: probabilities against brute force, the rule, the cap, lengths from shares."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.address_policies import DISPERSION, Clairvoyant, Staged, _rounded, best_static, scores_alone, toward
from benchmarks.address_year import LENGTHS, make_year, simulate, static_batch
from contracts.forecast import BlockShare
from planner.address_stock.depth import (
    Ahead,
    Expected,
    Worth,
    blocks_worth_having,
    blocks_worth_keeping,
    dispersion_of,
    each_worth,
    shared_out,
)
from planner.address_stock.lengths import (
    PairRequests,
    Prices,
    Within,
    hours_looked_at,
    ready_blocks,
    requests_by_length,
)


def expected(until=3.0, *, before=0.0, dispersion=0.0, addresses=16):
    return Expected(addresses=addresses, before=before, until=until, dispersion=dispersion)


def tail(mean, dispersion, number):
    """P(D >= number), term by term."""
    if dispersion > 0:
        size = 1 / dispersion
        terms = [
            math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
            + size * math.log(size / (size + mean)) + k * math.log(mean / (size + mean))
            for k in range(number)
        ]  # fmt: skip
    elif dispersion < 0:
        trials = round(-1 / dispersion)
        chance = mean / trials
        return 1 - sum(
            math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(min(number, trials + 1))
        )
    else:
        terms = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(number)]
    return 1 - sum(map(math.exp, terms))


@pytest.mark.parametrize(("mean", "dispersion"), [(0.2, 0), (3, 0), (40, 0), (3, 0.4), (25, 0.1), (2, -0.1), (4, -0.2)])
def test_probabilities_are_those_of_the_distributions(mean, dispersion):
    found = list(each_worth(expected(mean, dispersion=dispersion), 1.0))
    for number, worth in enumerate(found[:60], 1):
        assert worth.saves == pytest.approx(tail(mean, dispersion, number), abs=1e-7)


def test_what_a_block_does_is_looked_at_over_the_hours_that_it_is_ordered_for():
    """Of three requests until it is there and one more until the next: the fourth block is the one that counts."""
    worths = list(each_worth(expected(4.0, before=3.0, dispersion=-1.0), 2.0))  # a negative one: certain
    assert [round(worth.saves, 6) for worth in worths] == [0, 0, 0, 1]
    assert [round(worth.idles, 4) for worth in worths] == [0, 0, 0, 16]  # half of 16 addresses for 2 hours


@given(st.floats(0.1, 60), st.floats(0, 0.5), st.floats(1e-6, 1e-2), st.floats(1.1, 5))
def test_laws_of_depth(mean, dispersion, price, more):
    """A dearer idle address never asks for more blocks, nor do larger blocks; more requests never for fewer."""
    here = blocks_worth_having(expected(mean, dispersion=dispersion), price, 4)
    assert blocks_worth_having(expected(mean, dispersion=dispersion), price * more, 4) <= here
    assert blocks_worth_having(expected(mean, dispersion=dispersion, addresses=64), price, 4) <= here
    assert blocks_worth_having(expected(mean * more, dispersion=dispersion), price, 4) >= here


def test_the_newsvendor_where_nothing_is_on_its_way():
    """One address at 1 USD an hour against misses of 9 USD: the 0.9 quantile of Poisson 10 is 14; half of what is used
    within the hours idles not, so that it is one more or less."""
    count = blocks_worth_having(expected(10.0, addresses=1), 1 / 9, 1.0)
    assert count in (14, 15)


def test_the_cap_keeps_those_that_save_most():
    worths = [[Worth(0.9, 1), Worth(0.3, 1)], [Worth(0.8, 9), Worth(0.7, 9), Worth(0.2, 9)]]
    assert shared_out((2, 3), worths, 9) == (2, 3)
    assert shared_out((2, 3), worths, 3) == (1, 2)
    assert shared_out((2, 3), worths, 0) == (0, 0)


def test_no_requests_no_blocks():
    assert blocks_worth_having(expected(0.0), 0.0, 1) == 0
    assert ready_blocks((), prices()) == ()


def prices(**changes):
    settings = {"usd_per_address_hour": 0.0, "missed_usd": 25.0, "hours": 24.0, "most": 12}
    return Prices(**{**settings, **changes})


def asks(length, share, version=4, hours=10.0):
    return BlockShare(prefix_length=length, version=version, share=share, duration_hours=hours)


def test_shares_thin_each_pairs_requests():
    pairs = (
        PairRequests(pair="ams->fra", mean=10, variance=30, blocks=(asks(28, 0.6), asks(24, 0.1, hours=100))),
        PairRequests(pair="fra->fra", mean=2, variance=2, blocks=(asks(24, 1.0),)),
    )
    small, large = requests_by_length(pairs)
    assert (small.length, large.length) == (28, 24)
    assert small.mean == pytest.approx(6)
    assert small.variance == pytest.approx(0.36 * 20 + 6)
    assert large.mean == pytest.approx(3)
    assert large.by_pair == {"ams->fra": 1.0, "fra->fra": 2.0}
    assert large.duration_hours == pytest.approx((1 * 100 + 2 * 10) / 3)


@given(st.floats(0.5, 50), st.floats(0, 3), st.lists(st.floats(0.01, 0.3), min_size=1, max_size=3))
def test_thinning_keeps_the_moments_of_compound_counts(mean, over, shares):
    """Against sums of mixed Bernoulli trials: Var = E[N] s (1 - s) + s^2 Var[N]."""
    variance = mean * (1 + over)
    pair = PairRequests(
        pair="a->b", mean=mean, variance=variance, blocks=tuple(asks(28 - at, s) for at, s in enumerate(shares))
    )
    for found, share in zip(requests_by_length((pair,)), shares, strict=True):
        assert found.variance == pytest.approx(mean * share * (1 - share) + share**2 * variance)
        assert dispersion_of(found.mean, found.variance) >= -1e-9


def test_dear_addresses_are_staged_less_and_ipv6_costs_nothing():
    pair = PairRequests(
        pair="a->b", mean=8, variance=8, blocks=(asks(28, 0.25), asks(24, 0.25), asks(20, 0.25), asks(64, 0.25, 6))
    )
    free = {ready.requests.length: ready.wanted for ready in ready_blocks((pair,), prices())}
    dear = {ready.requests.length: ready.wanted for ready in ready_blocks((pair,), prices(usd_per_address_hour=0.002))}
    assert free == {28: 6, 24: 6, 20: 6, 64: 6}
    assert dear == {28: 5, 24: 2, 64: 6}
    capped = ready_blocks((pair,), prices(most=6))
    assert sum(ready.count for ready in capped) == 6 and all(ready.wanted == 6 for ready in capped)


def test_the_reserve_is_of_the_largest_blocks_that_are_asked_for():
    """Of each version; beyond price and cap; not of a length that nobody is expected to ask for."""
    pair = PairRequests(
        pair="a->b", mean=4, variance=4, blocks=(asks(28, 0.6), asks(20, 0.1), asks(16, 0.0001), asks(56, 0.3, 6))
    )
    dear = prices(usd_per_address_hour=0.01, most=2, reserve=1)
    found = {ready.requests.length: (ready.wanted, ready.count) for ready in ready_blocks((pair,), dear)}
    assert found[20] == (1, 1) and found[56][1] >= 1 and 16 not in found
    without = prices(usd_per_address_hour=0.01, most=2)
    assert 20 not in {ready.requests.length for ready in ready_blocks((pair,), without)}


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 20), st.integers(0, 9)), min_size=1, max_size=4))
def test_what_is_kept_is_enough_for_any_of_the_hours_looked_at(parts):
    """No more than is worth having for one of them with nothing on its way, no less than for any less what comes."""
    ahead = [Ahead(float(hours), requests, 0.0, coming) for hours, requests, coming in parts]
    kept = blocks_worth_keeping(16, ahead, 1e-4)
    each = [(blocks_worth_having(expected(item.requests), 1e-4, item.hours), item.coming) for item in ahead]
    assert kept == max(0, *(worth - coming for worth, coming in each))


def test_what_is_there_is_kept_over_a_lull_before_it_is_needed():
    """Nothing within the hour, ten within the day, and what is ordered comes after that: they stay, less what comes."""
    lull = [Ahead(1, 0.01, 0.0, 0), Ahead(24, 10.0, 0.0, 0)]
    assert blocks_worth_keeping(16, lull[:1], 1e-3) == 0
    assert blocks_worth_keeping(16, lull, 1e-3) == 11
    assert blocks_worth_keeping(16, [lull[0], Ahead(24, 10.0, 0.0, 6)], 1e-3) == 5


@pytest.mark.parametrize("lead", [1, 2, 4, 9])
def test_what_is_measured_is_what_plans_do(lead):
    """The policy of the benchmark, and the rule of plans: the same orders, and the same blocks taken down."""
    price = 2e-3  # above that at which the rarest blocks are left out
    source = np.random.default_rng(lead)
    known, hour = Clairvoyant(source.uniform(0.5, 20, 48)), int(source.integers(48))
    free, coming = source.integers(0, 12, len(LENGTHS)), source.integers(0, 3, (lead, len(LENGTHS)))
    up, down = Staged(price, lead, known)(hour, free, free, coming)
    rates, shares = known.ahead(hour + 1, lead + 1)
    asked = np.outer(np.cumsum(rates), shares)
    for index, length in enumerate(LENGTHS):
        hours = {h: _rounded(float(asked[h - 1, index])) for h in (*hours_looked_at(1, lead), lead, lead + 1) if h}
        counts = {h: Within(h, mean, mean + DISPERSION / (1 + h / 12) * mean**2) for h, mean in hours.items()}
        last = Within(1, hours[lead + 1], hours[lead + 1] + DISPERSION / (1 + lead / 12) * hours[lead + 1] ** 2)
        pair = PairRequests(
            pair="a->b", mean=last.mean, variance=last.variance, blocks=(asks(length, 1.0),),
            before=hours.get(lead, 0.0), lulls=tuple(counts[h] for h in hours_looked_at(1, lead)),
        )  # fmt: skip
        come = [float(at + 1) for at in range(lead) for _ in range(coming[at, index])]
        rule = prices(usd_per_address_hour=price, missed_usd=1.0, hours=1.0, most=10**6)
        (ready,) = ready_blocks((pair,), rule, {(4, length): come}) or (None,)
        count, stays = (ready.count, ready.stays) if ready else (0, 0)
        assert up[index] == max(0, count - free[index] - len(come))
        assert up[index] or down[index] == max(0, free[index] - stays)


@pytest.mark.long
def test_fewer_misses_than_the_best_static_targets_in_hindsight():
    """A year at two requests an hour, four hours ahead: two thirds of the misses at the same mean of idle addresses."""
    year = make_year(2.0, 7)
    ours = simulate(year, Staged(1e-4, 4), lead=4, larger=True)
    misses, _ = best_static(*scores_alone(year, 4), ours.idle)
    assert ours.misses < 0.67 * misses


def test_the_simulators_agree_on_a_static_policy():
    """Hour by hour, in batches, and each length alone: the same targets, the same misses and idle addresses."""
    year = make_year(3.0, 2)
    misses, idle = scores_alone(year, 4)
    targets = np.array([8, 5, 4, 3, 2, 1, 0, 1, 0])
    alone = simulate(year, toward(targets), lead=4, larger=False)
    rows = np.arange(len(LENGTHS))
    assert alone.misses == misses[rows, targets].sum()
    assert alone.idle == pytest.approx(idle[rows, targets].sum())
    larger = simulate(year, toward(targets), lead=4, larger=True)
    batch_misses, batch_idle = static_batch(year, targets[None, :], lead=4)
    assert larger.misses == batch_misses[0]
    assert larger.idle == pytest.approx(batch_idle[0])
