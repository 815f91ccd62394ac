"""`make_forecast`: the room's door. History and settings in, `ForecastBundle` out; same input, same bytes (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from contracts.document import bytes_digest
from contracts.environment import BlockUse, Coefficients
from contracts.forecast import (
    BlockOutlook,
    Forecast,
    ForecastBundle,
    ResourceDemand,
    SeriesForecast,
)
from contracts.forecast_paths import Paths, kept, paths_to_bytes
from contracts.forecast_state import StateBundle
from contracts.forecast_values import values_to_bytes
from contracts.ports import Progress
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from forecaster.blocks import block_outlooks
from forecaster.customers import promised_levels
from forecaster.demand import DemandSettings, resource_demand
from forecaster.derive import DERIVED
from forecaster.engine import EngineSettings, Tier, forecast_panel
from forecaster.finish import NEEDED_DAYS, NEEDED_HOURS
from forecaster.models.catalogue import check_names
from forecaster.outside import Outside, Surroundings
from forecaster.panel import Panel, daily
from forecaster.parts import Part, blends_of, scores_of, series_of, treatments_of, why_refitted
from forecaster.paths_alone import left_out
from forecaster.prepare import Prepared, Scope, prepare, selected_requests
from forecaster.profiles import request_profiles
from forecaster.state import Left, PanelState
from forecaster.state_document import state_bundle, usable_states
from forecaster.state_windows import NOTHING_KEPT, Kept, KeptWindows
from forecaster.view import HistoryView

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
        now: hours that begin after it are set aside; None means that none is.
        seed: of models that draw (none does now); part of the input all the same.
        models: names of the models that compete; empty means all. Where none of them suits a series, all compete.
        tier: how much work it is worth.
        outside: events and customer profiles.
        hold_hours: recommendations are for the busiest of so many hours.
        recommend_level: the quantile that they rest on.
        block_use: when an address block counts as under- or over-used.
        state: that an earlier forecast left; without one every model is fitted anew.
        code: a digest of the code that forecasts; a state of other code is not used.
        kept: what earlier forecasts said in held-back windows; it changes nothing but the time that this one takes.
    """

    environment: str
    regions: tuple[str, ...] = ()
    hourly_hours: int = 168
    daily_days: int = 28
    coefficients: Coefficients = field(default_factory=Coefficients)
    origin: datetime | None = None
    seed: int = 0
    models: tuple[str, ...] = ()
    tier: Tier = Tier.FULL
    outside: Outside = field(default_factory=Outside)
    hold_hours: int = 24
    recommend_level: float = 0.9
    block_use: BlockUse = field(default_factory=BlockUse)
    state: StateBundle | None = None
    code: str = ""
    kept: KeptWindows = NOTHING_KEPT
    now: datetime | None = None

    @property
    def scope(self) -> Scope:
        return Scope(regions=self.regions, coefficients=self.coefficients, origin=self.origin, now=self.now)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """A forecast, and the state that the next one may go on from.

    Attributes:
        refitted: why models were fitted anew, for each panel where they were; empty where none was.
        went_on: whether the models of any panel are those of the state that was given.
        windows: what was said in held-back windows, for the next forecast.
    """

    bundle: ForecastBundle
    state: StateBundle
    refitted: tuple[str, ...]
    went_on: bool
    windows: Mapping[str, Kept]


def make_forecast(
    history: HistoryView,
    settings: ForecastSettings,
    *,
    made_at: datetime,
    seconds: Callable[[], float],
    progress: Progress,
) -> ForecastBundle:
    """Forecasts every series of the regions; what `go_on_forecasting` makes, without its state."""
    return go_on_forecasting(history, settings, made_at=made_at, seconds=seconds, progress=progress).bundle


def go_on_forecasting(
    history: HistoryView,
    settings: ForecastSettings,
    *,
    made_at: datetime,
    seconds: Callable[[], float],
    progress: Progress,
) -> Made:
    """Forecasts every series of the regions, hourly and daily, by the models of the state where they still serve.

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
    around = Surroundings(prepared, settings.outside, settings.seed)
    parts = _parts(around, settings, progress)
    values = _values(parts)
    paths = _paths(around, parts)
    went_on = any(not part.forecast.refitted for part in parts)
    document = Forecast(
        environment=settings.environment,
        origin=prepared.origin,
        made_at=made_at,
        seconds=max(0.0, seconds() - begun),
        series=tuple(sorted((one for part in parts for one in series_of(part)), key=_order)),
        request_profiles=request_profiles(selected_requests(history, settings.scope), prepared.origin),
        models=tuple(score for part in parts for score in scores_of(part)),
        blends=tuple(blend for part in parts for blend in blends_of(part)),
        treatments=(
            *prepared.treatments,
            *(found for part in parts for found in treatments_of(part)),
            *(left_out([key for key, each in values if each is Granularity.HOURLY], paths) if paths else ()),
        ),
        demand=_demand(parts, prepared, settings),
        blocks=_blocks(parts, settings),
        events=around.expected(settings.hourly_hours),
        history_digest=history.digest,
        state_digest=settings.state.document.digest() if settings.state is not None and went_on else "",
        values_file=f"{settings.environment}.parquet",
        values_digest=bytes_digest(values_to_bytes(values, len(LEVELS))),
        paths=next((len(path) for path in paths.values()), 0),
        paths_file=f"{settings.environment}.paths.parquet" if paths else "",
        paths_digest=bytes_digest(paths_to_bytes(paths)) if paths else "",
    )
    progress.finish(STEP, f"{len(document.series)} series")
    return _made(ForecastBundle(document, values, paths=paths), parts, settings)


def _values(parts: list[Part]) -> dict[tuple[SeriesKey, Granularity], NDArray[np.float64]]:
    """Quantiles (steps, levels) of every series, by hour and by day."""
    return {
        (key, part.panel.granularity): part.joined.quantiles[row]
        for part in parts
        for row, key in enumerate(part.joined.panel.keys)
    }


def _made(bundle: ForecastBundle, parts: list[Part], settings: ForecastSettings) -> Made:
    """A forecast with what it leaves for the next one."""
    refitted = tuple(why_refitted(part) for part in parts if part.forecast.refitted)
    return Made(
        bundle=bundle,
        state=state_bundle(settings.environment, settings.code, tuple(part.forecast.state for part in parts)),
        refitted=refitted,
        went_on=len(refitted) < len(parts),
        windows={key: said for part in parts for key, said in part.forecast.windows.items()},
    )


def _parts(around: Surroundings, settings: ForecastSettings, progress: Progress) -> list[Part]:
    """Every panel, forecast without what history does not know, and then with it."""
    parts: list[Part] = []
    states = usable_states(settings.state, settings.code)
    for panel, steps in panels(around.neutral(), settings.hourly_hours, settings.daily_days):
        engine = engine_settings(panel, settings)
        state = states.get((panel.granularity, engine.counts))
        hourly = next((part.panel for part in parts if part.panel.keys == panel.keys), panel)
        left = Left(state=state, windows=settings.kept, days=_days_then(hourly, panel, state))
        made = forecast_panel(panel, steps, engine, progress, left)
        needed = NEEDED_HOURS if panel.day == 24 else NEEDED_DAYS
        parts.append(Part(panel=panel, forecast=made, joined=around.join(panel, made.quantiles, needed)))
        progress.advance(STEP, len(parts), f"{len(panel.keys)} {panel.granularity.value} series")
    return _agreeing(around, parts)


def _agreeing(around: Surroundings, parts: list[Part]) -> list[Part]:
    """The parts, hours and days of levels agreeing with each other."""
    at = [number for number, part in enumerate(parts) if part.joined.steady is not None]
    found = dict(zip(at, around.agreed(*(parts[number].joined for number in at), lone=True) if at else (), strict=True))
    return [replace(part, joined=found.get(number, part.joined)) for number, part in enumerate(parts)]


def _days_then(hourly: Panel, panel: Panel, state: PanelState | None) -> Panel | None:
    """Days that end at the hour at which a state's days ended; none where these do, or are hours."""
    if state is None or panel.granularity is not Granularity.DAILY or panel.end < state.until:
        return None
    since = int((panel.end - state.until) // timedelta(hours=1)) % 24
    return daily(hourly.until(hourly.steps - since)) if 0 < since <= hourly.steps - 24 else None


def panels(prepared: Prepared, hourly_hours: int, daily_days: int) -> tuple[tuple[Panel, int], ...]:
    """The panels that have series and steps, each with its horizon: levels and counts, hourly and daily."""
    hourly = [panel for panel in (prepared.levels, prepared.counts) if panel.keys]
    days = [daily(panel) for panel in hourly]
    return (
        *((panel, hourly_hours) for panel in hourly),
        *((panel, daily_days) for panel in days if panel.steps),
    )


def engine_settings(panel: Panel, settings: ForecastSettings) -> EngineSettings:
    """How the engine treats a panel of this forecast."""
    counts = all(key.kind is SeriesKind.PEERING_REQUESTS for key in panel.keys)
    return EngineSettings(models=settings.models, tier=settings.tier, seed=settings.seed, counts=counts)


def _paths(around: Surroundings, parts: list[Part]) -> Paths:
    """Samples of whole paths of hourly series: of what is planned for, of telemetry and blocks, of requests."""
    hourly = [part for part in parts if part.panel.granularity is Granularity.HOURLY]
    planned = next((part.joined.agreed for part in hourly if part.joined.agreed is not None), None)
    lone = planned.lone.paths if planned is not None and planned.lone is not None else {}
    asked = {
        key: path
        for part in hourly
        if part.forecast.rates is not None
        for key, path in around.requested(part.panel, part.forecast.rates, planned).items()
    }
    sample = planned.sample() if planned is not None else {}
    return {**sample, **{key: kept(path) for key, path in (lone | asked).items()}}


def _demand(parts: list[Part], prepared: Prepared, settings: ForecastSettings) -> tuple[ResourceDemand, ...]:
    """Of the hourly levels, in resource units."""
    derived = {
        SeriesKey(SeriesKind(kind), subject): told.what.removeprefix(DERIVED)
        for told in prepared.treatments
        if told.what.startswith(DERIVED)
        for kind, _, subject in (told.series.partition(":"),)
    }
    known_by = settings.outside.known_by or prepared.origin
    telling = DemandSettings(
        hours=settings.hold_hours,
        level=settings.recommend_level,
        levels=promised_levels(settings.outside.customers.known_by(known_by), settings.recommend_level),
        coefficients=settings.coefficients,
        derived=derived,
    )
    hourly = (part.joined for part in parts if part.panel.granularity is Granularity.HOURLY)
    drawn = ((each.agreed, each.panel.end) for each in hourly if each.agreed is not None)
    return tuple(one for agreed, begins in drawn for one in resource_demand(agreed, begins, telling))


def _blocks(parts: list[Part], settings: ForecastSettings) -> tuple[BlockOutlook, ...]:
    hourly = (part.joined for part in parts if part.panel.granularity is Granularity.HOURLY)
    rules, seed = settings.block_use, settings.seed
    return tuple(one for each in hourly for one in block_outlooks(each.panel, each.quantiles, rules, seed))


def _order(series: SeriesForecast) -> tuple[SeriesKey, Granularity]:
    return series.key, series.granularity
