"""Panels with events whose effect is known."""

from datetime import UTC, datetime, timedelta

import numpy as np

from contracts.events import Calendar, DemandEvent, EventKind
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from forecaster.panel import Panel, fill

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
PAIRS = ("fra->ams", "ams->fra", "lhr->mad", "fra->mad")


def hour(at: float) -> datetime:
    return BEGIN + timedelta(hours=at)


def event(at: float, hours: float = 3, **fields) -> DemandEvent:
    given = {"id": f"e{at:g}", "kind": EventKind.SPORTS, "known_at": LONG_AGO}
    return DemandEvent(**{**given, "start": hour(at), "end": hour(at + hours), **fields})


def calendar(*events: DemandEvent) -> Calendar:
    return Calendar().merged(events)


def panel_of(values: np.ndarray, names: tuple[str, ...] = PAIRS, kind: SeriesKind = SeriesKind.TRAFFIC) -> Panel:
    keys = tuple(SeriesKey(kind, name) for name in names)
    return Panel(
        keys=keys,
        granularity=Granularity.HOURLY,
        end=hour(values.shape[1]),
        observed=values,
        filled=fill(values, 24),
    )


def usual(hours: int, series: int = len(PAIRS), noise: float = 0.1, seed: int = 1) -> np.ndarray:
    at = np.arange(hours)
    shape = 1 + 0.5 * np.sin(at * 2 * np.pi / 24) + 0.2 * np.sin(at * 2 * np.pi / 168)
    levels = np.array([10.0, 5.0, 8.0, 3.0])[:series, None]
    return levels * shape * np.random.default_rng(seed).lognormal(0, noise, (series, hours))


def with_events(values: np.ndarray, panel: Panel, events, factor: float) -> np.ndarray:
    """Multiplied by `factor` in each event's window, for the series that it concerns."""
    from forecaster.events.footprint import concerns

    moved = values.copy()
    for one in events:
        first = int((one.start - BEGIN).total_seconds() // 3600)
        last = int((one.end - BEGIN).total_seconds() // 3600)
        rows = [row for row, key in enumerate(panel.keys) if concerns(one, key)]
        moved[np.ix_(rows, range(first, min(last, values.shape[1])))] *= factor
    return moved


def flat_quantiles(series: int, steps: int, level: float = 10.0) -> np.ndarray:
    spread = level * (1 + 0.2 * (np.array(LEVELS) - 0.5))
    return np.tile(spread, (series, steps, 1))
