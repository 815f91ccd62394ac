"""The whole forecast made again at earlier moments, events and customers included, beside what then came (pure).

At each origin the history is cut, and of events and profiles only what was known by then is there: what events did is
learned from before it, put into what every family says, and customers and new series join as in any forecast. Nothing
is shared between origins, so that nothing learned later can reach an earlier one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from contracts.ports import Progress
from contracts.series import SeriesKey
from forecaster.engine import answers, scored_cutoffs
from forecaster.events.footprint import footprints
from forecaster.examination import BLEND, Examination, Examined
from forecaster.finish import NEEDED_DAYS, NEEDED_HOURS
from forecaster.make import ForecastSettings, engine_settings, panels
from forecaster.outside import Outside, Surroundings
from forecaster.panel import Matrix, Panel, length_of
from forecaster.prepare import Prepared, prepare
from forecaster.scores import scales, score
from forecaster.sums import members_of, observed_sums
from forecaster.view import HistoryView


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rehearsal:
    """What was said of one panel at one origin.

    Attributes:
        cutoff: the origin, in steps of the panel.
        rows: of each series that was forecast, its row in the panel as it is now.
        said: of each family and of what is made of them, (those series, steps, levels).
    """

    cutoff: int
    rows: tuple[int, ...]
    said: dict[str, Matrix]


def matters(prepared: Prepared, outside: Outside, steps: int) -> bool:
    """Whether events or customers can have moved anything in a history or the `steps` hours after it."""
    panel = (prepared.levels, prepared.counts)
    return bool(outside.customers.customers) or any(footprints(outside.calendar.events, one, steps) for one in panel)


def rehearse(
    history: HistoryView, prepared: Prepared, settings: ForecastSettings, progress: Progress
) -> Iterator[tuple[Panel, Examination]]:
    """Each panel of a history with the scores of what would have been forecast at its scored origins.

    Args:
        history: what is remembered.
        prepared: of it.
        settings: of the forecast; with `outside` in every version.
        progress: hears of each family's back-test.
    """
    for panel, steps in panels(prepared, settings.hourly_hours, settings.daily_days):
        cutoffs = scored_cutoffs(panel, steps, engine_settings(panel, settings))
        members = members_of(panel.keys)
        panel = panel.with_sums(tuple(members), observed_sums(panel, members)) if members else panel
        made = [_rehearsal(history, panel, cutoff, settings, progress) for cutoff in cutoffs]
        yield panel, _examined(panel, steps, made)


def moment_of(panel: Panel, step: int) -> datetime:
    """When a step of a panel begins."""
    return panel.end - (panel.steps - step) * length_of(panel.granularity)


def _rehearsal(
    history: HistoryView, panel: Panel, cutoff: int, settings: ForecastSettings, progress: Progress
) -> Rehearsal:
    origin = moment_of(panel, cutoff)
    known_by = min(origin, settings.outside.known_by or origin)
    outside = replace(settings.outside, known_by=known_by)
    around = Surroundings(prepare(history, replace(settings.scope, origin=origin)), outside, settings.seed)
    counts = engine_settings(panel, settings).counts
    for then, steps in panels(around.neutral(), settings.hourly_hours, settings.daily_days):
        chosen = engine_settings(then, settings)
        if then.granularity is panel.granularity and chosen.counts == counts:
            needed = NEEDED_HOURS if then.day == 24 else NEEDED_DAYS
            said = answers(then, steps, chosen, progress)
            joined = {name: around.agreed(around.join(then, each, needed))[0] for name, each in said.items()}
            keys = next(iter(joined.values())).panel.keys
            at = _rows(panel, keys)
            inside = [row for row, known in enumerate(at) if known >= 0]
            quantiles = {name: one.quantiles[inside] for name, one in joined.items()}
            return Rehearsal(cutoff=cutoff, rows=tuple(at[row] for row in inside), said=quantiles)
    return Rehearsal(cutoff=cutoff, rows=(), said={})


def _rows(panel: Panel, keys: tuple[SeriesKey, ...]) -> list[int]:
    """The row in a panel of each key; -1 of those that it does not have."""
    found = {key: row for row, key in enumerate(panel.keys)}
    return [found.get(key, -1) for key in keys]


def _examined(panel: Panel, steps: int, made: list[Rehearsal]) -> Examination:
    names = tuple(dict.fromkeys(name for one in made for name in one.said))
    maker = BLEND if BLEND in names or not names else names[0]
    cutoffs = tuple(one.cutoff for one in made)
    if not names:
        return Examination(entries=(), maker=maker, cutoffs=(), reach=0)
    scale = scales(panel, cutoffs)
    padded = np.pad(panel.observed, ((0, 0), (0, steps)), constant_values=np.nan)
    entries = []
    for name in names:
        said = [_placed(panel, padded, steps, one, name) for one in made]
        quantiles, actual = (np.stack(part) for part in zip(*said, strict=True))
        entries.append(Examined(name=name, scores=score(quantiles, actual, scale)))
    reach = min(steps, panel.steps - cutoffs[0])
    return Examination(entries=tuple(entries), maker=maker, cutoffs=cutoffs, reach=reach)


def _placed(panel: Panel, padded: Matrix, steps: int, one: Rehearsal, name: str) -> tuple[Matrix, Matrix]:
    """What a family said and what came, by the panel's rows; what came counts as unknown where nothing was said."""
    levels = next(iter(one.said.values())).shape[-1] if one.said else 1
    quantiles = np.zeros((len(panel.keys), steps, levels))
    actual = np.full((len(panel.keys), steps), np.nan)
    if name in one.said:
        rows = np.array(one.rows, dtype=np.int64)
        quantiles[rows] = one.said[name]
        actual[rows] = padded[rows, one.cutoff : one.cutoff + steps]
    return quantiles, actual
