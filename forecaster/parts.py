"""One panel's forecast, and what the document tells of it: series, models, blends, what was done about what (pure)."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contracts.forecast import BlendWeights, Evidence, ModelScore, Scores, SeriesForecast, Treatment
from contracts.series import Granularity, unit_of
from forecaster.engine import PanelForecast
from forecaster.finish import NEEDED_DAYS, NEEDED_HOURS
from forecaster.models.model import MEDIAN
from forecaster.outside import SUMMED, Joined
from forecaster.panel import Panel

CARRIES = 0.9  # of the volume of a sum: what the others rest on hardly matters

HOURS_A_DAY, PEAK_DAYS = 24, 7
"""Days before the origin of which the peak is told: for scale-in, which follows what was measured."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """One panel, what models say of it, and that with events, customers and newborn series in it."""

    panel: Panel
    forecast: PanelForecast
    joined: Joined


def series_of(part: Part) -> list[SeriesForecast]:
    """Of each series what carries it, on what evidence."""
    panel, made, known = part.joined.panel, part.forecast, part.joined.panel.known()
    carried = dict(part.joined.carried)
    unscored = carried | dict.fromkeys(part.joined.summed, SUMMED)  # what models say of them is not what is said
    return [
        SeriesForecast(
            kind=key.kind,
            subject=key.subject,
            unit=unit_of(key.kind),
            granularity=panel.granularity,
            model=unscored.get(row) or made.model[row],
            steps=made.quantiles.shape[1],
            history_steps=int(known[row]),
            evidence=Evidence.ENOUGH if _enough(part, row) else Evidence.THIN,
            scores=Scores() if row in unscored else made.scores(row),
            recent_peaks=recent_peaks(panel.observed[row]) if panel.granularity is Granularity.HOURLY else (),
        )
        for row, key in enumerate(panel.keys)
    ]


def recent_peaks(observed: NDArray[np.float64]) -> tuple[float | None, ...]:
    """The largest value of each of the last days of an hourly series (steps,), the last day first; None of no value."""
    ends = [max(0, len(observed) - HOURS_A_DAY * day) for day in range(PEAK_DAYS + 1)]
    days = (observed[begin:end] for end, begin in pairwise(ends))
    known = (day[np.isfinite(day)] for day in days)
    return tuple(round(float(day.max()), 6) if len(day) else None for day in known)


def _enough(part: Part, row: int) -> bool:
    """Whether a series rests on enough scores; a sum alone, whether what carries most of it does."""
    members, carried = dict(part.joined.members).get(row), dict(part.joined.carried)
    if members is None:
        return row not in carried and bool(part.forecast.enough[row])
    volume = {at: float(part.joined.quantiles[at, :, MEDIAN].sum()) for at in members}
    sure = sum(volume[at] for at in members if _enough(part, at))
    return sure > 0 and sure >= CARRIES * sum(volume.values())


def treatments_of(part: Part) -> tuple[Treatment, ...]:
    """What was found in the panel and done about it."""
    return (*part.forecast.treatments, *_fallbacks(part), *part.joined.treatments)


def _fallbacks(part: Part) -> list[Treatment]:
    panel, known = part.panel, part.panel.known()
    needed = f"{NEEDED_HOURS} hours" if panel.day == 24 else f"{NEEDED_DAYS} days"
    what = {
        "zero": "nothing but zeros was ever seen: forecast as 0",
        "wide_naive": f"less than {needed} seen: carried by its mean, from 0 to 4 times as much",
    }
    return [
        Treatment(series=f"{panel.keys[row]} ({panel.granularity.value})", what=what[by], hours=int(known[row]))
        for row, by in enumerate(part.forecast.model)
        if by in what and row not in dict(part.joined.carried)
    ]


def scores_of(part: Part) -> list[ModelScore]:
    """Of each family, and of the blend, over all series."""
    everything = np.ones(len(part.panel.keys), dtype=bool)
    return [
        ModelScore(model=one.name, granularity=part.panel.granularity, scores=one.scores.summary(everything))
        for one in part.forecast.examination.entries
    ]


def blends_of(part: Part) -> list[BlendWeights]:
    """What series of each kind are blended of."""
    granularity = part.panel.granularity
    return [
        BlendWeights(
            kind=one.kind,
            granularity=granularity,
            series=one.series,
            weights=dict(one.weights),
            by_level=dict(one.by_level) if len(one.weights) > 1 else {},
        )
        for one in part.forecast.weights
    ]


def why_refitted(part: Part) -> str:
    """Which models were fitted anew, and why."""
    what = "counts" if part.forecast.state.counts else "levels"
    return f"{part.panel.granularity.value} {what}: {part.forecast.refitted}"
