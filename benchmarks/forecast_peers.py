"""Other forecasters on the windows of one set: run by `benchmarks/forecast.py` in an environment of their own.

    python benchmarks/forecast_peers.py PEER set.parquet windows.json cache_folder out.parquet

set.parquet has unique_id, ds, y; windows.json has `horizon`, `counts`, and `windows`, each with `cutoff` and `series`.
Each window's result is kept in the cache under a digest of what the peer was shown. Needs nothing of Prestage.

What every peer is given: values up to the cutoff, gaps filled with the same hour a week before, else a day before, else
the last value; quantiles below 0 are lifted to 0 and ordered. What bounds each is in `PEERS`.
"""

import hashlib
import json
import logging
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
COLUMNS = [f"q{level:g}" for level in LEVELS]
BANDS = (20, 40, 60, 80, 90, 95, 98)  # central intervals whose ends are the levels, the median apart
ARIMA_LIMIT_S = 30

Filled = dict[str, np.ndarray]
"""Values of each series from its first known one to the cutoff, without gaps."""

Peer = Callable[[Filled, pd.Timestamp, int], np.ndarray]
"""Histories, cutoff and horizon to quantiles of shape (series, horizon, levels)."""


class TooSlow(Exception):
    """A fit took longer than it may."""


def bands(made: dict[str, np.ndarray]) -> np.ndarray:
    """Quantiles of shape (horizon, levels) from a mean and central intervals."""
    low = [made[f"lo-{band}"] for band in reversed(BANDS)]
    return np.column_stack([*low, made["mean"], *(made[f"hi-{band}"] for band in BANDS)])


def statistical(model: Callable[[int], object], hours: int, limit_s: int = 0) -> Peer:
    """A model of statsforecast for each series by itself, over its last `hours`; seasonal naive where it fails."""
    from statsforecast.models import SeasonalNaive

    def forecast(histories: Filled, cutoff: pd.Timestamp, horizon: int) -> np.ndarray:
        rows = []
        for name, history in histories.items():
            y = history[-hours:].astype(np.float64)
            try:
                with at_most(limit_s):
                    rows.append(bands(model(len(y)).forecast(y=y, h=horizon, level=list(BANDS))))
            except Exception as error:
                print(f"  {name}: {type(error).__name__}: {error}; seasonal naive instead", file=sys.stderr)
                rows.append(bands(SeasonalNaive(min(24, len(y))).forecast(y=y, h=horizon, level=list(BANDS))))
        return np.stack(rows)

    return forecast


@contextmanager
def at_most(seconds: int):
    def stop(*_):
        raise TooSlow(f"more than {seconds} s of CPU")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def seasonal_naive(season: int) -> Peer:
    from statsforecast.models import SeasonalNaive

    return statistical(lambda known: SeasonalNaive(season if known >= 2 * season else min(24, known)), 10**9)


def auto_arima() -> Peer:
    from statsforecast.models import AutoARIMA

    return statistical(lambda known: AutoARIMA(season_length=24, approximation=True), 336, ARIMA_LIMIT_S)


def auto_ets() -> Peer:
    from statsforecast.models import AutoETS

    return statistical(lambda known: AutoETS(season_length=24), 1008, 60)


def auto_theta() -> Peer:
    from statsforecast.models import AutoTheta

    return statistical(lambda known: AutoTheta(season_length=24), 1008, 60)


def mstl() -> Peer:
    from statsforecast.models import MSTL

    return statistical(lambda known: MSTL(season_length=[24, 168] if known >= 337 else [24]), 2016, 60)


def prophet() -> Peer:
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    logging.getLogger("prophet").setLevel(logging.ERROR)

    def forecast(histories: Filled, cutoff: pd.Timestamp, horizon: int) -> np.ndarray:
        rows = []
        ahead = pd.DataFrame({"ds": pd.date_range(cutoff, periods=horizon + 1, freq="h")[1:]})
        for history in histories.values():
            np.random.seed(0)
            y = history[-2016:]
            times = pd.date_range(end=cutoff, periods=len(y), freq="h")
            model = Prophet(weekly_seasonality=len(y) >= 336, yearly_seasonality=False, uncertainty_samples=300)
            model.fit(pd.DataFrame({"ds": times, "y": y}), seed=0)
            drawn = model.predictive_samples(ahead)["yhat"]
            rows.append(np.quantile(drawn, LEVELS, axis=1).T)
        return np.stack(rows)

    return forecast


def xgboost_conformal() -> Peer:
    """Recursive XGBoost of mlforecast over all series, scaled each, with conformal intervals of its own windows."""
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean
    from mlforecast.target_transforms import LocalStandardScaler
    from mlforecast.utils import PredictionIntervals
    from xgboost import XGBRegressor

    def forecast(histories: Filled, cutoff: pd.Timestamp, horizon: int) -> np.ndarray:
        longest = min(len(history) for history in histories.values())
        week = longest >= 2 * 168 + 2 * horizon
        needed = (168 if week else 24) + 48
        windows = max(2, min(4, (longest - needed) // horizon))
        reach = min(horizon, (longest - needed) // windows)
        if reach < 1:
            return seasonal_naive(24)(histories, cutoff, horizon)
        lags = [1, 2, 3, 24, 48, 168] if week else [1, 2, 24]
        model = MLForecast(
            models={"xgb": XGBRegressor(n_estimators=200, max_depth=6, learning_rate=0.08, n_jobs=1, random_state=0)},
            freq="h",
            lags=lags,
            lag_transforms={1: [RollingMean(24)], 24: [RollingMean(24)]},
            date_features=["hour", "dayofweek"],
            target_transforms=[LocalStandardScaler()],
        )
        frame = pd.concat(
            pd.DataFrame({"unique_id": name, "ds": pd.date_range(end=cutoff, periods=len(y), freq="h"), "y": y})
            for name, y in histories.items()
        )
        whole = reach == horizon
        model.fit(frame, prediction_intervals=PredictionIntervals(n_windows=windows, h=reach))
        if not whole:  # intervals reach as far as the windows that made them: the last of them stands for what follows
            return _stretched(model, histories, reach, horizon)
        made = model.predict(horizon, level=list(BANDS))
        return _by_series(made, histories, horizon)

    return forecast


def _by_series(made: pd.DataFrame, histories: Filled, horizon: int) -> np.ndarray:
    made = made.sort_values(["unique_id", "ds"])
    columns = [*(f"xgb-lo-{band}" for band in reversed(BANDS)), "xgb", *(f"xgb-hi-{band}" for band in BANDS)]
    by_name = {name: rows[columns].to_numpy() for name, rows in made.groupby("unique_id", observed=True)}
    return np.stack([by_name[name] for name in histories])


def _stretched(model: object, histories: Filled, reach: int, horizon: int) -> np.ndarray:
    near = _by_series(model.predict(reach, level=list(BANDS)), histories, reach)
    centre = model.predict(horizon).sort_values(["unique_id", "ds"])
    by_name = {name: rows["xgb"].to_numpy() for name, rows in centre.groupby("unique_id", observed=True)}
    rows = []
    for at, name in enumerate(histories):
        spread = near[at] - near[at][:, [7]]
        index = [step if step < reach else reach - 24 + (step - reach) % 24 for step in range(horizon)]
        rows.append(by_name[name][:, None] + spread[np.clip(index, 0, reach - 1)])
    return np.stack(rows)


def poisson_trees(dispersed: bool) -> Peer:
    """XGBoost with count:poisson over all pairs; quantiles of Poisson, or of the likeliest negative binomial."""
    from scipy.optimize import minimize_scalar
    from scipy.stats import nbinom, poisson
    from xgboost import XGBRegressor

    def described(values: np.ndarray, origin: int, ahead: np.ndarray, cutoff_hour: int, total: int) -> np.ndarray:
        past = values[:, :origin]
        target = origin + ahead
        hour = (cutoff_hour - (total - 1) + target) % 168
        means = [past[:, -width:].mean(axis=1) for width in (24, 168, 672)]
        same = past[:, [t - 168 * -(-(t - origin + 1) // 168) for t in target]]
        last = target - 24 * -(-(target - origin + 1) // 24)  # the last known day's same hour
        daily = np.mean([past[:, last - 24 * back] for back in range(7)], axis=0)
        rows = [np.repeat(mean[:, None], len(ahead), axis=1) for mean in means]
        calendar = [np.repeat(one[None], len(values), axis=0) for one in (hour % 24, hour // 24, ahead)]
        return np.stack([*rows, same, daily, *calendar], axis=-1).reshape(len(values) * len(ahead), -1)

    def forecast(histories: Filled, cutoff: pd.Timestamp, horizon: int) -> np.ndarray:
        length = min(len(history) for history in histories.values())
        values = np.stack([history[-length:] for history in histories.values()])
        cutoff_hour = cutoff.dayofweek * 24 + cutoff.hour
        ahead = np.arange(horizon)
        origins = range(length - horizon, max(192, length - 6 * 168), -24)
        x = np.concatenate([described(values, origin, ahead, cutoff_hour, length) for origin in origins])
        y = np.concatenate([values[:, origin : origin + horizon].reshape(-1) for origin in origins])
        model = XGBRegressor(
            objective="count:poisson", n_estimators=150, max_depth=5, learning_rate=0.1, n_jobs=1, random_state=0
        ).fit(x, y)
        rate = np.maximum(model.predict(described(values, length, ahead, cutoff_hour, length)), 1e-6).astype(float)
        if not dispersed:
            made = poisson.ppf(np.array(LEVELS), rate[:, None])
        else:
            seen = np.maximum(model.predict(x), 1e-6).astype(float)

            def loss(log_size: float) -> float:
                size = np.exp(log_size)
                return -nbinom.logpmf(y, size, size / (size + seen)).sum()

            size = np.exp(minimize_scalar(loss, bounds=(-4, 8), method="bounded").x)
            made = nbinom.ppf(np.array(LEVELS), size, size / (size + rate[:, None]))
        return made.reshape(len(values), horizon, len(LEVELS))

    return forecast


def croston(name: str) -> Peer:
    """A rate of the Croston family for each pair, as Poisson."""
    from scipy.stats import poisson
    from statsforecast import models

    def forecast(histories: Filled, cutoff: pd.Timestamp, horizon: int) -> np.ndarray:
        family = getattr(models, name)
        model = family(alpha_d=0.1, alpha_p=0.1) if name == "TSB" else family()
        rows = []
        for history in histories.values():
            rate = np.maximum(np.nan_to_num(model.forecast(y=history.astype(np.float64), h=horizon)["mean"]), 1e-9)
            rows.append(poisson.ppf(np.array(LEVELS), rate[:, None]))
        return np.stack(rows)

    return forecast


PEERS: dict[str, Callable[[], Peer]] = {
    "SeasonalNaive24": lambda: seasonal_naive(24),
    "SeasonalNaive168": lambda: seasonal_naive(168),
    "MSTL": mstl,  # daily and weekly seasons, its own AutoETS trend, last 12 weeks
    "AutoTheta": auto_theta,  # season 24, last 6 weeks, at most 60 s of CPU a fit
    "AutoETS": auto_ets,  # season 24, last 6 weeks, at most 60 s of CPU a fit
    "XGBoostConformal": xgboost_conformal,  # all history
    "Prophet": prophet,  # last 12 weeks, 300 samples
    "AutoARIMA": auto_arima,  # season 24, last 2 weeks, compared by approximate likelihood, at most 30 s of CPU a fit
    "XGBoostPoisson": lambda: poisson_trees(dispersed=False),
    "XGBoostPoissonNB": lambda: poisson_trees(dispersed=True),
    "CrostonClassic": lambda: croston("CrostonClassic"),
    "CrostonOptimized": lambda: croston("CrostonOptimized"),
    "CrostonSBA": lambda: croston("CrostonSBA"),
    "TSB": lambda: croston("TSB"),
    "IMAPA": lambda: croston("IMAPA"),
    "ADIDA": lambda: croston("ADIDA"),
}


def filled(series: pd.Series, cutoff: pd.Timestamp) -> np.ndarray:
    """Hourly values from the first known one to the cutoff; gaps as the docstring says."""
    known = series.loc[:cutoff].dropna()
    grid = pd.date_range(known.index[0], cutoff, freq="h")
    values = known.reindex(grid).to_numpy(dtype=np.float64, copy=True)
    for at in np.flatnonzero(np.isnan(values)):
        values[at] = next(values[at - lag] for lag in (168, 24, 1) if at >= lag)
    return values


def fitted(values: np.ndarray) -> np.ndarray:
    """Finite, from 0, ordered."""
    return np.sort(np.maximum(np.nan_to_num(values, nan=0.0, posinf=1e30, neginf=0.0), 0.0), axis=2)


def digest(peer: str, histories: Filled, cutoff: pd.Timestamp, horizon: int) -> str:
    hasher = hashlib.sha256(f"{peer} {cutoff} {horizon} {ARIMA_LIMIT_S}".encode())
    hasher.update(Path(__file__).with_name("forecast_peers.txt").read_bytes())
    for name, history in histories.items():
        hasher.update(name.encode() + history.tobytes())
    return hasher.hexdigest()[:32]


def window(peer: str, histories: Filled, cutoff: pd.Timestamp, horizon: int, cache: Path) -> tuple[np.ndarray, float]:
    """Quantiles of one window and the seconds that they once took, out of the cache where they are there."""
    path = cache / peer / f"{digest(peer, histories, cutoff, horizon)}.npz"
    if path.exists():
        kept = np.load(path)
        return kept["quantiles"], float(kept["seconds"])
    begun = time.process_time()
    made = fitted(PEERS[peer]()(histories, cutoff, horizon))
    took = time.process_time() - begun
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    np.savez_compressed(unfinished, quantiles=made, seconds=took)
    unfinished.rename(path)
    return made, took


def main(peer: str, set_file: str, windows_file: str, cache: str, out: str) -> None:
    warnings.simplefilter("ignore")
    raw = pd.read_parquet(set_file).astype({"unique_id": str})
    asked = json.loads(Path(windows_file).read_text())
    series = {name: rows.set_index("ds").y.sort_index() for name, rows in raw.groupby("unique_id")}
    parts, seconds = [], 0.0
    for one in asked["windows"]:
        cutoff = pd.Timestamp(one["cutoff"])
        histories = {name: filled(series[name], cutoff) for name in one["series"]}
        quantiles, took = window(peer, histories, cutoff, asked["horizon"], Path(cache))
        seconds += took
        print(f"{peer} {cutoff}: {len(histories)} series, {took:.1f} s", file=sys.stderr, flush=True)
        ahead = pd.date_range(cutoff, periods=asked["horizon"] + 1, freq="h")[1:]
        index = {"unique_id": np.repeat(list(histories), asked["horizon"]), "ds": np.tile(ahead, len(histories))}
        part = pd.DataFrame(index).assign(cutoff=cutoff)
        parts.append(pd.concat([part, pd.DataFrame(quantiles.reshape(-1, len(LEVELS)), columns=COLUMNS)], axis=1))
    pd.concat(parts).to_parquet(out, index=False)
    print(json.dumps({"seconds": round(seconds, 2)}))


if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[1] not in PEERS:
        sys.exit(f"{__doc__}\npeers: {', '.join(PEERS)}")
    main(*sys.argv[1:])
