"""One panel's forecast, and what the document tells of it: series, models, blends, what was done about what (pure)."""

from dataclasses import dataclass

import numpy as np

from contracts.forecast import BlendWeights, Evidence, ModelScore, Scores, SeriesForecast, Treatment
from contracts.series import unit_of
from forecaster.engine import PanelForecast
from forecaster.finish import NEEDED_DAYS, NEEDED_HOURS
from forecaster.outside import SUMMED, Joined
from forecaster.panel import Panel


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
            evidence=Evidence.ENOUGH if row not in carried and made.enough[row] else Evidence.THIN,
            scores=Scores() if row in unscored else made.scores(row),
        )
        for row, key in enumerate(panel.keys)
    ]


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
        BlendWeights(kind=one.kind, granularity=granularity, series=one.series, weights=dict(one.weights))
        for one in part.forecast.weights
    ]


def why_refitted(part: Part) -> str:
    """Which models were fitted anew, and why."""
    what = "counts" if part.forecast.state.counts else "levels"
    return f"{part.panel.granularity.value} {what}: {part.forecast.refitted}"
