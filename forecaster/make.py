"""`make_forecast`: the room's door. History and settings in, `ForecastBundle` out; same input, same bytes (pure)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from contracts.document import bytes_digest
from contracts.environment import Coefficients
from contracts.forecast import Evidence, Forecast, ForecastBundle, ModelScore, Scores, SeriesForecast, Treatment
from contracts.forecast_values import values_to_bytes
from contracts.ports import Progress
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind, unit_of
from forecaster.contest import Contest, forecast_values, hold_contest, learn_counts, learn_levels
from forecaster.finish import NEEDED_DAYS, NEEDED_HOURS, all_zero, too_short
from forecaster.models.catalogue import check_names, chosen, count_models, level_models
from forecaster.models.model import Model
from forecaster.panel import Matrix, Panel, daily
from forecaster.prepare import Prepared, Scope, prepare, selected_requests
from forecaster.profiles import request_profiles
from forecaster.view import HistoryView
from forecaster.windows import plan_windows

STEP = "forecast"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSettings:
    """What to forecast.

    Attributes:
        environment: its name; names the values file too.
        regions: whose series; empty means all that the history knows.
        hourly_hours: horizon of hourly series, 24 to 336.
        daily_days: horizon of daily series, 1 to 90.
        coefficients: demand per telemetry, for regions without utilisation.
        origin: the first hour that must not be seen; None means right after the last measurement.
        seed: of models that draw (none does now); part of the input all the same.
        models: names of the models that compete; empty means all. Where none of them suits a series, all compete.
    """

    environment: str
    regions: tuple[str, ...] = ()
    hourly_hours: int = 168
    daily_days: int = 28
    coefficients: Coefficients = field(default_factory=Coefficients)
    origin: datetime | None = None
    seed: int = 0
    models: tuple[str, ...] = ()

    @property
    def scope(self) -> Scope:
        return Scope(regions=self.regions, coefficients=self.coefficients, origin=self.origin)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """The forecast of one panel: values of shape (series, steps, levels), and how they were come by."""

    panel: Panel
    contest: Contest
    values: Matrix


def make_forecast(
    history: HistoryView,
    settings: ForecastSettings,
    *,
    made_at: datetime,
    seconds: Callable[[], float],
    progress: Progress,
) -> ForecastBundle:
    """Forecasts every series of the regions, hourly and daily.

    Args:
        history: what is remembered.
        settings: what to forecast.
        made_at: now, for the document.
        seconds: a clock that only goes forward, to say how long it took.
        progress: hears of each model's back-test.

    Raises:
        NothingToForecast: the history holds nothing of these regions.
        UnknownModel: a model was named that does not exist.
    """
    begun = seconds()
    check_names(settings.models)
    prepared = prepare(history, settings.scope)
    progress.start(STEP, 4)
    parts = []
    for panel, steps in panels(prepared, settings.hourly_hours, settings.daily_days):
        parts.append(_part(panel, steps, settings, progress))
        progress.advance(STEP, len(parts), f"{len(panel.keys)} {panel.granularity.value} series")
    values = {
        (key, part.panel.granularity): part.values[row] for part in parts for row, key in enumerate(part.panel.keys)
    }
    document = Forecast(
        environment=settings.environment,
        origin=prepared.origin,
        made_at=made_at,
        seconds=max(0.0, seconds() - begun),
        series=tuple(sorted((one for part in parts for one in _series(part)), key=_order)),
        request_profiles=request_profiles(selected_requests(history, settings.scope)),
        models=tuple(score for part in parts for score in _model_scores(part)),
        treatments=(*prepared.treatments, *(found for part in parts for found in _fallbacks(part))),
        history_digest=history.digest,
        values_file=f"{settings.environment}.parquet",
        values_digest=bytes_digest(values_to_bytes(values, len(LEVELS))),
    )
    progress.finish(STEP, f"{len(document.series)} series")
    return ForecastBundle(document, values)


def panels(prepared: Prepared, hourly_hours: int, daily_days: int) -> tuple[tuple[Panel, int], ...]:
    """The panels that have series and steps, each with its horizon: levels and counts, hourly and daily."""
    hourly = [panel for panel in (prepared.levels, prepared.counts) if panel.keys]
    days = [daily(panel) for panel in hourly]
    return (
        *((panel, hourly_hours) for panel in hourly),
        *((panel, daily_days) for panel in days if panel.steps),
    )


def contest_of(panel: Panel, steps: int, names: tuple[str, ...], seed: int, progress: Progress) -> Contest:
    """The contest that suits the panel's family."""
    counts = all(key.kind is SeriesKind.PEERING_REQUESTS for key in panel.keys)
    models: tuple[Model, ...] = count_models() if counts else level_models(panel.granularity, seed)
    learn = learn_counts(panel) if counts else learn_levels(panel)
    return hold_contest(panel, chosen(models, names) or models, plan_windows(panel, steps), learn, progress)


def _part(panel: Panel, steps: int, settings: ForecastSettings, progress: Progress) -> Part:
    contest = contest_of(panel, steps, settings.models, settings.seed, progress)
    return Part(panel=panel, contest=contest, values=forecast_values(panel, contest, steps))


def _series(part: Part) -> list[SeriesForecast]:
    panel, known = part.panel, part.panel.known()
    beyond = 2 * part.contest.windows.steps < part.values.shape[1]  # scores reach less than half of the horizon
    weak = too_short(panel) | all_zero(panel) | beyond
    described = []
    for row, key in enumerate(panel.keys):
        entry = part.contest.entries[part.contest.winner[key.kind]]
        thin = weak[row] or not entry.calibrated.enough()[row]
        mask = np.arange(len(panel.keys)) == row
        described.append(
            SeriesForecast(
                kind=key.kind,
                subject=key.subject,
                unit=unit_of(key.kind),
                granularity=panel.granularity,
                model=_carried_by(panel, row) or entry.model.name,
                steps=part.values.shape[1],
                history_steps=int(known[row]),
                evidence=Evidence.THIN if thin else Evidence.ENOUGH,
                scores=entry.scores.summary(mask) if entry.scores else Scores(),
            )
        )
    return described


def _carried_by(panel: Panel, row: int) -> str:
    """The fallback that carries a series instead of a model, or nothing."""
    if all_zero(panel)[row]:
        return "zero"
    requests = panel.keys[row].kind is SeriesKind.PEERING_REQUESTS
    return "wide_naive" if too_short(panel)[row] and not requests else ""


def _fallbacks(part: Part) -> list[Treatment]:
    panel, known = part.panel, part.panel.known()
    needed = f"{NEEDED_HOURS} hours" if panel.day == 24 else f"{NEEDED_DAYS} days"
    what = {
        "zero": "nothing but zeros was ever seen: forecast as 0",
        "wide_naive": f"less than {needed} seen: carried by its mean, from 0 to 4 times as much",
    }
    carried = [(row, _carried_by(panel, row)) for row in range(len(panel.keys))]
    return [
        Treatment(series=f"{panel.keys[row]} ({panel.granularity.value})", what=what[by], hours=int(known[row]))
        for row, by in carried
        if by
    ]


def _model_scores(part: Part) -> list[ModelScore]:
    everything = np.ones(len(part.panel.keys), dtype=bool)
    return [
        ModelScore(model=entry.model.name, granularity=part.panel.granularity, scores=entry.scores.summary(everything))
        for entry in part.contest.entries
        if entry.scores
    ]


def _order(series: SeriesForecast) -> tuple[SeriesKey, Granularity]:
    return series.key, series.granularity
