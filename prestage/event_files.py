"""Where events and customer profiles are kept, and what a forecast sees of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.customers import Customers
from contracts.environment import Environment
from contracts.errors import PrestageError
from contracts.events import Calendar, DemandEvent
from contracts.files import read_document, write_document
from contracts.series import SeriesKey, SeriesKind
from contracts.spelling import likely

if TYPE_CHECKING:
    from forecaster.sources.calendars import EventsRead

HOLIDAYS_BACK, HOLIDAYS_AHEAD = timedelta(days=800), timedelta(days=100)
"""Past holidays teach the effect of the next ones; a forecast reaches 90 days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsKept:
    """What one file brought: events of it, how many of them are new or say otherwise, how many it cancels."""

    file: str
    events: int
    new: int
    cancelled: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventShelf:
    """The events and profiles of one environment of a project's folder."""

    folder: Path
    environment: Environment

    @property
    def file(self) -> Path:
        """Where imported events are kept."""
        return self.folder / self.environment.state_dir / "events.json"

    def calendar(self) -> Calendar:
        """All imported events, in every version.

        Raises:
            DocumentError: the file is not what was written.
        """
        return read_document(Calendar, self.file) if self.file.exists() else Calendar()

    def keep(self, name: str, read: "EventsRead", at: datetime) -> EventsKept:
        """Adds what was read; what says the same is kept once, what says otherwise from now on."""
        before = self.calendar()
        after = before.merged(read.events).without(read.cancelled, at)
        if after != before:
            write_document(self.file, after)
        known = set(before.events)
        return EventsKept(
            file=name,
            events=len(read.events),
            new=sum(event not in known and event.withdrawn_at is None for event in after.events),
            cancelled=sum(event not in known and event.withdrawn_at == at for event in after.events),
            notes=(*read.notes, *self.unheard(read.events)),
        )

    def unheard(self, events: Sequence[DemandEvent]) -> tuple[str, ...]:
        """A note for each service that events name and that nothing is forecast for: no telemetry, no profile.

        Where that cannot be looked up, as whoever imports events may have no key, that is the note.
        """
        named = Counter(event.service for event in events if event.service)
        if not named:
            return ()
        try:
            known, total = self._services(), len(events)
        except PrestageError as error:
            names = ", ".join(sorted(named))
            return (f"whether anything is forecast for {names} could not be looked up: {error.what}",)
        return tuple(
            f"nothing is forecast for the service {service!r} ({count} of {total} events): neither telemetry nor a "
            f"customer's profile names it, and only what belongs to no service is moved; "
            + (likely(service, known) or f"known: {', '.join(known[:5]) or 'none'}")
            for service, count in sorted(named.items())
            if service not in known
        )

    def _services(self) -> tuple[str, ...]:
        from prestage.projects import history_of

        rows = history_of(self.folder, self.environment).load().measurements[["kind", "subject"]].drop_duplicates()
        keys = {SeriesKey(SeriesKind(kind), subject) for kind, subject in rows.itertuples(index=False)}
        keys |= {SeriesKey(use.kind, use.subject) for one in self.customers().customers for use in one.use}
        return tuple(sorted({key.service for key in keys if key.service}))

    def known_by(self, moment: datetime) -> Calendar:
        """What a forecast at that moment counts on: imported events and public holidays.

        Raises:
            UnknownPlace: a region names a country that nobody knows.
        """
        return self.calendar().known_by(moment).merged(self._holidays(moment))

    def every_version(self, moment: datetime) -> Calendar:
        """Imported events in every version, and public holidays around a moment: for back-tests.

        Raises:
            UnknownPlace: a region names a country that nobody knows.
        """
        return self.calendar().merged(self._holidays(moment))

    def _holidays(self, moment: datetime) -> tuple[DemandEvent, ...]:
        from forecaster.events.public_holidays import public_holidays

        return public_holidays(self.environment.regions, moment - HOLIDAYS_BACK, moment + HOLIDAYS_AHEAD)

    def customers(self) -> Customers:
        """What customers say that they will use; nobody where there is no such file.

        Raises:
            DocumentError: it is malformed.
            FileRefused: a region that is not the environment's, or a unit that is not the series'.
        """
        from contracts.yaml_files import read_yaml_document
        from forecaster.customers import check_customers

        path = self.folder / self.environment.customers
        if not path.exists():
            return Customers()
        customers = read_yaml_document(Customers, path)
        check_customers(customers, (region.name for region in self.environment.regions), path.name)
        return customers
