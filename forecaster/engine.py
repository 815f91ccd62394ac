"""`forecast_panel`: the numeric door. A repaired panel of series in, quantiles out, with how they were come by (pure).

Families say quantiles at earlier origins; the blend weighs them by what then happened; calibration corrects the blend
by how far it was off; the same is then done at the panel's end. Nothing here depends on kinds of series beyond what a
panel says of itself, so traffic, utilisation, telemetry and tables that people bring are forecast by the same rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.forecast import Scores, Treatment
from contracts.ports import Progress
from contracts.series import SeriesKind
from forecaster.backcast import Backcast, Learned, Look, backcast, learn
from forecaster.counts import CountCalibration, CountRates
from forecaster.examination import BLEND, Examination, examine, scored
from forecaster.finish import all_zero, as_long_ago, ended, finished, too_short
from forecaster.groups import kind_groups
from forecaster.models.catalogue import cheap, chosen
from forecaster.models.model import Family, Fitted
from forecaster.panel import Matrix, Panel
from forecaster.shifts import Shift, find_shifts, followed, is_common, learned_from, treatments
from forecaster.state import NOTHING_LEFT, Left, PanelState, go_on, grown_worse, state_of
from forecaster.state_windows import Kept
from forecaster.windows import FAST, FULL, Windows, plan_windows


class Tier(StrEnum):
    """How much work a forecast is worth."""

    FULL = "full"
    FAST = "fast"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How a panel is forecast.

    Attributes:
        models: names of the families that are blended; empty means all. Where none of them suits, all are.
        tier: how much work it is worth.
        seed: of families that draw; part of the input all the same.
        counts: whether the series are counts of rare events, mostly zero.
    """

    models: tuple[str, ...] = ()
    tier: Tier = Tier.FULL
    seed: int = 0
    counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupWeights:
    """What was blended for the series of a kind: the weight of each family, mean over series, by level and over all."""

    kind: SeriesKind
    series: int
    weights: tuple[tuple[str, float], ...]
    by_level: tuple[tuple[str, tuple[float, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PanelForecast:
    """The forecast of one panel.

    Attributes:
        quantiles: (series, steps, levels): finite, from 0, ordered, whole where the series is.
        model: what carried each series: `blend`, a family's name, or a fallback (`zero`, `wide_naive`).
        weights: what was blended, for each kind of series.
        enough: whether each series' upper quantiles rest on enough held-back scores.
        examination: scores of every family and of the blend.
        treatments: what was found in the panel and done about it.
        state: what the next forecast may go on from.
        refitted: why families were fitted anew; empty where they are those of the state that was given.
        windows: what was said in held-back windows, by what the next forecast finds it under.
        rates: of counts, what the quantiles are of.
    """

    quantiles: Matrix
    model: tuple[str, ...]
    weights: tuple[GroupWeights, ...]
    enough: NDArray[np.bool_]
    examination: Examination
    state: PanelState
    treatments: tuple[Treatment, ...] = ()
    refitted: str = ""
    windows: Mapping[str, Kept] = field(default_factory=dict)
    rates: CountRates | None = None

    def scores(self, row: int) -> Scores:
        """Of one series, by what made its forecast."""
        return self.examination.scores(self.examination.maker, np.arange(len(self.model)) == row)


def forecast_panel(
    panel: Panel,
    steps: int,
    settings: EngineSettings,
    progress: Progress,
    left: Left = NOTHING_LEFT,
) -> PanelForecast:
    """Forecasts the `steps` steps after the panel's end, from the panel and a state. Same input, same bytes.

    Args:
        panel: hourly or daily series on one grid, put right where they are plainly wrong (`repairs.py`).
        steps: how far ahead, from 1.
        settings: how.
        progress: hears of each family's back-test.
        left: by an earlier forecast of these series: without a state all families are fitted anew.
    """
    past, refitted = _look_back_with(left, panel, steps, settings, progress)
    made = _make(past, panel, steps, settings)
    beyond = 2 * past.held.windows.reach < steps  # scores reach less than half of the horizon
    enough = made.learned.enough() & ~(too_short(panel) | all_zero(panel) | ended(panel) | beyond)
    examination = examine(past, left.windows)
    return PanelForecast(
        quantiles=made.quantiles,
        model=_carriers(panel, settings.counts, examination.maker),
        weights=_group_weights(past, made.learned),
        enough=enough,
        examination=examination,
        treatments=treatments(panel, made.shifts),
        state=state_of(past, made.fitted, steps, repr(settings)) if refitted or not left.state else left.state,
        refitted=refitted,
        windows={**past.kept, **examination.taught},
        rates=_rates(made, panel, steps),
    )


def answers(panel: Panel, steps: int, settings: EngineSettings, progress: Progress) -> dict[str, Matrix]:
    """Quantiles of the `steps` steps after the panel's end, by every family alone and by what is made of them all."""
    past = look_back(panel, steps, settings, progress)
    made, ahead = _make(past, panel, steps, settings), np.arange(1, steps + 1)
    enough, names = made.learned.enough(), [family.name for family in past.families]
    said = {
        name: finished(made.learned.alone(one.predict(panel, ahead), ahead), panel, enough)
        for name, one in zip(names, made.fitted, strict=True)
    }
    return {**said, (names[0] if len(names) == 1 else BLEND): made.quantiles}


class _Made(NamedTuple):
    """Quantiles, and what made them."""

    quantiles: Matrix
    learned: Learned
    fitted: tuple[Fitted, ...]
    shifts: tuple[Shift, ...]


def _make(past: Backcast, panel: Panel, steps: int, settings: EngineSettings) -> _Made:
    """What the families say of the steps after the panel's end, blended, corrected and at the level of now."""
    ahead = np.arange(1, steps + 1)
    shifts = () if settings.counts else find_shifts(panel)
    then = shifts if settings.counts or past.panel is panel else find_shifts(past.panel)
    learned = learn(replace(past, held=learned_from(past.not_misled(), past.panel, then)))
    fitted = tuple(family.fit(panel, steps) for family in past.families)

    def ask(seen: Panel) -> Matrix:
        anew = seen is not panel and is_common(shifts, panel)  # what was fitted to a common shift expects it again
        by = tuple(family.fit(seen, steps) for family in past.families) if anew else fitted
        return learned.quantiles(tuple(one.predict(seen, ahead) for one in by), ahead)

    said = as_long_ago(followed(ask(panel), panel, shifts, ask), panel)
    quantiles = finished(said, panel, learned.enough() & ~ended(panel))
    return _Made(quantiles, learned, fitted, shifts)


def _rates(made: _Made, panel: Panel, steps: int) -> CountRates | None:
    """Means and dispersions of counts; none of anything else."""
    if not isinstance(made.learned.calibration, CountCalibration):
        return None
    ahead = np.arange(1, steps + 1)
    said = tuple(one.predict(panel, ahead) for one in made.fitted)
    return made.learned.calibration.rates(made.learned.weights.blend(said))


def examine_panel(panel: Panel, steps: int, settings: EngineSettings, progress: Progress) -> Examination:
    """Scores every family and the blend on what is held back of the panel, without forecasting it."""
    return examine(look_back(panel, steps, settings, progress))


def look_back(panel: Panel, steps: int, settings: EngineSettings, progress: Progress) -> Backcast:
    """What families would have said at earlier origins: all that the settings ask for."""
    hear = partial(progress.advance, "back-test")
    look = Look(windows=_windows(panel, steps, settings), hear=hear)
    return backcast(panel, steps, _families(panel, settings), look)


def _look_back_with(
    left: Left, panel: Panel, steps: int, settings: EngineSettings, progress: Progress
) -> tuple[Backcast, str]:
    """What the families of a state, or new ones, would have said, and why they are new."""
    families, hear = _families(panel, settings), partial(progress.advance, "back-test")
    seen = left.days if left.days is not None else panel
    old = go_on(left.state, seen, steps, repr(settings), families)
    look = Look(windows=_windows(seen, steps, settings, old.anchor), hear=hear, kept=left.windows)
    why = old.refused or old.too_young(look.windows)
    if not why:
        past = backcast(seen, steps, old.families, look)
        why = grown_worse(left.state, past) if left.state else ""
        if not why:
            return past, ""
    return backcast(panel, steps, families, replace(look, windows=_windows(panel, steps, settings))), why


def _windows(panel: Panel, steps: int, settings: EngineSettings, anchor: int | None = None) -> Windows:
    return plan_windows(panel, steps, FAST if settings.tier is Tier.FAST else FULL, anchor)


def _families(panel: Panel, settings: EngineSettings) -> tuple[Family, ...]:
    found = chosen(panel.granularity, settings.models, counts=settings.counts, seed=settings.seed)
    return cheap(found) if settings.tier is Tier.FAST and not settings.models else found


def scored_cutoffs(panel: Panel, steps: int, settings: EngineSettings) -> tuple[int, ...]:
    """Origins, in steps, of the windows that an examination of a panel scores."""
    cutoffs = _windows(panel, steps, settings).cutoffs
    return tuple(cutoffs[index] for index in scored(len(cutoffs), panel))


def _group_weights(past: Backcast, learned: Learned) -> tuple[GroupWeights, ...]:
    groups, found = kind_groups(past.panel), []
    for group in np.unique(groups):
        rows = groups == group
        by_level = learned.weights.of[:, rows].mean(axis=1)
        mean, names = by_level.mean(axis=1), [family.name for family in past.families]
        found.append(
            GroupWeights(
                kind=past.panel.keys[int(np.argmax(rows))].kind,
                series=int(rows.sum()),
                weights=tuple((name, round(float(weight), 4)) for name, weight in zip(names, mean, strict=True)),
                by_level=tuple(
                    (name, tuple(round(float(one), 4) for one in each))
                    for name, each in zip(names, by_level, strict=True)
                ),
            )
        )
    return tuple(found)


def _carriers(panel: Panel, counts: bool, maker: str) -> tuple[str, ...]:
    """What carries each series: a fallback, or what forecasts the panel."""
    short = too_short(panel) & (not counts)
    names = np.where(all_zero(panel), "zero", np.where(short, "wide_naive", maker))
    return tuple(str(name) for name in names)
