"""What documents of forecasts that tests write say of each series."""

from contracts.forecast import Evidence, Scores, SeriesForecast
from contracts.series import Granularity, SeriesKey, unit_of


def series_forecast(
    key: SeriesKey, granularity: Granularity, steps: int, recent_peaks: tuple[float | None, ...] = (0.0,) * 7
) -> SeriesForecast:
    """A series with history enough, by a model that is none; nothing that was measured keeps plans from scaling in."""
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
        recent_peaks=recent_peaks if granularity is Granularity.HOURLY else (),
    )
