"""New pairs and blocks: near what gravity says, and intervals that hold where pairs are left out."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.gravity import usual_levels
from forecaster.newborn import newborn_forecasts
from forecaster.panel import daily, fill
from tests.forecaster.events.worlds import panel_of

REGIONS = tuple(f"r{index}" for index in range(9))
HOURS, AHEAD, NEEDED = 24 * 21, 72, 48
MIDDLE = LEVELS.index(0.5)


def gravity_world(seed: int, misfit: float = 0.5, noise: float = 0.3):
    """Pairs whose level is the product of masses times a lognormal misfit; hours are noisy. (names, (pairs, hours))"""
    chance = np.random.default_rng(seed)
    out, into = np.exp(chance.normal(0, 1, (2, len(REGIONS))))
    names = [f"{a}->{b}" for a in REGIONS for b in REGIONS if a != b]
    level = np.array([out[a] * into[b] for a in range(9) for b in range(9) if a != b])
    level = level * np.exp(chance.normal(0, misfit, len(names)))
    hour = np.arange(HOURS + AHEAD)
    shape = 1 + 0.6 * np.sin(hour * 2 * np.pi / 24)
    return names, level[:, None] * shape * chance.lognormal(0, noise, (len(names), len(hour)))


def born(world, rows, seen):
    """The panel at the end of history, with `rows` seen for `seen` hours only."""
    names, values = world
    observed = values[:, :HOURS].copy()
    observed[rows, : HOURS - seen] = np.nan
    kept = [row for row in range(len(names)) if row not in rows or seen]
    return panel_of(observed[kept], tuple(names[row] for row in kept))


def keys_of(world, rows):
    return tuple(SeriesKey(SeriesKind.TRAFFIC, world[0][row]) for row in rows)


@pytest.mark.parametrize("seen", [0, 1, 12])
def test_intervals_hold_for_pairs_that_were_left_out(seen):
    inside, above, errors = [], [], []
    for seed in range(6):
        world = gravity_world(seed)
        rows = list(np.random.default_rng(seed).choice(72, 9, replace=False))
        for one in newborn_forecasts(born(world, rows, seen), keys_of(world, rows), NEEDED, AHEAD):
            actual = world[1][world[0].index(one.key.subject), HOURS:, None]
            q = one.quantiles
            inside.append([((actual[:, 0] >= q[:, low]) & (actual[:, 0] <= q[:, -1 - low])).mean() for low in (3, 1)])
            above.append((actual[:, 0] > q[:, -1]).mean())
            errors.append(np.abs(np.log(q[:, MIDDLE] / actual[:, 0])).mean())
    eighty, ninety_five = np.mean(inside, axis=0)
    assert 0.74 < eighty < 0.92 and ninety_five > 0.93 and np.mean(above) < 0.02
    assert np.mean(errors) < (0.35 if seen == 12 else 0.65)


def test_hours_seen_make_it_narrower():
    world, rows = gravity_world(3), [4, 40]
    wide, narrow = (newborn_forecasts(born(world, rows, seen), keys_of(world, rows), NEEDED, AHEAD) for seen in (0, 24))
    for before, after in zip(wide, narrow, strict=True):
        spread = [np.log(one.quantiles[:, -3] / one.quantiles[:, 2]).mean() for one in (before, after)]
        assert spread[1] < 0.8 * spread[0]
        assert before.share == 0 and after.share > 0.5


def test_gravity_finds_the_level():
    names, values = gravity_world(5, misfit=0.0, noise=0.0)
    keys = tuple(SeriesKey(SeriesKind.TRAFFIC, name) for name in names)
    logs = np.log(values.mean(axis=1))
    levels = usual_levels(keys[3:], logs[3:], keys[:3])
    np.testing.assert_allclose(levels.asked, logs[:3], atol=0.25)
    assert np.corrcoef(levels.left_out, logs[3:])[0, 1] > 0.97


def test_a_region_that_nobody_knows_gets_the_usual_pair():
    world = gravity_world(5)
    new = SeriesKey(SeriesKind.TRAFFIC, "new->r1")
    (one,) = newborn_forecasts(born(world, [], 0), (new,), NEEDED, AHEAD)
    middle = np.median(world[1].mean(axis=1))
    assert middle / 5 < one.quantiles[:, MIDDLE].mean() < middle * 5


def test_a_block_is_like_blocks_of_its_size():
    chance = np.random.default_rng(1)
    names = tuple(f"10.{index}.0.0/{24 + index % 4}" for index in range(24))
    level = np.array([2.0 ** -(index % 4) for index in range(24)]) * np.exp(chance.normal(0, 0.3, 24))
    panel = panel_of(level[:, None] * chance.lognormal(0, 0.2, (24, HOURS)), names, SeriesKind.BLOCK_TRAFFIC)
    asked = tuple(SeriesKey(SeriesKind.BLOCK_TRAFFIC, f"10.99.0.0/{length}") for length in (24, 27))
    large, small = newborn_forecasts(panel, asked, NEEDED, AHEAD)
    ratio = large.quantiles[:, MIDDLE].mean() / small.quantiles[:, MIDDLE].mean()
    assert 4 < ratio < 16


def test_with_too_few_to_compare_the_spread_is_assumed_and_with_none_there_is_no_forecast():
    world = gravity_world(1)
    few = panel_of(world[1][:3, :HOURS], tuple(world[0][:3]))
    (one,) = newborn_forecasts(few, keys_of(world, [10]), NEEDED, AHEAD)
    assert one.compared == 3 and "assumed" in one.how
    assert one.quantiles[0, -1] > 20 * one.quantiles[0, MIDDLE]
    assert newborn_forecasts(few, (SeriesKey(SeriesKind.CPU, "new"),), NEEDED, AHEAD) == ()
    alone = panel_of(np.where(np.arange(HOURS) < HOURS - 2, np.nan, world[1][:1, :HOURS]), (world[0][0],))
    (own,) = newborn_forecasts(alone, keys_of(world, [0]), NEEDED, AHEAD)
    assert own.seen == 2 and own.quantiles[:, MIDDLE].mean() == pytest.approx(world[1][0, HOURS - 2 : HOURS].mean())


def test_the_order_of_series_changes_nothing():
    world, rows = gravity_world(3), [4, 40]
    panel = born(world, rows, 3)
    order = np.random.default_rng(0).permutation(len(panel.keys))
    observed = panel.observed[order]
    turned = replace(panel, keys=tuple(panel.keys[row] for row in order), observed=observed, filled=fill(observed, 24))
    asked = keys_of(world, rows)
    for one, other in zip(
        newborn_forecasts(panel, asked, NEEDED, AHEAD),
        newborn_forecasts(turned, asked[::-1], NEEDED, AHEAD),
        strict=True,
    ):
        assert one.key == other.key
        np.testing.assert_allclose(one.quantiles, other.quantiles, rtol=1e-6)


def test_days_and_anything_else_stay_lawful():
    world = gravity_world(2)
    values = world[1].copy()
    values[5], values[6] = 0.0, 1e15
    values[7, :400] = np.nan
    rows = [8, 9]
    for panel, steps in ((born((world[0], values), rows, 2), AHEAD), (daily(born((world[0], values), rows, 24)), 28)):
        asked = (*keys_of(world, rows), SeriesKey(SeriesKind.TRAFFIC, "x->y"))
        for one in newborn_forecasts(panel, asked, 8 if panel.day == 1 else NEEDED, steps):
            assert one.quantiles.shape == (steps, len(LEVELS)) and np.isfinite(one.quantiles).all()
            assert (one.quantiles >= 0).all() and (np.diff(one.quantiles, axis=1) >= 0).all()
