"""Pooled gradient boosting: one XGBoost model of several quantiles for all series, direct over the horizon.

Every value is divided by its series' recent level, so that series of any volume share one model; features are lags at
whole days and weeks that are known at the origin, recent levels, and the calendar. Quantile loss after Koenker and
Bassett 1978, as `reg:quantileerror` (xgboost.readthedocs.io, "Quantile Regression").
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecaster.models.features import describe, examples
from forecaster.models.model import Prediction, finite
from forecaster.panel import Panel

if TYPE_CHECKING:
    import xgboost

ALPHAS = (0.1, 0.5, 0.9)
ENOUGH_EXAMPLES = 40  # two leaves of `min_child_weight`: with fewer, no tree could have a split
CHUNK = 200_000  # rows described at a time: bounds memory at some hundred bytes a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosting:
    """Settings, chosen on hourly traffic for error against time on one core.

    Attributes:
        rounds: trees of each quantile.
        depth: of a tree.
        learning_rate: small enough that 60 rounds do not overfit, large enough that they suffice.
        rows: examples are thinned evenly to at most so many: time grows with them, accuracy hardly does.
        seed: of XGBoost, which draws nothing with these settings; kept in the forecast's inputs.
    """

    rounds: int = 60
    depth: int = 5
    learning_rate: float = 0.12
    rows: int = 40_000
    seed: int = 0

    @property
    def name(self) -> str:
        return "xgboost"

    def suits(self, panel: Panel) -> bool:
        """Long enough, and enough of it was seen and was not zero to learn from."""
        long_enough = panel.steps >= (14 * 24 if panel.day == 24 else 42)
        return long_enough and len(examples(panel, panel.day, self.rows).targets) >= ENOUGH_EXAMPLES

    def fit(self, panel: Panel, steps: int) -> "FittedBoosting":
        import xgboost

        learned = examples(panel, steps, self.rows)
        matrix = xgboost.QuantileDMatrix(learned.features, label=learned.targets, nthread=1, max_bin=128)
        settings = {
            "objective": "reg:quantileerror",
            "quantile_alpha": np.array(ALPHAS),
            "tree_method": "hist",
            "max_depth": self.depth,
            "max_bin": 128,
            "learning_rate": self.learning_rate,
            "min_child_weight": 20,
            "nthread": 1,  # two cores gain nothing at this size, and one gives the same sums everywhere
            "seed": self.seed,
        }
        return FittedBoosting(xgboost.train(settings, matrix, num_boost_round=self.rounds))


@dataclass(frozen=True, slots=True, eq=False)
class FittedBoosting:
    """A trained booster."""

    booster: "xgboost.Booster"

    def predict(self, panel: Panel, steps: int) -> Prediction:
        """Quantiles of every series and step, times the level of the series."""
        count = len(panel.keys) * steps
        quantiles = np.empty((count, len(ALPHAS)))
        for first in range(0, count, CHUNK):
            flat = np.arange(first, min(first + CHUNK, count))
            described = describe(panel, flat // steps, np.full(len(flat), panel.steps), flat % steps + 1)
            raw = self.booster.inplace_predict(described.features)
            quantiles[flat] = np.sort(raw, axis=1) * described.scale[:, None]
        low, middle, high = np.moveaxis(quantiles.reshape(len(panel.keys), steps, len(ALPHAS)), 2, 0)
        return finite(Prediction(middle, middle - low, high - middle), panel)
