"""What a history does not know by itself: events, customers, series that were hardly seen (pure).

Events are taken out of the history before models see it and put back into what they say; then newborn series join, and
what customers announced. With nothing of all that, nothing is changed. Last, regions are made the sums of their pairs.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from contracts.customers import Customers
from contracts.events import Calendar, ExpectedEvent
from contracts.forecast import Treatment
from contracts.series import SUMS, SeriesKey, SeriesKind
from forecaster.coherence import Agreed, Alone, Told, agree, no_paths, sums_in
from forecaster.coherence_days import agree_days, lone_rows
from forecaster.counts import CountRates
from forecaster.customers import announced_keys, merge_customers
from forecaster.events.effects import learn_effects
from forecaster.events.outlook import expected_events
from forecaster.events.widening import moved
from forecaster.newborn import FEWEST, Newborn, newborn_forecasts
from forecaster.panel import Matrix, Panel, daily
from forecaster.paths import Paths
from forecaster.paths_alone import draw_alone, draw_requests, room_beside
from forecaster.prepare import Prepared
from forecaster.sums import totals

BORN_KINDS = (SeriesKind.TRAFFIC, SeriesKind.BLOCK_TRAFFIC)  # there are enough of them to compare with
NEWBORN, ANNOUNCED, SUMMED = "newborn", "profile", "sum_of_pairs"
NO_PROFILES = (
    SeriesKind.PEERING_REQUESTS,
    SeriesKind.REGION_TRAFFIC,
    SeriesKind.SERVICE_TRAFFIC,
    *SUMS,
)  # rates of rare requests; sums of pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What people and calendars know.

    Attributes:
        calendar: every version of every event.
        customers: every profile.
        known_by: what became known later is not looked at; the end of the history by default.
    """

    calendar: Calendar = field(default_factory=Calendar)
    customers: Customers = field(default_factory=Customers)
    known_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joined:
    """Quantiles of a panel with all that the history does not know.

    Attributes:
        panel: as it was seen, with a row for each series that only a profile names; those come last.
        quantiles: (series, steps, levels).
        carried: what carries a series instead of a model, by row.
        summed: rows of regions that are sums of their pairs.
        members: of further rows, which are sums alone, the rows that each is the sum of; these rows come last.
        treatments: newborn series and profiles.
        steady: the same as history alone says it; none of counts.
        agreed: paths of what capacity is planned for; none of counts.
    """

    panel: Panel
    quantiles: Matrix
    steady: Matrix | None = None
    carried: tuple[tuple[int, str], ...] = ()
    summed: tuple[int, ...] = ()
    members: tuple[tuple[int, tuple[int, ...]], ...] = ()
    treatments: tuple[Treatment, ...] = ()
    agreed: Agreed | None = None


class Surroundings:
    """What was learned of events in a history, and the way back."""

    def __init__(self, prepared: Prepared, outside: Outside, seed: int = 0) -> None:
        self._prepared, self._seed = prepared, seed
        known_by = outside.known_by or prepared.origin
        self._customers = outside.customers.known_by(known_by)
        self._effects = {
            counts: learn_effects(panel, outside.calendar, known_by)
            for counts, panel in ((False, prepared.levels), (True, prepared.counts))
        }

    def neutral(self) -> Prepared:
        """The history as it would have been without events."""
        levels, counts = (self._effects[each].neutral(self._seen(each)) for each in (False, True))
        return replace(self._prepared, levels=levels, counts=counts)

    def join(self, neutral: Panel, quantiles: Matrix, needed: int) -> Joined:
        """What models said of a neutral panel, with events, newborn series and profiles.

        Args:
            neutral: one of the panels that `neutral` gave, or its days.
            quantiles: (series, steps, levels) of what follows it.
            needed: steps that a series must have been seen for.
        """
        counts = bool(neutral.keys) and all(key.kind is SeriesKind.PEERING_REQUESTS for key in neutral.keys)
        seen = self._seen(counts)
        seen = seen if neutral.granularity is seen.granularity else daily(seen)
        if counts:
            return Joined(panel=seen, quantiles=self._effects[True].applied(quantiles, seen))
        unseen = self._unseen(seen)
        panel = _with_unseen(seen, unseen)
        said = np.concatenate([self._doubted(neutral, quantiles), np.zeros((len(unseen), *quantiles.shape[1:]))])
        born = _newborns(neutral, unseen, needed, quantiles.shape[1])
        for row, one in born:
            said[row] = one.quantiles
        steady = said.copy()
        steady[len(neutral.keys) :] = 0.0
        merged = merge_customers(self._effects[False].applied(said, panel), panel, self._customers)
        carried = {panel.keys.index(key): ANNOUNCED for key in unseen} | {row: NEWBORN for row, _ in born}
        return Joined(
            panel=panel,
            quantiles=merged.quantiles,
            steady=steady,
            carried=tuple(sorted(carried.items())),
            treatments=(*(_treatment(one, panel) for _, one in born), *merged.treatments),
        )

    def agreed(self, hours: Joined, days: Joined | None = None, *, lone: bool = False) -> tuple[Joined, ...]:
        """Hours, and days if there are any, that agree with each other, and regions with their pairs in both.

        Of counts nothing is changed. Series that sums have no part in get paths too where they are asked for (`lone`).
        """
        if hours.steady is None:
            return (hours,)
        groups, by_hours = sums_in(hours.panel), Told(panel=hours.panel, steady=hours.steady, quantiles=hours.quantiles)
        by_days = None
        if days is not None and days.steady is not None:
            by_days = Told(panel=days.panel, steady=days.steady, quantiles=days.quantiles)
        drawn = agree(by_hours, groups, self._seed, by_days)
        if lone:
            drawn = replace(drawn, lone=self._alone(by_hours, by_days, lone_rows(hours.panel, drawn, groups), drawn))
        if days is None or by_days is None:
            return (_with(hours, drawn),)
        return _with(hours, drawn), _with(days, agree_days(by_days, by_hours, drawn, groups, self._seed))

    def requested(self, asked: Panel, rates: CountRates, planned: Agreed | None) -> dict[SeriesKey, Paths]:
        """Paths of requests, with what events ahead will do: as many as there are of what is planned for."""
        seen, steps = self._seen(True), rates.mean.shape[1]
        with_events = rates.moved(*self._effects[True].ahead(seen, steps))
        room = room_beside(planned or no_paths(steps), len(asked.keys), steps)
        return draw_requests(asked, with_events, room, self._seed)

    def _alone(self, hours: Told, days: Told | None, rows: list[int], drawn: Agreed) -> Alone:
        room = room_beside(drawn, len(rows), hours.quantiles.shape[1])
        return draw_alone(hours, days, rows, room, self._seed)

    def expected(self, steps: int) -> tuple[ExpectedEvent, ...]:
        """Events of the hours ahead that the forecast counts on."""
        return expected_events(self._effects[False], self._prepared.levels, steps)

    def _seen(self, counts: bool) -> Panel:
        return self._prepared.counts if counts else self._prepared.levels

    def _unseen(self, seen: Panel) -> tuple[SeriesKey, ...]:
        """Series that only profiles name."""
        named = announced_keys(self._customers)
        return tuple(key for key in named if key not in seen.keys and key.kind not in NO_PROFILES)

    def _doubted(self, panel: Panel, quantiles: Matrix) -> Matrix:
        """Wider where a series was not measured but derived from what others use."""
        doubts = dict(self._prepared.doubts)
        spread = np.array([doubts.get(key, 0.0) for key in panel.keys])
        if not spread.any():
            return quantiles
        wide = np.repeat(spread[:, None], quantiles.shape[1], axis=1)
        return moved(quantiles, np.zeros(wide.shape), wide)


def _with(joined: Joined, agreed: Agreed) -> Joined:
    """What agrees, and the sums that are read off it."""
    panel, found = joined.panel, totals(joined.panel, agreed.keys, agreed.paths)
    further = range(len(panel.keys), len(panel.keys) + len(found.members))
    return replace(
        joined,
        panel=panel.with_sums(tuple(found.members), found.observed),
        quantiles=np.concatenate([agreed.quantiles, found.quantiles]),
        summed=(*agreed.summed, *further),
        members=tuple(zip(further, found.members.values(), strict=True)),
        agreed=agreed,
    )


def _with_unseen(seen: Panel, unseen: tuple[SeriesKey, ...]) -> Panel:
    if not unseen:
        return seen
    nothing = np.full((len(unseen), seen.steps), np.nan)
    return replace(
        seen,
        keys=(*seen.keys, *unseen),
        observed=np.vstack([seen.observed, nothing]),
        filled=np.vstack([seen.filled, nothing]),
    )


def _newborns(panel: Panel, unseen: tuple[SeriesKey, ...], needed: int, steps: int) -> list[tuple[int, Newborn]]:
    """Series that were hardly seen and can be compared with others, by the row that they will have."""
    known = panel.known()
    young = tuple(key for row, key in enumerate(panel.keys) if key.kind in BORN_KINDS and 0 < known[row] < needed)
    new = tuple(key for key in unseen if key.kind in BORN_KINDS)
    keys = (*panel.keys, *unseen)
    made = newborn_forecasts(panel, (*young, *new), needed, steps)
    return [(keys.index(one.key), one) for one in made if one.compared >= FEWEST or one.key in new]


def _treatment(one: Newborn, panel: Panel) -> Treatment:
    hours = one.seen * (24 // panel.day)
    return Treatment(series=f"{one.key} ({panel.granularity.value})", what=f"new: {one.how}", hours=hours)
