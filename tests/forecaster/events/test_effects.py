"""Effects of events: what is learned, what is applied, and that nothing is known too early."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from contracts.events import EventKind
from contracts.series import LEVELS, Granularity, SeriesKind
from forecaster.events.effects import learn_effects
from forecaster.events.footprint import CORE
from forecaster.panel import daily
from tests.forecaster.events.worlds import calendar, event, flat_quantiles, hour, panel_of, usual, with_events

HOURS = 24 * 7 * 12
MIDDLE = LEVELS.index(0.5)
GAMES = [event(at, regions=("fra",)) for at in (400, 590, 781, 1003, 1210, 1455, 1700)]


def world(factor=1.6, events=GAMES, noise=0.1):
    quiet = panel_of(usual(HOURS, noise=noise))
    return panel_of(with_events(quiet.observed, quiet, events, factor))


def test_without_events_everything_is_left_as_it_is():
    panel, quantiles = world(), flat_quantiles(4, 24)
    effects = learn_effects(panel, calendar())
    assert effects.neutral(panel) is panel
    assert effects.applied(quantiles, panel) is quantiles


def test_the_effect_of_a_kind_is_learned_and_applied_to_its_next_occurrence():
    panel, ahead = world(), event(HOURS + 5, regions=("fra",))
    effects = learn_effects(panel, calendar(*GAMES, ahead))
    learned = effects.kinds[EventKind.SPORTS, SeriesKind.TRAFFIC, CORE]
    assert learned.occurrences == 7 and np.exp(learned.mean) == pytest.approx(1.6, rel=0.08)
    quantiles = flat_quantiles(4, 24)
    said = effects.applied(quantiles, panel)
    np.testing.assert_allclose(said[[0, 1, 3], 5:8, MIDDLE], 16, rtol=0.12)
    assert (said[2] == quantiles[2]).all()  # lhr->mad: not of this region
    assert (said[0, 20] == quantiles[0, 20]).all()
    spread = said[0, 6, -1] / said[0, 6, MIDDLE] - quantiles[0, 6, -1] / quantiles[0, 6, MIDDLE]
    assert spread > 0.05  # wider: the next game is not the last one
    assert (np.diff(said, axis=2) >= 0).all()


def test_neutral_history_times_what_events_did_is_the_history():
    panel = world()
    effects = learn_effects(panel, calendar(*GAMES))
    neutral = effects.neutral(panel)
    np.testing.assert_allclose(neutral.observed * np.exp(effects.past), panel.observed, rtol=1e-12)
    quiet = panel_of(usual(HOURS))
    touched = effects.past[0] > 0.2
    assert touched.sum() == 21
    assert np.abs(np.log(neutral.observed[0, touched] / quiet.observed[0, touched])).mean() < 0.08


def test_hours_that_a_maintenance_darkened_are_unknown_not_low():
    dark = [event(at, 4, kind=EventKind.MAINTENANCE, uplift=0.0) for at in (500, 900)]
    panel = world(factor=0.0, events=dark)
    neutral = learn_effects(panel, calendar(*dark)).neutral(panel)
    assert np.isnan(neutral.observed[:, 500:504]).all()
    assert np.isfinite(neutral.filled[:, 500:504]).all()


def test_what_was_not_known_at_a_cutoff_changes_nothing_of_it():
    """The planted leak: a game ahead, and a past one, announced only after the panel's end."""
    panel, late = world(), hour(HOURS + 1)
    leaks = [event(HOURS + 5, uplift=9, known_at=late), event(700, uplift=9, known_at=late)]
    honest = learn_effects(panel, calendar(*GAMES))
    tempted = learn_effects(panel, calendar(*GAMES, *leaks))
    quantiles = flat_quantiles(4, 24)
    assert (honest.past == tempted.past).all() and honest.kinds == tempted.kinds
    assert (tempted.applied(quantiles, panel) == quantiles).all()
    known = learn_effects(panel, calendar(*GAMES, *[leak.model_copy(update={"known_at": hour(0)}) for leak in leaks]))
    assert not (known.applied(quantiles, panel) == quantiles).all()


def test_an_event_that_was_moved_is_believed_where_it_stood_until_then():
    first = event(HOURS + 5, id="final", uplift=2.0)
    moved = event(HOURS + 15, id="final", uplift=2.0, known_at=hour(HOURS - 10))
    both = calendar(first, moved)
    panel, quantiles = world(), flat_quantiles(4, 24)
    before, after = panel.until(HOURS - 20), panel
    early = learn_effects(before, both).applied(flat_quantiles(4, 48), before)
    assert early[0, 26, MIDDLE] > 15 and early[0, 36, MIDDLE] == 10
    late = learn_effects(after, both).applied(quantiles, after)
    assert late[0, 6, MIDDLE] == 10 and late[0, 16, MIDDLE] > 15


def test_what_was_stated_is_used_where_nothing_is_learned_and_weighs_less_where_much_is():
    ahead = event(HOURS + 5, regions=("fra",), uplift=3.0)
    alone = learn_effects(world(factor=1.0), calendar(ahead)).applied(flat_quantiles(4, 24), world())
    assert alone[0, 6, MIDDLE] == pytest.approx(30)
    learned = learn_effects(world(), calendar(*GAMES, ahead)).applied(flat_quantiles(4, 24), world())
    assert 16 < learned[0, 6, MIDDLE] < 24


def test_statements_that_came_true_are_believed_more_than_those_that_did_not():
    true = [one.model_copy(update={"uplift": 1.6}) for one in GAMES]
    false = [one.model_copy(update={"uplift": 5.0}) for one in GAMES]
    ahead = event(HOURS + 5, regions=("fra",), uplift=3.0)
    said = [
        learn_effects(world(), calendar(*games, ahead)).applied(flat_quantiles(4, 24), world())[0, 6, MIDDLE]
        for games in (true, false)
    ]
    assert said[0] > said[1] + 1


def test_an_uplift_of_one_service_is_not_stated_of_the_whole_region():
    ahead = event(HOURS + 5, service="web", uplift=3.0, regions=("fra",))
    services = panel_of(usual(HOURS, 3), ("web@fra", "mail@fra", "web@ams"), SeriesKind.USERS)
    said = learn_effects(services, calendar(ahead)).applied(flat_quantiles(3, 24), services)
    assert said[0, 6, MIDDLE] == pytest.approx(30) and (said[1:, 6, MIDDLE] == 10).all()
    pairs = world()
    of_pairs = learn_effects(pairs, calendar(ahead)).applied(flat_quantiles(4, 24), pairs)
    assert of_pairs[0, 6, MIDDLE] == 10 and of_pairs[0, 6, -1] > flat_quantiles(4, 24)[0, 6, -1]


def test_hours_before_and_after_are_learned():
    quiet = panel_of(usual(HOURS))
    halves = [one.model_copy(update={"start": one.start - timedelta(hours=3)}) for one in GAMES]
    panel = panel_of(with_events(with_events(quiet.observed, quiet, GAMES, 1.5), quiet, halves, 1.3))
    ahead = event(HOURS + 8, regions=("fra",))
    said = learn_effects(panel, calendar(*GAMES, ahead)).applied(flat_quantiles(4, 24), panel)
    np.testing.assert_allclose(said[0, 5:8, MIDDLE], 13, rtol=0.08)
    assert said[0, 12, MIDDLE] == pytest.approx(10, rel=0.05)


def test_a_holiday_moves_mornings_and_evenings_by_their_own():
    days = [event(24 * day, 24, kind=EventKind.HOLIDAY, regions=("fra",)) for day in (9, 18, 31, 44, 57, 70)]
    mornings = [event(24 * day + 6, 6, regions=("fra",)) for day in (9, 18, 31, 44, 57, 70)]
    quiet = panel_of(usual(HOURS))
    panel = panel_of(with_events(quiet.observed, quiet, mornings, 0.5))
    ahead = event(HOURS, 24, kind=EventKind.HOLIDAY, regions=("fra",))
    said = learn_effects(panel, calendar(*days, ahead)).applied(flat_quantiles(4, 24), panel)
    assert said[0, 7, MIDDLE] < 6.5 and said[0, 20, MIDDLE] == pytest.approx(10, rel=0.08)
    by_days = learn_effects(panel, calendar(*days, ahead)).applied(flat_quantiles(4, 3), daily(panel))
    assert by_days[0, 0, MIDDLE] == pytest.approx(said[0, :, MIDDLE].mean(), rel=1e-6)
    assert (by_days[0, 2:] == flat_quantiles(1, 1)[0, 0]).all()  # the day after has the hours that lag behind


def test_the_order_of_series_changes_nothing():
    panel, ahead, order = world(), event(HOURS + 5, regions=("fra",)), [2, 0, 3, 1]
    turned = replace(
        panel,
        keys=tuple(panel.keys[row] for row in order),
        observed=panel.observed[order],
        filled=panel.filled[order],
    )
    quantiles = flat_quantiles(4, 24)
    one, other = learn_effects(panel, calendar(*GAMES, ahead)), learn_effects(turned, calendar(*GAMES, ahead))
    np.testing.assert_allclose(one.neutral(panel).observed[order], other.neutral(turned).observed, rtol=1e-12)
    np.testing.assert_allclose(one.applied(quantiles, panel)[order], other.applied(quantiles, turned), rtol=1e-12)


def test_requests_stay_counts():
    counts = np.random.default_rng(3).poisson(2.0, (4, HOURS)).astype(float)
    panel = panel_of(counts, kind=SeriesKind.PEERING_REQUESTS)
    effects = learn_effects(panel, calendar(*GAMES, event(HOURS + 5, uplift=1.7)))
    assert (effects.neutral(panel).observed == counts).all()
    said = effects.applied(np.round(flat_quantiles(4, 24)), panel)
    assert (said == np.floor(said)).all() and said[0, 6, MIDDLE] > 10


def test_a_daily_panel_learns_by_days():
    days = [event(24 * day, 24, kind=EventKind.HOLIDAY) for day in (9, 18, 31, 44, 57, 70)]
    quiet = panel_of(usual(HOURS))
    by_day = daily(panel_of(with_events(quiet.observed, quiet, days, 0.5)))
    ahead = event(HOURS + 24, 24, kind=EventKind.HOLIDAY)
    assert by_day.granularity is Granularity.DAILY
    said = learn_effects(by_day, calendar(*days, ahead)).applied(flat_quantiles(4, 7), by_day)
    np.testing.assert_allclose(said[:, 1, MIDDLE], 5, rtol=0.1)
    assert (said[:, [0, 2]] == 10 * (1 + 0.2 * (np.array(LEVELS) - 0.5))).all()


def test_two_events_of_a_kind_at_once_are_one_and_of_two_kinds_add_up():
    """Both ends of a pair have a holiday: it was learned, and comes, as one quiet day."""
    twice = [event(HOURS + 5, regions=(region,), uplift=2.0, id=region) for region in ("fra", "ams")]
    said = learn_effects(world(factor=1.0), calendar(*twice)).applied(flat_quantiles(4, 24), world())
    np.testing.assert_allclose(said[[0, 1, 3], 6, MIDDLE], 20)
    news = twice[1].model_copy(update={"kind": EventKind.NEWS})
    both = learn_effects(world(factor=1.0), calendar(twice[0], news)).applied(flat_quantiles(4, 24), world())
    np.testing.assert_allclose(both[[0, 1, 3], 6, MIDDLE], [40, 40, 20])
    for name in ("a", "z"):  # before the stronger one, and after it
        weaker = twice[1].model_copy(update={"uplift": 1.2, "id": name})
        one = learn_effects(world(factor=1.0), calendar(twice[0], weaker)).applied(flat_quantiles(4, 24), world())
        np.testing.assert_allclose(one[0, 6, MIDDLE], 20)


def test_hours_that_another_kind_moved_too_teach_nothing_of_either():
    """News breaks in the second hour of every match: the first hour alone tells what matches do."""
    news = [
        event((one.start - hour(0)).total_seconds() / 3600 + 1, 6, id=f"n{one.id}", kind=EventKind.NEWS)
        for one in GAMES
    ]
    quiet = panel_of(usual(HOURS))
    panel = panel_of(with_events(with_events(quiet.observed, quiet, GAMES, 1.6), quiet, news, 3.0))
    effects = learn_effects(panel, calendar(*GAMES, *news))
    for kind, factor in ((EventKind.SPORTS, 1.6), (EventKind.NEWS, 3.0)):
        assert np.exp(effects.kinds[kind, SeriesKind.TRAFFIC, CORE].mean) == pytest.approx(factor, rel=0.12)
