"""Effects of events: learned from the past, divided out of it, multiplied into the forecast (pure).

    effects = learn_effects(panel, calendar)     # only what was known by the panel's end
    neutral = effects.neutral(panel)             # demand as it would have been
    quantiles = effects.applied(quantiles, panel)

Without events all of it is the identity, bit for bit.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from contracts.events import Calendar, EventKind
from contracts.series import Granularity, SeriesKey, SeriesKind, Unit, unit_of
from forecaster.events.contrast import Seen, seen_effects
from forecaster.events.footprint import LAG, LEAD, Footprint, footprints, is_stated_for
from forecaster.events.shrinkage import NOTHING_LEARNED, Gauss, KindEffect, learn_kind
from forecaster.events.widening import moved
from forecaster.panel import Matrix, Panel, Remembered, Steps, fill

LOWEST, HIGHEST = np.log(0.02), np.log(50.0)  # no event is believed to move demand further
DARK = np.log(0.2)  # an hour that lost more than this tells nothing of usual demand: it is left unknown
LEAD_SHARE = 0.5  # of the stated effect, in hours stated to lead to the window or to lag behind it

Group = tuple[EventKind, SeriesKind, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """What is known of events at the end of a panel.

    Attributes:
        calendar: the events known by then.
        granularity: of the panel.
        kinds: what each kind of event did to each kind of series, by part of the event.
        own: of each kind of event and series, how far its effect lies from its kind's, and how sure that is.
        past: logarithm of the factor that moved each observed step, (series, steps); 0 where none did.
    """

    calendar: Calendar
    granularity: Granularity
    kinds: Mapping[Group, KindEffect]
    own: Mapping[tuple[EventKind, SeriesKey], Gauss]
    past: Matrix

    def neutral(self, panel: Panel) -> Panel:
        """The panel without what events did; hours that they left in the dark are unknown. Counts stay counts."""
        if not self.past.any():
            return panel
        divided = np.where(self.past > DARK, panel.observed / np.exp(self.past), np.nan)
        touched = (self.past != 0) & ~_counted(panel)[:, None]
        observed = np.where(touched, divided, panel.observed)
        hindsight = None if panel.hindsight is None else Remembered(_Neutral(self, panel))
        return replace(panel, observed=observed, filled=fill(observed, panel.day), hindsight=hindsight)

    def applied(self, quantiles: Matrix, panel: Panel) -> Matrix:
        """Quantiles (series, steps, levels) of what follows the panel, with what events ahead will do.

        A daily panel takes the mean factor of its hours.
        """
        mean, variance = self.ahead(panel, quantiles.shape[1])
        if not (mean.any() or variance.any()):
            return quantiles
        result = moved(quantiles, mean, np.sqrt(variance))
        whole = _whole(panel) & ((mean != 0) | (variance != 0)).any(axis=1)
        result[whole] = np.ceil(result[whole] - 1e-9)
        return result

    def ahead(self, panel: Panel, steps: int) -> tuple[Matrix, Matrix]:
        """Mean and variance of the log factor of each step that follows a panel, shape (series, steps)."""
        by_hours = self.granularity is not panel.granularity  # a daily panel, effects of hours
        finer = replace(panel, granularity=self.granularity)
        count = 24 * steps if by_hours else steps
        total = _Total(np.zeros((len(panel.keys), count)), np.zeros((len(panel.keys), count)))
        for footprint in footprints(self.calendar.events, finer, count):
            for row in footprint.rows:
                for part in np.unique(footprint.parts):
                    at = footprint.steps[footprint.parts == part] - finer.steps
                    total.add(footprint, row, at[at >= 0], self.expected(footprint, panel.keys[row], int(part)))
        mean, variance = total.summed()
        return _of_days(mean, variance) if by_hours else (mean, variance)

    def expected(self, footprint: Footprint, key: SeriesKey, part: int) -> Gauss:
        """The log factor of one part of an event for one series."""
        event = footprint.event
        effect = self.kinds.get((event.kind, key.kind, part), NOTHING_LEARNED)
        stated = stated_effect(footprint, key, part)
        unlikely = part in (LEAD, LAG) or key.kind is SeriesKind.STORAGE
        if effect is NOTHING_LEARNED and unlikely and stated is None:
            return Gauss(0.0, 0.0)  # nothing says that it reaches beyond its window, or what lies on disks
        known = effect.expected(stated)
        own = self.own.get((event.kind, key), Gauss(0.0, 0.0))
        return Gauss(event.strength * (known.mean + own.mean), event.strength**2 * (known.variance + own.variance))


@dataclass(frozen=True, slots=True, eq=False)
class _Neutral:
    """What a panel without events was, when it was known otherwise."""

    effects: Effects
    panel: Panel

    def at(self, step: int) -> Panel | None:
        then = self.panel.otherwise(step)
        return None if then is None else replace(self.effects, past=self.effects.past[:, :step]).neutral(then)


def learn_effects(panel: Panel, calendar: Calendar, known_by: datetime | None = None) -> Effects:
    """What events did in a panel; what became known later than `known_by`, its end by default, is not looked at.

    A forecast made now leans on what is known now, though the last hour was measured some time ago.
    """
    known = calendar.known_by(known_by or panel.end)
    past = footprints(known.events, panel, 0)
    seen = seen_effects(panel, past)
    effects = Effects(
        calendar=known,
        granularity=panel.granularity,
        kinds=_kinds(panel, past, seen),
        own=_own(panel, past, seen),
        past=np.zeros(panel.observed.shape),
    )
    return replace(effects, past=_past(panel, past, seen, effects)) if past else effects


def stated_effect(footprint: Footprint, key: SeriesKey, part: int) -> float | None:
    """The log factor that was stated for one part of an event, for a strength of 1."""
    event = footprint.event
    if event.uplift is None or not is_stated_for(event, key):
        return None
    whole = float(np.clip(np.log(max(event.uplift, 1e-9)), LOWEST, HIGHEST)) / event.strength
    if part in (LEAD, LAG):
        hours = event.lead_hours if part == LEAD else event.lag_hours
        return LEAD_SHARE * whole if hours else None
    return whole


def _kinds(panel: Panel, past: Sequence[Footprint], seen: Sequence[Seen]) -> dict[Group, KindEffect]:
    groups: dict[Group, list[tuple[Gauss, float | None]]] = defaultdict(list)
    for one in seen:
        footprint = past[one.footprint]
        stated = stated_effect(footprint, panel.keys[int(one.rows[0])], one.part)
        groups[footprint.event.kind, one.kind, one.part].append((one.effect, stated))
    return {
        group: learn_kind([each for each, _ in found], [said for _, said in found]) for group, found in groups.items()
    }


def _own(panel: Panel, past: Sequence[Footprint], seen: Sequence[Seen]) -> dict[tuple[EventKind, SeriesKey], Gauss]:
    """How far each series lies from its kind, shrunk by how much series differ at all (as in `shrinkage`)."""
    found: dict[tuple[EventKind, SeriesKind], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in seen:
        for row, value in zip(one.rows, one.own, strict=True):
            if np.isfinite(value):
                found[past[one.footprint].event.kind, one.kind][int(row)].append(float(value))
    own = {}
    for (kind, _), rows in found.items():
        repeated = {row: values for row, values in rows.items() if len(values) > 1}
        if len(repeated) < 3:
            continue
        noise = {row: float(np.var(values, ddof=1)) / len(values) for row, values in repeated.items()}
        usual = float(np.median(list(noise.values())))
        between = max(0.0, float(np.var([np.mean(values) for values in repeated.values()], ddof=1)) - usual)
        for row, values in repeated.items():
            share = between / (between + max(noise[row], usual)) if between else 0.0
            own[kind, panel.keys[row]] = Gauss(share * float(np.mean(values)), share * max(noise[row], usual))
    return own


def _past(panel: Panel, past: Sequence[Footprint], seen: Sequence[Seen], effects: Effects) -> Matrix:
    """What each past event did, between what was seen of it and what its kind does."""
    done = {(one.footprint, one.kind, one.part): one.effect for one in seen}
    total = _Total(np.zeros(panel.observed.shape), np.zeros(panel.observed.shape))
    for index, footprint in enumerate(past):
        strength = footprint.event.strength
        for row in footprint.rows:
            key = panel.keys[row]
            for part in np.unique(footprint.parts):
                expected = effects.expected(footprint, key, int(part))
                effect = done.get((index, key.kind, int(part)))
                if effect is not None:
                    own = effects.own.get((footprint.event.kind, key), Gauss(0.0, 0.0)).mean
                    shown = Gauss(strength * (effect.mean + own), strength**2 * effect.variance)
                    expected = expected.times(shown)
                total.add(footprint, row, footprint.steps[footprint.parts == part], expected)
    return total.summed()[0]


class _Total:
    """Effects on (series, steps): different kinds add up, of one kind the strongest counts alone.

    Two public holidays on the two ends of a pair are one quiet day, and were learned as one.
    """

    def __init__(self, mean: Matrix, variance: Matrix) -> None:
        self._nothing = mean, variance
        self._kinds: dict[EventKind, tuple[Matrix, Matrix]] = {}

    def add(self, footprint: Footprint, row: int, steps: Steps, effect: Gauss) -> None:
        kind = footprint.event.kind
        if kind not in self._kinds:
            self._kinds[kind] = self._nothing[0].copy(), self._nothing[1].copy()
        mean, variance = self._kinds[kind]
        at = steps[np.abs(effect.mean) >= np.abs(mean[row, steps])]
        mean[row, at], variance[row, at] = effect

    def summed(self) -> tuple[Matrix, Matrix]:
        mean = sum((mean for mean, _ in self._kinds.values()), self._nothing[0])
        variance = sum((variance for _, variance in self._kinds.values()), self._nothing[1])
        return np.clip(mean, LOWEST, HIGHEST), variance


def _of_days(mean: Matrix, variance: Matrix) -> tuple[Matrix, Matrix]:
    """The log of the mean factor of a day's hours; they err together (delta method)."""
    factors = np.exp(mean).reshape(len(mean), -1, 24)
    deviation = np.sqrt(variance).reshape(factors.shape)
    day = factors.mean(axis=2)
    spread = (factors * deviation).mean(axis=2) / day
    return np.log(day), spread**2


def _counted(panel: Panel) -> np.ndarray:
    """Series of requests: mostly zero, whole numbers that a division would spoil."""
    return np.array([key.kind is SeriesKind.PEERING_REQUESTS for key in panel.keys], dtype=bool)


def _whole(panel: Panel) -> np.ndarray:
    """Series of counts that were whole numbers so far."""
    known = np.nan_to_num(panel.observed)
    counted = np.array([unit_of(key.kind) is Unit.COUNT for key in panel.keys], dtype=bool)
    return np.asarray(counted & (known == np.floor(known)).all(axis=1))
