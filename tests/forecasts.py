"""What documents of forecasts that tests write say of each series."""

from contracts.forecast import Evidence, Scores, SeriesForecast
from contracts.series import Granularity, SeriesKey, unit_of


def series_forecast(key: SeriesKey, granularity: Granularity, steps: int) -> SeriesForecast:
    """A series with history enough, by a model that is none."""
    return SeriesForecast(
        kind=key.kind,
        subject=key.subject,
        unit=unit_of(key.kind),
        granularity=granularity,
        model="wave",
        steps=steps,
        history_steps=720,
        evidence=Evidence.ENOUGH,
        scores=Scores(),
    )
