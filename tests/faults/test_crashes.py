"""A slice of the crash campaign: every point of every situation in strides, and what the campaign must find."""

from __future__ import annotations

import pytest

from tests.faults.crash_play import count_points, scenario_of, simulate
from tests.faults.crash_situations import SITUATIONS, prepare

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("worlds"))


@pytest.fixture(scope="module")
def points(worlds, tmp_path_factory):
    return count_points(worlds, tmp_path_factory.mktemp("points"))


def verdicts_of(numbers, worlds, points, folder, **naive):
    for number in numbers:
        scenario = scenario_of(number, points)
        yield simulate(scenario, worlds[scenario.situation], folder / str(number), **naive)


def test_an_apply_passes_points_before_during_and_after_everything_durable(points):
    assert set(points) == set(SITUATIONS)
    assert all(number > 40 for number in points.values())


@pytest.mark.parametrize("part", range(4))
def test_nothing_is_lost_and_nothing_is_there_twice(worlds, points, tmp_path, part):
    verdicts = list(verdicts_of(range(part, 200, 8), worlds, points, tmp_path))
    assert [(item.scenario, item.lost, item.twice) for item in verdicts if item.lost or item.twice] == []
    assert sum(bool(item.died) for item in verdicts) > len(verdicts) / 2


def test_without_looking_by_tag_the_same_campaign_finds_duplicates(worlds, points, tmp_path):
    verdicts = verdicts_of(range(0, 60, 3), worlds, points, tmp_path, adoption=False)
    assert any("times" in words for verdict in verdicts for words in verdict.twice)


def test_without_intent_the_same_campaign_finds_losses(worlds, points, tmp_path):
    verdicts = verdicts_of(range(27, 50), worlds, points, tmp_path, intent=False)
    assert any("no run is open" in words for verdict in verdicts for words in verdict.lost)


def test_a_replacement_that_no_state_knows_is_not_made_beside_it(worlds, points, tmp_path):
    """The state that reached its backend still has what was replaced: found by this campaign."""
    found = list(verdicts_of((73, 136, 358), worlds, points, tmp_path))
    assert all(not item.twice for item in found)
