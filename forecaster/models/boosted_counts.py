"""Gradient boosting of sparse counts: one XGBoost model with Poisson loss for all series, direct over steps (pure).

It learns by how much the rate of a step differs from a plain one (the series' own recent level times the week that all
series share, `request_rate`), which is given to it as its starting point; where it has learned nothing, the plain rate
stands. Objective `count:poisson` (xgboost.readthedocs.io, "XGBoost Parameters").
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from forecaster.models.boosting import trees_from_bytes, trees_to_bytes
from forecaster.models.features import Features
from forecaster.models.model import Says
from forecaster.models.request_rate import RequestRate
from forecaster.panel import Matrix, Panel, Steps

if TYPE_CHECKING:
    import xgboost

ENOUGH_COUNTS = 200  # requests in all: with fewer, the pooled week says it better
WINDOWS = (1 / 8, 1, 3, 7, 28, 56)  # days
LEAST_RATE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedCounts:
    """Settings, chosen on hourly requests drawn by a seeded process."""

    rounds: int = 80
    depth: int = 5
    learning_rate: float = 0.08
    rows: int = 80_000
    origins: int = 14
    seed: int = 0
    plain: RequestRate = field(default_factory=lambda: RequestRate(shaped=True))

    @property
    def name(self) -> str:
        return "xgboost_poisson"

    @property
    def says(self) -> Says:
        return Says.MEAN

    def suits(self, panel: Panel) -> bool:
        return self.plain.suits(panel) and float(np.nansum(panel.observed)) >= ENOUGH_COUNTS

    def fit(self, panel: Panel, steps: int) -> "FittedCounts":
        import xgboost

        features, targets, margins = _examples(self, panel, steps)
        if not len(targets):
            return FittedCounts(None, self.plain)
        matrix = xgboost.QuantileDMatrix(features, label=targets, base_margin=margins, nthread=1, max_bin=64)
        settings = {
            "objective": "count:poisson",
            "tree_method": "hist",
            "max_depth": self.depth,
            "max_bin": 64,
            "learning_rate": self.learning_rate,
            "min_child_weight": 10,
            "max_delta_step": 0.7,
            "lambda": 5.0,
            "nthread": 1,
            "seed": self.seed,
        }
        return FittedCounts(xgboost.train(settings, matrix, num_boost_round=self.rounds), self.plain)

    def restored(self, kept: bytes) -> "FittedCounts":
        return FittedCounts(trees_from_bytes(kept), self.plain)


@dataclass(frozen=True, slots=True, eq=False)
class FittedCounts:
    """A trained booster, None where there was nothing to learn from, and the plain rate that it corrects."""

    booster: "xgboost.Booster | None"
    plain: RequestRate

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        rate = self.plain.predict(panel, ahead)
        if self.booster is None:
            return rate
        import xgboost

        features = _describe(panel, ahead)
        matrix = xgboost.DMatrix(features.reshape(-1, features.shape[2]), base_margin=_margin(rate), nthread=1)
        return np.asarray(self.booster.predict(matrix), dtype=np.float64).reshape(rate.shape)

    def kept(self) -> bytes:
        return trees_to_bytes(self.booster)


def _margin(rate: Matrix) -> Features:
    return np.log(np.maximum(rate, LEAST_RATE)).astype(np.float32).ravel()


def _examples(family: BoostedCounts, panel: Panel, steps: int) -> tuple[Features, Features, Features]:
    """Features, counts and logarithms of the plain rate, from whole days before the end, evenly thinned."""
    first = max(panel.week, panel.steps // 3)
    days = np.arange(panel.steps - panel.day, first - 1, -panel.day)
    chosen = days[np.unique(np.linspace(0, len(days) - 1, min(family.origins, len(days))).astype(np.int64))]
    wanted = family.rows // max(1, len(chosen) * len(panel.keys))
    stride = max(1, steps // max(wanted, 4)) | 1
    found = []
    for number, origin in enumerate(chosen):
        ahead = np.arange(1 + 3 * number % stride, min(steps, panel.steps - int(origin)) + 1, stride)
        past, target = panel.until(int(origin)), panel.observed[:, int(origin) + ahead - 1]
        good = np.isfinite(target)
        margin = _margin(family.plain.predict(past, ahead)).reshape(target.shape)
        found.append((_describe(past, ahead)[good], target[good].astype(np.float32), margin[good]))
    if not found:
        return np.empty((0, 1), np.float32), np.empty(0, np.float32), np.empty(0, np.float32)
    features, targets, margins = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return features, targets, margins


def _describe(panel: Panel, ahead: Steps) -> Features:
    """Features of every series and step ahead: recent rates, this hour's own past rates, the calendar."""
    counts, shape = np.nan_to_num(panel.observed), (len(panel.keys), len(ahead))
    phase = panel.phase(panel.steps + ahead - 1)
    recent = [counts[:, -max(1, round(days * panel.day)) :].mean(axis=1) for days in WINDOWS]
    own = [_mean_at(counts, ahead, season, depth) for season, depth in ((panel.day, 28), (panel.week, 8))]
    of_step = (phase % panel.day, phase // panel.day, ahead)
    columns = [
        *(np.broadcast_to(value[:, None], shape) for value in recent),
        *own,
        *(np.broadcast_to(value[None, :], shape) for value in of_step),
    ]
    return np.stack(columns, axis=2).astype(np.float32)


def _mean_at(counts: Matrix, ahead: Steps, season: int, depth: int) -> Matrix:
    """Mean of the last `depth` values at the same step of a season, its neighbours included, (series, steps)."""
    seasons = min(depth, counts.shape[1] // season)
    if not seasons:
        return np.full((len(counts), len(ahead)), np.nan)
    mean = counts[:, counts.shape[1] - seasons * season :].reshape(len(counts), seasons, season).mean(axis=1)
    smooth = (np.roll(mean, 1, axis=1) + 2 * mean + np.roll(mean, -1, axis=1)) / 4 if season > 1 else mean
    return np.asarray(smooth[:, (ahead - 1) % season])
