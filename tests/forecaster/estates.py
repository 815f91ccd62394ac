"""Histories made for tests: small, seeded, with a daily and a weekly shape."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from contracts.forecast import ForecastBundle
from contracts.ports import Silent
from forecaster.batch import REQUEST_COLUMNS, TIME_TYPE, no_measurements, no_requests
from forecaster.make import ForecastSettings, make_forecast
from forecaster.view import HistoryView, view_of

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def hours(count: int, begin: datetime = BEGIN) -> pd.Series:
    return pd.Series(pd.date_range(begin, periods=count, freq="h")).astype(TIME_TYPE)


def series(kind: str, subject: str, values: Iterable[float], begin: datetime = BEGIN) -> pd.DataFrame:
    """Hourly rows; NaN leaves an hour out."""
    numbers = np.asarray(list(values), dtype=np.float64)
    frame = pd.DataFrame({"kind": kind, "subject": subject, "time": hours(len(numbers), begin), "value": numbers})
    return frame.assign(covered=1.0).dropna(ignore_index=True)


def wave(count: int, *, level: float = 100.0, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """A day and a week around a level, times lognormal noise."""
    hour = np.arange(count)
    shape = 1 + 0.5 * np.sin(hour * 2 * np.pi / 24) + 0.2 * np.sin(hour * 2 * np.pi / 168)
    noisy: np.ndarray = level * shape * np.random.default_rng(seed).lognormal(0, noise, count)
    return noisy


def requests(pair: tuple[str, str], at: Iterable[datetime], **sizes: float) -> pd.DataFrame:
    frame = pd.DataFrame({"time": pd.Series(list(at)).astype(TIME_TYPE)})
    frame = frame.assign(source=pair[0], destination=pair[1], ordinal=np.arange(len(frame)))
    defaults = {"vcpu": 4, "memory_gib": 16, "storage_gib": 100, "gbps": 1, "addresses": 16, "duration_hours": 24}
    return frame.assign(**{**defaults, **sizes}).astype(dict.fromkeys(defaults, "float64"))[list(REQUEST_COLUMNS)]


def history(*frames: pd.DataFrame, asked: pd.DataFrame | None = None) -> HistoryView:
    measured = pd.concat(frames) if frames else no_measurements()
    return view_of(measured, asked if asked is not None else no_requests())


def forecast(view: HistoryView, settings: ForecastSettings | None = None) -> ForecastBundle:
    settings = settings or ForecastSettings(environment="test", hourly_hours=48, daily_days=7)
    return make_forecast(view, settings, made_at=NOW, seconds=lambda: 0.0, progress=Silent())
