"""`run_backtest`: what held-back windows say of every family and of the blend, told in full (pure)."""

from dataclasses import dataclass

import numpy as np

from contracts.backtest import CHOSEN, BacktestReport, BacktestRow
from contracts.ports import Progress
from contracts.series import Granularity
from forecaster.engine import examine_panel
from forecaster.examination import Examination
from forecaster.groups import rows_of
from forecaster.make import ForecastSettings, engine_settings, panels
from forecaster.models.catalogue import check_names
from forecaster.panel import Panel
from forecaster.prepare import Prepared, prepare
from forecaster.rehearsal import matters, moment_of, rehearse
from forecaster.view import HistoryView

STEP = "back-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettings(ForecastSettings):
    """What to back-test: the forecast that would be made.

    Attributes:
        sums: whether sums of pairs are scored, too, for which the whole forecast is made again at each origin.
    """

    sums: bool = False


def run_backtest(history: HistoryView, settings: BacktestSettings, progress: Progress) -> BacktestReport:
    """Scores every family and the blend on held-back windows, of all series and of each kind.

    Events and customers' profiles of `settings.outside` count as they were known at each origin.

    Raises:
        NothingToForecast: the history holds nothing of these regions.
        UnknownModel: a model was named that does not exist.
    """
    check_names(settings.models)
    prepared = prepare(history, settings.scope)
    progress.start(STEP)
    held = _held(history, prepared, settings, progress)
    progress.finish(STEP)
    origins = {moment_of(panel, cutoff) for panel, examined in held for cutoff in examined.cutoffs}
    return BacktestReport(
        environment=settings.environment,
        history_digest=history.digest,
        origins=tuple(sorted(origins)),
        steps={panel.granularity: examined.reach for panel, examined in reversed(held)},
        rows=(*_overall(held), *(row for panel, examined in held for row in _rows(panel, examined))),
    )


def _held(
    history: HistoryView, prepared: Prepared, settings: BacktestSettings, progress: Progress
) -> list[tuple[Panel, Examination]]:
    """Every panel and its scores; the whole forecast is rehearsed where events, customers or sums can matter."""
    if settings.sums or matters(prepared, settings.outside, settings.hourly_hours):
        return list(rehearse(history, prepared, settings, progress))
    return [
        (panel, examine_panel(panel, steps, engine_settings(panel, settings), progress))
        for panel, steps in panels(prepared, settings.hourly_hours, settings.daily_days)
    ]


def _rows(panel: Panel, examined: Examination) -> list[BacktestRow]:
    """Every entry, over all series of the panel and over each kind."""
    everything = np.ones(len(panel.keys), dtype=bool)
    rows = []
    for entry in examined.entries:
        for kind in (None, *dict.fromkeys(key.kind for key in panel.keys)):
            mask = everything if kind is None else rows_of(panel, kind)
            rows.append(
                BacktestRow(
                    model=entry.name,
                    granularity=panel.granularity,
                    kind=kind,
                    series=int(mask.sum()),
                    scores=entry.scores.summary(mask),
                    chosen=kind is not None and entry.name == examined.maker,
                )
            )
    return rows


def _overall(held: list[tuple[Panel, Examination]]) -> list[BacktestRow]:
    """Continuous series, by what forecasts them; requests, mostly zeros, would only dilute it."""
    rows = []
    for granularity in Granularity:
        found = next((pair for pair in held if pair[0].granularity is granularity), None)
        if found and found[1].entries:
            panel, examined = found
            scores = examined.scores(examined.maker, np.ones(len(panel.keys), dtype=bool))
            rows.append(BacktestRow(model=CHOSEN, granularity=granularity, series=len(panel.keys), scores=scores))
    return rows
