"""Pooled gradient boosting: one XGBoost model of several quantiles for all series, direct over the horizon (pure).

Every value is divided by its series' recent level, so that series of any volume share one model, and an example counts
by how far its series usually strays, as the scores do. Features are what the series was at that hour over two windows
of history, lags at whole days and weeks that are known at the origin, recent levels over five windows, the calendar.
Quantile loss after Koenker and Bassett 1978, as `reg:quantileerror` (xgboost.readthedocs.io, "Quantile Regression").
"""

import hashlib
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from forecaster.models.features import Features, Sight, examples
from forecaster.models.model import LEVEL, NORMAL, Says, finite
from forecaster.panel import Matrix, Panel, Steps

if TYPE_CHECKING:
    import xgboost

ALPHAS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
TAILS = (NormalDist().inv_cdf(ALPHAS[0]), NormalDist().inv_cdf(ALPHAS[-1]))
ENOUGH_EXAMPLES = 200
ENOUGH_SEEN = 5  # values above 0: of fewer the level is no measure, and trees said a thousand of it
LOUDEST = 10.0  # times the median weight
NO_TREES = b"0"
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """Settings, chosen on hourly traffic for error against time on one core.

    Attributes:
        rounds: trees of each quantile.
        depth: of a tree.
        learning_rate: small enough that so many rounds do not overfit, large enough that they suffice.
        rows: examples are thinned evenly to at most so many,
        rows_of_series: and to so many of each series: time grows with them, accuracy hardly does.
        origins: that examples are taken from.
        seed: of XGBoost, which draws nothing with these settings; kept in the forecast's inputs.
    """

    rounds: int = 60
    depth: int = 5
    learning_rate: float = 0.1
    rows: int = 40_000
    rows_of_series: int = 600
    origins: int = 14
    seed: int = 0

    @property
    def name(self) -> str:
        return "xgboost"

    @property
    def says(self) -> Says:
        return Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        """Long enough, and enough of it was seen to learn from."""
        long_enough = panel.steps >= (4 * 24 if panel.day == 24 else 42)
        return long_enough and int((np.nan_to_num(panel.observed) > 0).sum()) >= ENOUGH_EXAMPLES

    def fit(self, panel: Panel, steps: int) -> "FittedBoosting":
        import xgboost

        rows = min(self.rows, max(5_000, self.rows_of_series * len(panel.keys)))
        learned = examples(panel, steps, rows, self.origins)
        if len(learned.targets) < ENOUGH_EXAMPLES // 4:
            return FittedBoosting(None)
        weights = np.minimum(learned.weights, LOUDEST * np.median(learned.weights))
        matrix = xgboost.QuantileDMatrix(
            learned.features, label=learned.targets, weight=weights / weights.mean(), nthread=1, max_bin=64
        )
        settings = {
            "objective": "reg:quantileerror",
            "quantile_alpha": np.array(ALPHAS),
            "tree_method": "hist",
            "max_depth": self.depth,
            "max_bin": 64,
            "learning_rate": self.learning_rate,
            "min_child_weight": 20,
            "nthread": 1,  # two cores gain nothing at this size, and one gives the same sums everywhere
            "seed": self.seed,
        }
        return FittedBoosting(xgboost.train(settings, matrix, num_boost_round=self.rounds))

    def restored(self, kept: bytes) -> "FittedBoosting":
        return FittedBoosting(trees_from_bytes(kept))


@dataclass(frozen=True, slots=True, eq=False)
class FittedBoosting:
    """A trained booster; None where there was nothing to learn from."""

    booster: "xgboost.Booster | None"

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        """Quantiles of every series and step, times the level of the series."""
        return self.in_full(self.outline(panel, ahead), panel, ahead)

    def outline(self, panel: Panel, ahead: Steps) -> Matrix:
        """What the trees say, and the level of the series."""
        seen = Sight(panel).at(panel.steps, ahead)
        return np.column_stack([_raw(self.booster, seen.features).reshape(len(seen.level), -1), seen.level])

    def in_full(self, outline: Matrix, panel: Panel, ahead: Steps) -> Matrix:
        raw = outline[:, :-1].reshape(len(panel.keys), len(ahead), len(ALPHAS))
        said = _levels(raw) * outline[:, -1, None, None]
        said[(panel.observed > 0).sum(axis=1) < ENOUGH_SEEN] = np.nan
        return finite(said, panel)

    def kept(self) -> bytes:
        return trees_to_bytes(self.booster)


def trees_to_bytes(booster: "xgboost.Booster | None") -> bytes:
    """In XGBoost's own form, Universal Binary JSON, after its digest; one byte where there are no trees."""
    if booster is None:
        return NO_TREES
    trees = bytes(booster.save_raw("ubj"))
    return hashlib.sha256(trees).digest() + trees


def trees_from_bytes(kept: bytes) -> "xgboost.Booster | None":
    """What `trees_to_bytes` was given.

    Raises:
        ValueError: they are no such bytes.
    """
    if kept == NO_TREES:
        return None
    import xgboost

    digest, trees = kept[:DIGEST_BYTES], kept[DIGEST_BYTES:]
    if hashlib.sha256(trees).digest() != digest:  # XGBoost reads beyond the end of what is cut off, and may not notice
        raise ValueError("what was kept is not of a fit")
    try:
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(trees))
    except xgboost.core.XGBoostError as error:
        raise ValueError("what was kept is not of a fit") from error
    return booster


def _raw(booster: "xgboost.Booster | None", features: Features) -> Matrix:
    """What the trees say at `ALPHAS`, ordered."""
    series, steps, width = features.shape
    if booster is None:
        return np.full((series, steps, len(ALPHAS)), np.nan)
    said = booster.inplace_predict(features.reshape(-1, width))
    return np.sort(said.astype(np.float64), axis=1).reshape(series, steps, len(ALPHAS))


def _levels(raw: Matrix) -> Matrix:
    """Linear between `ALPHAS`; beyond them as a normal distribution goes on."""
    right = np.clip(np.searchsorted(ALPHAS, LEVEL), 1, len(ALPHAS) - 1)
    left = right - 1
    share = (LEVEL - np.array(ALPHAS)[left]) / (np.array(ALPHAS)[right] - np.array(ALPHAS)[left])
    said = raw[..., left] * (1 - share) + raw[..., right] * share
    middle = raw[..., ALPHAS.index(0.5), None]
    for outside, end, normal in ((LEVEL - ALPHAS[0] < 0, 0, TAILS[0]), (LEVEL - ALPHAS[-1] > 0, -1, TAILS[1])):
        said[..., outside] = middle + (raw[..., end, None] - middle) * NORMAL[outside] / normal
    return np.asarray(said)
