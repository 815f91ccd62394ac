"""`Calendar`: events that move demand, each with the moment from which it was known.

Two times keep a back-test honest: an event is seen at a cutoff when it was announced by then
(`known_at`) and neither cancelled nor restated by then (`withdrawn_at`).
"""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model
from contracts.names import RegionName


class EventKind(StrEnum):
    """What kind of event; effects are learned for each kind by itself."""

    SPORTS = "sports"
    RELEASE = "release"
    NEWS = "news"
    CAMPAIGN = "campaign"
    MAINTENANCE = "maintenance"
    HOLIDAY = "holiday"
    OTHER = "other"


class DemandEvent(Model):
    """One occurrence of something that moves demand.

    Attributes:
        id: of this occurrence; the same in every version of it.
        start, end: the window that people name; demand may move before and after.
        regions: where; empty means everywhere.
        service: whose demand; empty means everybody's.
        uplift: factor on usual demand that was stated (1.3: 30 % more; 0.2 for a maintenance); None: nobody said.
        strength: how strong this occurrence is, beside a usual one of its kind (a final: 2; a friendly: 0.5).
        lead_hours, lag_hours: how long before and after the window demand is moved too, as stated.
        known_at: when it was announced as it stands here.
        withdrawn_at: when it was cancelled or stated anew; until then it was believed.
    """

    id: str = Field(min_length=1, max_length=300)
    kind: EventKind = EventKind.OTHER
    name: str = Field(default="", max_length=300)
    start: AwareDatetime
    end: AwareDatetime
    regions: tuple[RegionName, ...] = ()
    service: str = ""
    uplift: float | None = Field(default=None, ge=0, le=1000)
    strength: float = Field(default=1.0, gt=0, le=100)
    lead_hours: float = Field(default=0.0, ge=0, le=336)
    lag_hours: float = Field(default=0.0, ge=0, le=336)
    known_at: AwareDatetime
    withdrawn_at: AwareDatetime | None = None

    def believed_at(self, moment: AwareDatetime) -> bool:
        """Whether somebody who plans at that moment counts on it."""
        return self.known_at <= moment and (self.withdrawn_at is None or moment < self.withdrawn_at)

    def says_the_same_as(self, other: "DemandEvent") -> bool:
        """Whether both state the same occurrence alike, whenever they did."""
        unset: dict[str, AwareDatetime | None] = {"known_at": other.known_at, "withdrawn_at": other.withdrawn_at}
        return self.model_copy(update=unset) == other


class Calendar(Document):
    """All versions of all events that were ever imported, sorted."""

    FORMAT: ClassVar[str] = "prestage/calendar"

    events: tuple[DemandEvent, ...] = ()

    def known_by(self, moment: AwareDatetime) -> "Calendar":
        """The events that somebody who plans at that moment counts on; what came later is not there."""
        believed = (event for event in self.events if event.believed_at(moment))
        return Calendar(events=tuple(event.model_copy(update={"withdrawn_at": None}) for event in believed))

    def merged(self, stated: tuple[DemandEvent, ...]) -> "Calendar":
        """With events stated (again): what says the same stays as it is, what says otherwise is withdrawn.

        An earlier version counts until the moment that the later one was known; imported twice is imported once.
        """
        versions: dict[str, list[DemandEvent]] = {}
        for event in self.events:
            versions.setdefault(event.id, []).append(event)
        for event in stated:
            versions[event.id] = _restated(versions.get(event.id, []), event)
        return Calendar(events=tuple(sorted((event for each in versions.values() for event in each), key=_order)))

    def without(self, ids: frozenset[str], at: AwareDatetime) -> "Calendar":
        """With these withdrawn at a moment: a feed that no longer lists them has cancelled them."""
        events = (
            event.model_copy(update={"withdrawn_at": at})
            if event.id in ids and event.withdrawn_at is None and event.known_at < at
            else event
            for event in self.events
        )
        return Calendar(events=tuple(events))


def _restated(versions: list[DemandEvent], event: DemandEvent) -> list[DemandEvent]:
    current = next((one for one in versions if one.withdrawn_at is None), None)
    if current is None:
        gone = max((one.withdrawn_at for one in versions if one.withdrawn_at), default=event.known_at)
        return [*versions, event.model_copy(update={"known_at": max(gone, event.known_at)})]
    if event.says_the_same_as(current):
        return versions
    if event.known_at <= current.known_at:  # said no later than the current one: it corrects it
        event = event.model_copy(update={"known_at": current.known_at})
        return [event if one is current else one for one in versions]
    withdrawn = current.model_copy(update={"withdrawn_at": event.known_at})
    return [*(withdrawn if one is current else one for one in versions), event]


def _order(event: DemandEvent) -> tuple[AwareDatetime, str, AwareDatetime]:
    return event.start, event.id, event.known_at


class ExpectedEvent(Model):
    """An event ahead that the forecast counts on, and what it does at most.

    Attributes:
        factor: on the median of the series that it moves most, in the hour that it moves most.
        learned_from: how many past events of its kind that rests on; 0: what was stated.
    """

    id: str
    name: str
    kind: str
    start: AwareDatetime
    end: AwareDatetime
    series: int = Field(ge=0)
    factor: float = Field(ge=0)
    learned_from: int = Field(ge=0)
