"""Classical families, a series at a time, through packages that are extras: slow, asked for by name (pure).

Exponential smoothing: ETS with a damped additive trend and additive season (Hyndman et al. 2008). ARIMA: orders (2,0,1)
on what is left of a Fourier regression on hour of the day and day of the week (dynamic harmonic regression, Hyndman
and Athanasopoulos 2021, 10.5; Hannan and Rissanen 1982). Prophet: `prophet_curve.py`. All are fitted to the square root
of the values, so that what is said stays positive and strays with the level; a series that cannot be fitted is said by
its own mean.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contracts.series import Granularity
from forecaster.models.extra import need
from forecaster.models.model import NORMAL, Says, finite
from forecaster.models.prophet_curve import prophet_curve
from forecaster.panel import Matrix, Panel, Steps

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST = {"prophet": 56 * 24}  # steps that a series is fitted on, and of the others:
USUAL = 21 * 24
NEEDS = {"arima": ("statsmodels", "models"), "ets": ("statsmodels", "models"), "prophet": ("prophet", "prophet")}
LEAST_KNOWN = 72
PERIODS = {Granularity.HOURLY: (24, 168), Granularity.DAILY: (7,)}


@dataclass(frozen=True, slots=True)
class PerSeries:
    """One classical family: `arima`, `ets` or `prophet`."""

    name: str

    @property
    def says(self) -> Says:
        return Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        return panel.steps >= 3 * PERIODS[panel.granularity][0]

    def fit(self, panel: Panel, steps: int) -> "PerSeries":
        """Fitted anew at every origin: a few numbers for each series.

        Raises:
            FamilyNotInstalled: without its package.
        """
        need(self.name, *NEEDS[self.name])
        return self

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        said = np.full((len(panel.keys), len(ahead), len(NORMAL)), np.nan)
        for row in range(len(panel.keys)):
            values = np.sqrt(panel.filled[row, -LONGEST.get(self.name, USUAL) :])
            values = values[np.isfinite(values)]
            if len(values) < LEAST_KNOWN or np.ptp(values) == 0:
                continue
            made = self._one(values, panel, int(ahead[-1]))
            if made is not None:
                centre, deviation = (part[ahead - 1] for part in made)
                said[row] = np.maximum(centre[:, None] + NORMAL * deviation[:, None], 0.0) ** 2
        highest = 2.0 * np.nan_to_num(panel.observed).max(axis=1, initial=0.0)
        return finite(np.minimum(said, highest[:, None, None]), panel)

    def _one(
        self, values: Matrix, panel: Panel, steps: int
    ) -> "tuple[NDArray[np.float64], NDArray[np.float64]] | None":
        """Centre and deviation of the steps ahead of one series; None where it cannot be fitted."""
        from numpy.linalg import LinAlgError

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of convergence: what comes of it is scored like anything else
                return CURVES[self.name](values, panel, steps)
        except (LinAlgError, ValueError, FloatingPointError):
            return None


def _ets(values: Matrix, panel: Panel, steps: int) -> tuple[Matrix, Matrix]:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    season = PERIODS[panel.granularity][0]
    fitted = ExponentialSmoothing(
        values,
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=season,
        initialization_method="estimated",
    ).fit(optimized=True)
    errors = np.asarray(fitted.resid, dtype=np.float64)
    alpha = float(fitted.params["smoothing_level"])
    growth = np.sqrt(1.0 + alpha**2 * np.arange(steps))  # of a local level, Hyndman et al. 2008, 6.1
    return np.asarray(fitted.forecast(steps)), errors.std() * growth


def _arima(values: Matrix, panel: Panel, steps: int) -> tuple[Matrix, Matrix]:
    from statsmodels.tsa.arima.model import ARIMA

    moments = np.arange(len(values) + steps)
    waves = [
        wave(2 * np.pi * order * moments / period)
        for period, orders in zip(PERIODS[panel.granularity], (4, 3), strict=False)
        for order in range(1, min(orders, (period - 1) // 2) + 1)
        for wave in (np.sin, np.cos)
    ]
    design = np.column_stack([np.ones(len(moments)), *waves])
    seasonal = design @ np.linalg.lstsq(design[: len(values)], values, rcond=None)[0]
    fitted = ARIMA(values - seasonal[: len(values)], order=(2, 0, 1), trend="n").fit(method="hannan_rissanen")
    made = fitted.get_forecast(steps)
    return seasonal[len(values) :] + np.asarray(made.predicted_mean), np.asarray(made.se_mean)


CURVES: dict[str, Callable[[Matrix, Panel, int], tuple[Matrix, Matrix]]] = {
    "arima": _arima,
    "ets": _ets,
    "prophet": prophet_curve,
}
