"""Prophet's curve of one series: piecewise linear trend plus seasons (extra `prophet`), asked for by name (pure).

Taylor and Letham 2018, "Forecasting at Scale", with the package's own settings, fitted by maximum a posteriori. Its
intervals are drawn with numpy's process-wide random numbers; here the same variance is written in closed form, so that
the same history gives the same bytes: that of an observation, and of a trend that goes on changing as often and as much
as it did (their section 3.1.4). Changes come `rate` to the span that was fitted, each a Laplace draw of scale b on the
slope, whose variance is 2 b^2: h spans ahead the trend strays by 2 b^2 rate h^3 / 3.
"""

import logging
import warnings
from datetime import timedelta

import numpy as np
import pandas as pd

from forecaster.models.model import TINY
from forecaster.panel import Matrix, Panel, length_of

DAY = timedelta(days=1)
SEED = 1  # of the optimiser, which draws nothing: it begins where Prophet says


def prophet_curve(values: Matrix, panel: Panel, steps: int) -> tuple[Matrix, Matrix]:
    """Centre and deviation of the steps after the panel's end, from the last values of one series.

    Raises:
        ValueError: it cannot be fitted.
    """
    logging.getLogger("prophet.plot").disabled = True  # says that a package for plots, which are not wanted, is missing
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True  # says when each fit begins and ends
    unit = length_of(panel.granularity)
    times = pd.date_range(panel.end.replace(tzinfo=None) - len(values) * unit, periods=len(values) + steps, freq=unit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, about what Prophet does to its own frames
        known = len(values) * unit  # of a season two rounds, as the package itself asks for
        model = Prophet(
            uncertainty_samples=0,
            daily_seasonality=panel.day > 1 and known >= 2 * DAY,
            weekly_seasonality=known >= 14 * DAY,
            yearly_seasonality=known >= 730 * DAY,
        )
        try:
            model.fit(pd.DataFrame({"ds": times[: len(values)], "y": values}), seed=SEED)
        except RuntimeError as error:
            raise ValueError("Prophet's optimiser gave up") from error
        centre = model.predict(pd.DataFrame({"ds": times[len(values) :]}))["yhat"].to_numpy(dtype=np.float64)
    change = np.abs(model.params["delta"]).mean() + TINY
    spans = np.arange(1, steps + 1) / (len(values) - 1)
    trend = 2 * change**2 * model.params["delta"].size * spans**3 / 3
    noise = float(np.squeeze(model.params["sigma_obs"])) ** 2
    return centre, np.asarray(np.asarray(model.y_scale, dtype=np.float64) * np.sqrt(noise + trend))
