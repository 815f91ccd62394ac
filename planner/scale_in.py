"""What was asked for before goes down by no forecast alone: hysteresis on scale-in.

A place's own demand that falls by a tenth or less stays as the plan applied last had it: that is within what one day's
forecast differs from the next. One that falls by more goes down to what is wanted now, but no further than to the
largest value that was measured in the last days (`horizons.scale_in_days`): so long it may come back, whatever a
forecast says. Where it is not known what was measured, it stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.lead import Held
from contracts.series import Granularity, SeriesKey
from planner.question import Question

CALM_SHARE = 0.1
"""Demand that falls by no more than this keeps what the last plan applied wanted: a tenth is within what one day's
forecast differs from the next, and moving costs more than idling for a day."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the plan applied last asked for, and what was measured since.

    Attributes:
        before: own demand by id of the requirement.
        peaks: of each series, by day, the last one first.
        origin: where the forecast begins.
        days: that are looked at; 0: scale-in follows the forecast alone.
    """

    before: Mapping[str, float]
    peaks: Mapping[SeriesKey, tuple[float | None, ...]]
    origin: datetime
    days: int

    @classmethod
    def of(cls, question: Question, before: Mapping[str, float]) -> "Settled":
        document, days = question.forecast.document, question.environment.horizons.scale_in_days
        before = before if question.environment.rules.calm else {}
        hourly = (item for item in document.series if item.granularity is Granularity.HOURLY)
        peaks = {item.key: item.recent_peaks for item in hourly} if days and before else {}
        return cls(before=before, peaks=peaks, origin=document.origin, days=days)

    def kept(self, identity: str, own: float, *ways: tuple[SeriesKey, ...]) -> tuple[float, Held | None]:
        """What is asked at least, and what was measured that asks it, where that is more than calm alone would keep.

        Args:
            identity: of the requirement.
            own: what a place's own demand asks by the forecast.
            ways: the series that this is the sum of; of a link, those of each direction, of which the larger one
                counts. None where nothing is forecast.
        """
        before = self.before.get(identity, 0.0)
        if not self.days or calm(own, before) == before or own >= before:
            return calm(own, before), None
        measured, until = self._measured(ways, before)
        if measured is not None and measured <= own:
            return own, None
        kept = before if measured is None else calm(min(measured, before), before)
        return kept, Held(measured=measured, until=until)

    def _measured(self, ways: tuple[tuple[SeriesKey, ...], ...], before: float) -> tuple[float | None, datetime | None]:
        """The most that series came to on one of the days, as if all peaked together; when that is long enough ago."""
        days = {key: self.peaks.get(key, ())[: self.days] for keys in ways for key in keys}
        if not days or any(len(each) < self.days or None in each for each in days.values()):
            return None, None
        together = [max(sum(days[key][day] or 0.0 for key in keys) for keys in ways) for day in range(self.days)]
        measured = max(together)
        last = next(day for day, peak in enumerate(together) if peak >= min(measured, before))
        return round(measured, 6), self.origin + (self.days - last) * DAY


def calm(wanted: float, before: float) -> float:
    """What was wanted before, when what is wanted now is less by no more than `CALM_SHARE`; else what is wanted."""
    return before if before * (1 - CALM_SHARE) <= wanted < before else wanted
