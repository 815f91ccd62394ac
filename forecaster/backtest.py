"""`run_backtest`: the contest that a forecast holds, told in full (pure)."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from contracts.backtest import CHOSEN, BacktestReport, BacktestRow
from contracts.ports import Progress
from contracts.series import Granularity
from forecaster.contest import Contest, chosen_scores, rows_of
from forecaster.make import ForecastSettings, contest_of, panels
from forecaster.models.catalogue import check_names
from forecaster.panel import Panel, length_of
from forecaster.prepare import prepare
from forecaster.view import HistoryView

STEP = "back-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestSettings(ForecastSettings):
    """What to back-test: the forecast that would be made."""


def run_backtest(history: HistoryView, settings: BacktestSettings, progress: Progress) -> BacktestReport:
    """Scores every model on held-back windows, of all series and of each kind.

    Raises:
        NothingToForecast: the history holds nothing of these regions.
        UnknownModel: a model was named that does not exist.
    """
    check_names(settings.models)
    prepared = prepare(history, settings.scope)
    progress.start(STEP)
    held = [
        (panel, contest_of(panel, steps, settings.models, settings.seed, progress))
        for panel, steps in panels(prepared, settings.hourly_hours, settings.daily_days)
    ]
    progress.finish(STEP)
    origins = {_moment(panel, cutoff) for panel, contest in held for cutoff in contest.scored}
    return BacktestReport(
        environment=settings.environment,
        history_digest=history.digest,
        origins=tuple(sorted(origins)),
        steps={panel.granularity: contest.windows.steps for panel, contest in held},
        rows=(*_overall(held), *(row for panel, contest in held for row in _rows(panel, contest))),
    )


def _moment(panel: Panel, step: int) -> datetime:
    return panel.end - (panel.steps - step) * length_of(panel.granularity)


def _rows(panel: Panel, contest: Contest) -> list[BacktestRow]:
    """Every entry, over all series of the panel and over each kind."""
    everything = np.ones(len(panel.keys), dtype=bool)
    rows = []
    for index, entry in enumerate(contest.entries):
        if entry.scores is None:
            continue
        for kind in (None, *contest.winner):
            mask = everything if kind is None else rows_of(panel, kind)
            rows.append(
                BacktestRow(
                    model=entry.model.name,
                    granularity=panel.granularity,
                    kind=kind,
                    series=int(mask.sum()),
                    scores=entry.scores.summary(mask),
                    chosen=kind is not None and contest.winner[kind] == index,
                )
            )
    return rows


def _overall(held: list[tuple[Panel, Contest]]) -> list[BacktestRow]:
    """Continuous series, each kind by its chosen model; requests, mostly zeros, would only dilute it."""
    rows = []
    for granularity in Granularity:
        found = next((pair for pair in held if pair[0].granularity is granularity), None)
        scores = chosen_scores(*found) if found else None
        if found and scores is not None:
            series = len(found[0].keys)
            summary = scores.summary(np.ones(series, dtype=bool))
            rows.append(BacktestRow(model=CHOSEN, granularity=granularity, series=series, scores=summary))
    return rows
