"""What customers say that they will use, merged with what history says (pure).

For each profile and series, at a step ahead:

    B   demand without the customer: the forecast itself before they begin, else the usual week before they began
    U   the use that they announced; r = how much of it they really used, r^(h / (h + n0)) after h hours of evidence
    P = B + r U                       what the profile says
    H = forecast + r (U - U now)      what history says: it has their use of today in it, and knows no plans
    log demand = (n0 log P + h log H) / (n0 + h)

The profile counts as n0 hours of evidence, one week at a confidence of a half: n0 = 168 c / (1 - c). So it is all there
is before the first hour, nothing at confidence 0, and is never outweighed at confidence 1. A mean of logarithms by
precision is the normal-normal posterior with known variances (Gelman et al. 2013, 2.5), hours being what precision is
counted in. So far as demand is the profile's (its weight times its share of P), the spread is the profile's own; for
the rest it is history's. Of a series that was never seen, B is nothing and H what series like it say, counted as a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from contracts.customers import AnticipatedUse, CustomerProfile, Customers, ServiceLevel
from contracts.forecast import Treatment
from contracts.series import SUMS, SeriesKey, SeriesKind, check_subject
from contracts.spelling import likely
from forecaster.errors import UnknownPlace
from forecaster.events.contrast import median
from forecaster.events.widening import MIDDLE, NORMAL, moved
from forecaster.panel import Matrix, Panel, Steps, length_of
from forecaster.units import Gather, gather_of, measure_of

PROMISED = {ServiceLevel.BEST_EFFORT: 0.8, ServiceLevel.STANDARD: 0.9, ServiceLevel.CRITICAL: 0.99}
"""The quantile that a service level asks for, at least: met in so many of all busiest hours."""

WEEK_HOURS = 168
LIKE_OTHERS_HOURS = 24  # that a series was never seen, and others of its kind were, says as much as so many hours of it
SURE_SD, UNSURE_SD = 0.1, 0.8  # log standard deviation of announced use at confidence 1 and 0
LEAST_SHARE, MOST_SHARE = 0.02, 50.0  # of what was announced, really used
USUAL_WEEKS = 4
NOTHING = 1e-3  # a forecast below this share of the target has no shape to be scaled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Merged:
    """Quantiles (series, steps, levels) with profiles in them, and where they were."""

    quantiles: Matrix
    treatments: tuple[Treatment, ...]


def check_customers(customers: Customers, regions: Iterable[str], where: str) -> None:
    """Raises `UnknownPlace` for a region that is not known or a sum, `UnitUnclear` for a wrong unit."""
    known = tuple(regions)
    for profile in customers.customers:
        for use in profile.use:
            place = f"{where}, customer {profile.name}, {use.kind.value} of {use.subject}"
            _check_subject(use, place)
            for region in SeriesKey(use.kind, use.subject).regions:
                if region not in known:
                    raise UnknownPlace(
                        f"there is no region {region!r}",
                        where=place,
                        expected=", ".join(known[:12]),
                        next_step=likely(region, known) or "correct the file",
                    )
            if use.kind in (*SUMS, SeriesKind.SERVICE_TRAFFIC):
                raise UnknownPlace(
                    f"{use.kind.value} follows from traffic of pairs: nobody announces it",
                    where=place,
                    expected="kind: traffic, subject: SOURCE->DESTINATION",
                    next_step="announce the traffic of each pair",
                )
            measure_of(use.kind, use.unit, where=place)


def _check_subject(use: AnticipatedUse, place: str) -> None:
    try:
        check_subject(use.kind, use.subject)
    except ValueError as error:
        raise UnknownPlace(f"{use.subject!r} is no subject of {use.kind.value}: {error}", where=place) from error


def announced_keys(customers: Customers) -> tuple[SeriesKey, ...]:
    """Every series that a profile names, sorted."""
    return tuple(sorted({SeriesKey(use.kind, use.subject) for one in customers.customers for use in one.use}))


def promised_levels(customers: Customers, level: float) -> dict[str, float]:
    """The quantile that each place needs, where a customer was promised more than `level`: regions and pairs."""
    levels: dict[str, float] = {}
    for profile in customers.customers:
        promised = PROMISED[profile.service_level]
        for place in {place for use in profile.use for place in _places(SeriesKey(use.kind, use.subject))}:
            if promised > max(level, levels.get(place, 0.0)):
                levels[place] = promised
    return levels


def _places(key: SeriesKey) -> tuple[str, ...]:
    return (*key.regions, key.subject) if len(key.regions) == 2 else key.regions


def merge_customers(quantiles: Matrix, panel: Panel, customers: Customers) -> Merged:
    """Merges every profile into the forecasts of its series, the one that began first first.

    Args:
        quantiles: (series, steps, levels) of what follows the panel.
        panel: what was seen; a series that was not is a row without observations.
        customers: what was known by the panel's end.
    """
    merged, told = quantiles, []
    for profile in sorted(customers.customers, key=lambda one: (one.start, one.name)):
        for row, key in enumerate(panel.keys):
            uses = tuple(use for use in profile.use if SeriesKey(use.kind, use.subject) == key)
            if not uses:
                continue
            if merged is quantiles:
                merged = quantiles.copy()
            one = _Account(profile=profile, uses=uses, panel=panel, row=row)
            what = (
                f"profile of {profile.name} (confidence {profile.confidence:g}): weight {one.weight(merged[row]):.2f}"
            )
            merged[row] = one.merged(merged[row])
            told.append(Treatment(series=f"{key} ({panel.granularity.value})", what=what, hours=one.evidence))
    return Merged(quantiles=merged, treatments=tuple(told))


def weight_of(confidence: float, hours: float) -> float:
    """Of the profile beside history, 0 to 1: n0 / (n0 + h)."""
    if confidence >= 1:
        return 1.0
    counted = WEEK_HOURS * confidence / (1 - confidence)
    return counted / (counted + hours) if counted + hours > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Account:
    """One customer and one series."""

    profile: CustomerProfile
    uses: tuple[AnticipatedUse, ...]
    panel: Panel
    row: int

    @property
    def evidence(self) -> int:
        """Hours seen since they began."""
        return int(self._seen().sum()) * (24 // self.panel.day)

    def weight(self, quantiles: Matrix) -> float:
        """Of the profile beside history; what series like an unseen one say counts as a day."""
        like_others = LIKE_OTHERS_HOURS if quantiles.any() else 0
        return weight_of(self.profile.confidence, self.evidence if self._is_seen() else like_others)

    def merged(self, quantiles: Matrix) -> Matrix:
        """(steps, levels) with the profile in them."""
        ahead = self._announced(self.panel.steps + np.arange(len(quantiles)))
        weight, history = self.weight(quantiles), quantiles[:, MIDDLE]
        if weight == 0 and not self.evidence:
            return quantiles
        share, usual = self._used(), self._without(history)
        said = usual + share * ahead
        now = self._now()
        seen = np.maximum(history + share * (ahead - now), 0.0) if self.evidence else history
        least = 1e-9 + NOTHING * np.maximum(said, seen)
        target = np.exp(weight * np.log(np.maximum(said, least)) + (1 - weight) * np.log(np.maximum(seen, least)))
        target = np.where(np.maximum(said, seen) > 0, target, 0.0)
        own = weight * share * ahead / np.maximum(said, least)
        spread = own * (SURE_SD + (UNSURE_SD - SURE_SD) * (1 - self.profile.confidence))
        middle = history[:, None]
        return _moved_to(middle + (quantiles - middle) * (1 - own)[:, None], target, spread)

    def _is_seen(self) -> bool:
        return bool(np.isfinite(self.panel.observed[self.row]).any())

    def _seen(self) -> np.ndarray:
        """Observed steps in which use was announced."""
        known = np.isfinite(self.panel.observed[self.row])
        return np.asarray(known & (self._announced(np.arange(self.panel.steps)) > 0))

    def _without(self, history: Matrix) -> Matrix:
        """Demand ahead without the customer."""
        if not self._is_seen():
            return np.zeros(len(history))
        if not self.evidence:
            return history
        return self._usual(self.panel.steps + np.arange(len(history)))

    def _usual(self, steps: Steps) -> Matrix:
        """The usual week before they began, at some steps; 0 where there was nothing before."""
        began = int(np.argmax(self._announced(np.arange(self.panel.steps)) > 0))
        before = self.panel.observed[self.row, max(0, began - USUAL_WEEKS * self.panel.week) : began]
        if np.isfinite(before).sum() < self.panel.day:
            return np.zeros(len(steps))
        period = self.panel.week if len(before) >= self.panel.week else self.panel.day
        padded = np.concatenate([np.full(-len(before) % period, np.nan), before]).reshape(-1, period)
        week = median(padded, axis=0)
        week = np.where(np.isfinite(week), week, float(np.nanmean(before)))
        usual: Matrix = week[(steps - began) % period]
        return usual

    def _used(self) -> float:
        """Which share of what they announced they use, as far as it is known by now."""
        steps = np.flatnonzero(self._seen())[-USUAL_WEEKS * self.panel.week :]
        if not len(steps):
            return 1.0
        extra = float((self.panel.observed[self.row, steps] - self._usual(steps)).sum())
        share = np.clip(extra / float(self._announced(steps).sum()), LEAST_SHARE, MOST_SHARE)
        return float(share ** (1 - weight_of(self.profile.confidence, self.evidence)))

    def _now(self) -> float:
        """What was announced for the last week in which they were seen: it is in the history."""
        steps = np.flatnonzero(self._seen())[-self.panel.week :]
        return float(self._announced(steps).mean()) if len(steps) else 0.0

    def _announced(self, steps: Steps) -> Matrix:
        """Announced use at steps from the panel's beginning, in the series' unit; shares of a step count."""
        length = length_of(self.panel.granularity)
        begin = self.panel.end - self.panel.steps * length
        total = np.zeros(len(steps))
        for use in self.uses:
            start = max(use.start or self.profile.start, self.profile.start)
            first = (start - begin) / length
            ends = [end for end in (use.end, self.profile.end) if end is not None]
            last = (min(ends) - begin) / length if ends else np.inf
            inside = np.clip(np.minimum(last, steps + 1) - np.maximum(first, steps), 0.0, 1.0)
            factor = measure_of(use.kind, use.unit, where=self.profile.name).factor
            days = 24 // self.panel.day if gather_of(use.kind) is Gather.SUM else 1
            total += inside * use.value * factor * days
        return total


def _moved_to(quantiles: Matrix, target: Matrix, spread: Matrix) -> Matrix:
    """Quantiles whose median is the target; a lognormal around it where there is nothing to scale."""
    history = quantiles[:, MIDDLE]
    nothing = history <= NOTHING * target
    log_mean = np.log(np.where(nothing | (target <= 0), 1.0, target / np.where(history > 0, history, 1.0)))
    scaled = moved(quantiles[None], log_mean[None], spread[None])[0]
    scaled[target <= 0] = 0.0
    scaled[nothing] = target[nothing, None] * np.exp(np.maximum(spread, SURE_SD)[nothing, None] * NORMAL)
    result: Matrix = scaled
    return result
