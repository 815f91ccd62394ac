"""The choice between models (pure): a rolling-origin back-test that every model goes through alike.

A model is fitted on what was seen before the oldest held-back origin, and predicts from every origin with what had been
seen by then. The newer windows are scored with a calibration that knows only actuals from before each one's origin, as
the real forecast will be; the winner of each kind is then calibrated on all windows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.ports import Progress
from contracts.series import LEVELS, SeriesKind
from forecaster.calibration import Calibrated, Calibration, calibrate
from forecaster.counts import CountCalibration, calibrate_counts
from forecaster.finish import finished
from forecaster.models.model import Model
from forecaster.panel import Matrix, Panel, Steps
from forecaster.scores import WindowScores, scales, score
from forecaster.windows import HeldBack, Windows, empty_held_back, hold_back

Learn = Callable[[HeldBack, Steps], Calibrated]

SCORED_WINDOWS = 5
SIMPLER_WITHIN = 0.01  # a costlier model must be better by more than this share of scaled CRPS
THIRDS_FROM = 15  # series of a kind from which on volumes are told apart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One model in the contest; `scores` is None where nothing could be held back."""

    model: Model
    calibrated: Calibrated
    scores: WindowScores | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contest:
    """What came of it.

    Attributes:
        entries: in the catalogue's order, at least one.
        windows: that were held back.
        scored: origins (steps) of the windows that scores are of.
        winner: index of the best entry for each kind.
    """

    entries: tuple[Entry, ...]
    windows: Windows
    scored: tuple[int, ...]
    winner: Mapping[SeriesKind, int]


def learn_levels(panel: Panel) -> Learn:
    """Calibration of continuous series."""

    def learn(held: HeldBack, groups: Steps) -> Calibration:
        return calibrate(held, groups, panel.day)

    return learn


def learn_counts(_: Panel) -> Learn:
    """Calibration of requests."""

    def learn(held: HeldBack, groups: Steps) -> CountCalibration:
        return calibrate_counts(held, groups)

    return learn


def hold_contest(panel: Panel, models: tuple[Model, ...], windows: Windows, learn: Learn, hear: Progress) -> Contest:
    """Back-tests every model that the panel is long enough for; without windows the first model wins unscored."""
    groups = volume_groups(panel.until(windows.cutoffs[0]) if windows.cutoffs else panel)
    if not windows.cutoffs:
        only = next((model for model in models if model.suits(panel)), models[0])
        entry = Entry(model=only, calibrated=learn(empty_held_back(panel), groups), scores=None)
        return Contest(entries=(entry,), windows=windows, scored=(), winner={key.kind: 0 for key in panel.keys})
    past = panel.until(windows.cutoffs[0])
    able = tuple(model for model in models if model.suits(past)) or models[:1]
    scored = _scored_windows(windows)
    entries = []
    for model in able:
        held = hold_back(model.fit(past, windows.steps), panel, windows)
        scores = _score(panel, held, groups, scored, learn)
        entries.append(Entry(model=model, calibrated=learn(held, groups), scores=scores))
        hear.advance("back-test", len(entries), f"{model.name}, {panel.granularity.value}")
    return Contest(
        entries=tuple(entries),
        windows=windows,
        scored=tuple(windows.cutoffs[index] for index in scored),
        winner=_winners(panel, entries),
    )


def volume_groups(panel: Panel) -> Steps:
    """A number for each series: its kind, and the third of its kind by mean volume where there are enough."""
    known = np.isfinite(panel.filled)
    mean = np.where(known, panel.filled, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    groups = np.zeros(len(panel.keys), dtype=np.int64)
    kinds = np.array([key.kind.value for key in panel.keys])
    first = 0
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        thirds = 3 if len(rows) >= THIRDS_FROM else 1
        rank = np.argsort(np.argsort(mean[rows], kind="stable"), kind="stable")
        groups[rows] = first + rank * thirds // len(rows)
        first += thirds
    return groups


def _scored_windows(windows: Windows) -> tuple[int, ...]:
    """Indices of the windows that are scored: spread over the newer half, the newest among them."""
    count = len(windows.cutoffs)
    newer = range(count - 1, count // 2 - 1, -1)
    stride = -(-len(newer) // SCORED_WINDOWS)
    return tuple(sorted(newer[::stride]))


def _score(panel: Panel, held: HeldBack, groups: Steps, scored: tuple[int, ...], learn: Learn) -> WindowScores:
    quantiles = []
    for index in scored:
        cutoff = held.windows.cutoffs[index]
        calibrated = learn(held.known_before(cutoff), groups)
        quantiles.append(finished(calibrated.quantiles(held.at(index)), panel.until(cutoff), calibrated.enough()))
    windows = Windows(cutoffs=tuple(held.windows.cutoffs[index] for index in scored), steps=held.windows.steps)
    return score(np.stack(quantiles), held.actual[list(scored)], scales(panel, windows))


def _winners(panel: Panel, entries: list[Entry]) -> dict[SeriesKind, int]:
    """For each kind the simplest entry whose scaled CRPS is within reach of the best one's."""
    winners = {}
    for kind in dict.fromkeys(key.kind for key in panel.keys):
        rows = rows_of(panel, kind)
        found = [entry.scores.summary(rows).scaled_crps if entry.scores else None for entry in entries]
        crps = [np.inf if value is None else value for value in found]
        limit = min(crps) * (1 + SIMPLER_WITHIN)
        winners[kind] = next(index for index, value in enumerate(crps) if value <= limit)
    return winners


def rows_of(panel: Panel, kind: SeriesKind) -> NDArray[np.bool_]:
    """Which series are of a kind."""
    return np.array([key.kind is kind for key in panel.keys], dtype=bool)


def forecast_values(panel: Panel, contest: Contest, steps: int) -> Matrix:
    """Quantiles of every series by its kind's winner, fitted again on all that was seen: (series, steps, levels)."""
    values = np.zeros((len(panel.keys), steps, len(LEVELS)))
    for index in sorted(set(contest.winner.values())):
        entry = contest.entries[index]
        said = entry.model.fit(panel, steps).predict(panel, steps)
        quantiles = finished(entry.calibrated.quantiles(said), panel, entry.calibrated.enough())
        rows = np.array([contest.winner[key.kind] == index for key in panel.keys], dtype=bool)
        values[rows] = quantiles[rows]
    return values


def chosen_scores(panel: Panel, contest: Contest) -> WindowScores | None:
    """The scores of every series by its kind's winner; None where nothing was held back."""
    picked = np.array([contest.winner[key.kind] for key in panel.keys])
    scores = [entry.scores for entry in contest.entries if entry.scores is not None]
    if not scores:
        return None
    columns = np.arange(len(panel.keys))
    stacked = {name: np.stack([getattr(one, name) for one in scores]) for name in WindowScores.__slots__}
    return WindowScores(**{name: block[picked, :, columns].T for name, block in stacked.items()})
