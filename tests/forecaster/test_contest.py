"""The choice between models, and the groups that errors are pooled in."""

import numpy as np

from contracts.ports import Silent
from contracts.series import SeriesKind
from forecaster.contest import hold_contest, learn_levels, volume_groups
from forecaster.models.seasonal import Seasonal
from forecaster.prepare import Scope, prepare
from forecaster.windows import plan_windows
from tests.forecaster.estates import history, series, wave


def levels(*frames):
    return prepare(history(*frames), Scope()).levels


def test_volumes_are_told_apart_where_there_are_enough_series():
    many = [series("cpu", f"r{index:02}", wave(60, level=10.0**index)) for index in range(15)]
    few = [series("memory", f"r{index}", wave(60, level=10.0**index)) for index in range(4)]
    groups = volume_groups(levels(*many, *few))
    assert groups.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 4


def test_each_kind_has_its_own_winner_and_of_equals_the_simpler():
    weekend = np.where(np.arange(1008) // 24 % 7 >= 5, 20.0, 100.0)
    constant = np.full(1008, 50.0) + np.tile([1.0, 2.0], 504)
    panel = levels(series("cpu", "fra", weekend), series("memory", "fra", constant))
    models = (Seasonal(24), Seasonal(168), Seasonal(168, depth=2))
    contest = hold_contest(panel, models, plan_windows(panel, 168), learn_levels(panel), Silent())
    winners = {kind: contest.entries[index].model.name for kind, index in contest.winner.items()}
    assert winners == {SeriesKind.CPU: "seasonal_naive_168", SeriesKind.MEMORY: "seasonal_naive_24"}
