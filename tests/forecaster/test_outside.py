"""Events, customers and newborn series around what models say; with none of them, nothing changes."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.customers import Customers
from contracts.events import EventKind
from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.outside import ANNOUNCED, NEWBORN, Outside, Surroundings
from forecaster.panel import daily
from forecaster.paths import quantiles_of
from forecaster.prepare import Prepared
from tests.forecaster.events.worlds import calendar, event, flat_quantiles, hour, panel_of, usual, with_events
from tests.forecaster.test_customers import customers

HOURS, MIDDLE, NEEDED = 24 * 7 * 8, LEVELS.index(0.5), 48
PAIRS = tuple(f"r{a}->r{b}" for a in range(4) for b in range(4) if a != b)


def prepared(pairs=PAIRS, hours: int = HOURS, doubts=(), seen: int = HOURS) -> Prepared:
    values = np.tile(usual(hours, 3, noise=0.1), (4, 1))[: len(pairs)]
    values[0, : hours - seen] = np.nan
    counts = panel_of(np.zeros((1, hours)), ("r0->r1",), SeriesKind.PEERING_REQUESTS)
    return Prepared(origin=hour(hours), levels=panel_of(values, pairs), counts=counts, treatments=(), doubts=doubts)


def test_with_nothing_outside_nothing_changes():
    history = prepared()
    around = Surroundings(history, Outside())
    assert around.neutral().levels is history.levels and around.neutral().counts is history.counts
    quantiles = flat_quantiles(len(PAIRS), 24)
    joined = around.join(history.levels, quantiles, NEEDED)
    assert joined.panel is history.levels and (joined.quantiles == quantiles).all()
    assert joined.carried == () and joined.treatments == () and around.expected(24) == ()
    days = around.join(daily(history.levels), flat_quantiles(len(PAIRS), 7), 8)
    assert (days.quantiles == flat_quantiles(len(PAIRS), 7)).all()


def test_events_are_put_back_and_told():
    games = [event(at, kind=EventKind.SPORTS, regions=("r0",)) for at in (400, 590, 781, 1003, 1210)]
    ahead = event(HOURS + 5, regions=("r0",), name="Final")
    history = prepared()
    loud = with_events(history.levels.observed, history.levels, games, 1.6)
    history = Prepared(origin=history.origin, levels=panel_of(loud, PAIRS), counts=history.counts, treatments=())
    around = Surroundings(history, Outside(calendar=calendar(*games, ahead)))
    said = around.join(around.neutral().levels, flat_quantiles(len(PAIRS), 24), NEEDED)
    row = PAIRS.index("r0->r2")
    assert said.quantiles[row, 6, MIDDLE] == pytest.approx(16, rel=0.12)
    (told,) = around.expected(24)
    assert (told.name, told.learned_from) == ("Final", 5) and told.factor == pytest.approx(1.6, rel=0.12)
    late = Surroundings(history, Outside(calendar=calendar(*games, ahead), known_by=hour(-24 * 400)))
    assert late.expected(24) == ()


def test_a_pair_that_was_hardly_seen_is_carried_by_the_others():
    history = prepared(seen=3)
    joined = Surroundings(history, Outside()).join(history.levels, flat_quantiles(len(PAIRS), 24), NEEDED)
    assert joined.carried == ((0, NEWBORN),)
    assert "3 steps seen" in joined.treatments[0].what
    assert not (joined.quantiles[0] == flat_quantiles(1, 24)[0]).all()
    assert (joined.quantiles[1:] == flat_quantiles(len(PAIRS) - 1, 24)).all()


def test_series_that_only_a_profile_names_are_forecast():
    history = prepared()
    known = customers(HOURS - 1, value=7.0, subject="r0->new", confidence=1.0).customers
    more = customers(HOURS - 1, value=64.0, kind="cpu", subject="new", unit="vcpu").customers
    outside = Outside(customers=Customers(customers=(*known, *more)))
    joined = Surroundings(history, outside).join(history.levels, flat_quantiles(len(PAIRS), 24), NEEDED)
    pair, cpu = (
        joined.panel.keys.index(SeriesKey(*key)) for key in ((SeriesKind.TRAFFIC, "r0->new"), (SeriesKind.CPU, "new"))
    )
    assert dict(joined.carried) == {pair: NEWBORN, cpu: ANNOUNCED}
    assert joined.quantiles.shape[0] == len(joined.panel.keys) == len(PAIRS) + 2
    np.testing.assert_allclose(joined.quantiles[cpu, :, MIDDLE], 64)
    assert (np.diff(joined.quantiles, axis=2) >= 0).all() and np.isfinite(joined.quantiles).all()
    days = Surroundings(history, outside).join(daily(history.levels), flat_quantiles(len(PAIRS), 7), 8)
    np.testing.assert_allclose(days.quantiles[days.panel.keys.index(SeriesKey(SeriesKind.CPU, "new")), :, MIDDLE], 64)


def test_what_was_derived_from_others_is_wider_by_its_doubt():
    key = SeriesKey(SeriesKind.TRAFFIC, PAIRS[2])
    history = prepared(doubts=((key, 0.5),))
    said = Surroundings(history, Outside()).join(history.levels, flat_quantiles(len(PAIRS), 24), NEEDED).quantiles
    assert said[2, 0, -1] > 2 * said[1, 0, -1] and said[2, 0, MIDDLE] == said[1, 0, MIDDLE]


def with_regions() -> Prepared:
    """The pairs, and what two of their regions send and receive."""
    pairs = prepared().levels
    regions = np.stack([pairs.observed[[f"r{r}" in key.regions for key in pairs.keys]].sum(axis=0) for r in range(2)])
    panel = panel_of(np.vstack([pairs.observed, regions]), (*PAIRS, "r0", "r1"))
    keys = (*pairs.keys, *(SeriesKey(SeriesKind.REGION_TRAFFIC, f"r{r}") for r in range(2)))
    return replace(prepared(), levels=replace(panel, keys=keys))


def test_regions_agree_with_their_pairs():
    """Their distribution is the one that they have by themselves, read off sums of the pairs' paths."""
    history = with_regions()
    quantiles = flat_quantiles(len(history.levels.keys), 24)
    quantiles[len(PAIRS) :] *= 6
    around = Surroundings(history, Outside())
    (joined,) = around.agreed(around.join(history.levels, quantiles, NEEDED))
    assert joined.summed[:2] == (len(PAIRS), len(PAIRS) + 1)
    assert (joined.quantiles[: len(PAIRS)] == quantiles[: len(PAIRS)]).all()
    for row in joined.summed[:2]:
        np.testing.assert_allclose(joined.quantiles[row], quantiles[row], rtol=0.01)
    assert joined.agreed is not None
    members = ["r0" in key.regions for key in joined.agreed.keys]
    summed = joined.agreed.paths[:, members].sum(axis=1, dtype=np.float64)
    assert (joined.quantiles[len(PAIRS)] == quantiles_of(summed)).all()
    kinds = [joined.panel.keys[row].kind for row in joined.summed]
    assert kinds == ["region_traffic", "region_traffic", "region_in", "region_in", "region_out", "region_out"]
    leaving = [key.subject.startswith("r0->") for key in joined.agreed.keys]
    out = joined.agreed.paths[:, leaving].sum(axis=1, dtype=np.float64)
    assert (joined.quantiles[len(PAIRS) + 4] == quantiles_of(out)).all()


def test_what_only_a_profile_names_comes_on_top_of_what_a_region_says_by_itself():
    history = with_regions()
    quantiles = flat_quantiles(len(history.levels.keys), 24)
    quantiles[len(PAIRS) :] *= 6
    known = customers(HOURS - 1, value=30.0, subject="r0->new", confidence=1.0)
    arounds = [Surroundings(history, Outside(customers=each)) for each in (Customers(), known)]
    plain, more = (one.agreed(one.join(history.levels, quantiles, NEEDED))[0].quantiles for one in arounds)
    regions = slice(len(PAIRS), len(PAIRS) + 2)
    grown = (more[regions] - plain[regions])[:, :, MIDDLE]
    np.testing.assert_allclose(grown[0], 30, rtol=0.1)
    np.testing.assert_allclose(grown[1], 0, atol=0.5)
