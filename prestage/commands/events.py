"""`prestage events`: what moves demand beside habit, in; and what is known of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped

if TYPE_CHECKING:
    from contracts.environment import Environment
    from forecaster.sources.calendars import CalendarReading

KINDS = ("sports", "release", "news", "campaign", "maintenance", "holiday", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportEvents:
    """Files of events, and what they do not say of themselves."""

    files: tuple[Path, ...]
    kind: str
    regions: tuple[str, ...]
    service: str
    uplift: str | None
    timezone: str
    known_at: datetime | None
    days_back: int
    days_ahead: int

    def reading(self, environment: "Environment", now: datetime) -> "CalendarReading":
        """As the reader wants them."""
        from contracts.events import EventKind
        from forecaster.sources.calendars import CalendarReading, number_of, zone_of

        zone_of(self.timezone, "--timezone")
        return CalendarReading(
            regions=tuple((region.name, region.timezone) for region in environment.regions),
            read_at=now,
            since=now - timedelta(days=self.days_back),
            until=now + timedelta(days=self.days_ahead),
            kind=EventKind(self.kind),
            where=self.regions,
            service=self.service,
            uplift=number_of(self.uplift, "--uplift") if self.uplift else None,
            timezone=self.timezone,
            known_at=self.known_at and self.known_at.replace(tzinfo=UTC),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowEvents:
    """How far around now."""

    days_back: int
    days_ahead: int


@click.group(
    epilog=examples(
        "prestage events import league.ics --kind sports --region fra",
        "prestage events import campaigns.json",
        "prestage events show --days-ahead 30",
    )
)
def command() -> None:
    """Import events that move demand; show what is known of them."""


@command.command(
    "import",
    epilog=examples(
        "prestage events import league.ics --kind sports --region fra --region ams",
        "prestage events import launch.ics --kind release --uplift +40% --service web",
        "prestage events import campaigns.json --known-at 2026-02-01",
        "",
        "Without --known-at an event is known since the file says so, else from now on: no back-test of an earlier",
        "time sees it. Imported again, what says the same is kept once, what says otherwise counts from now on.",
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--kind", type=click.Choice(KINDS), default="other", show_default=True, help="Of events that do not say.")
@click.option("--region", "regions", multiple=True, help="Of events that do not say; everywhere by default.")
@click.option("--service", default="", help="Of events that do not say; everybody's demand by default.")
@click.option("--uplift", help="Of events that do not say: a factor, 1.4, or per cent, +40%.")
@click.option("--timezone", default="UTC", show_default=True, help="Of local times of events without a region.")
@click.option("--known-at", type=click.DateTime(), help="When they were announced, UTC, whatever the file says.")
@click.option("--days-back", type=click.IntRange(0, 4000), default=800, show_default=True, help="Of repeating events.")
@click.option("--days-ahead", type=click.IntRange(1, 4000), default=400, show_default=True, help="Of repeating events.")
@scoped(ImportEvents)
def import_(scope: Scope, options: ImportEvents) -> int:
    """Import iCalendar or JSON files: all of them or none."""
    from forecaster.sources.calendars import read_events
    from prestage.demo.folder import clock_of
    from prestage.event_files import EventShelf
    from prestage.projects import read_environment
    from prestage.views.events import kept_document, kept_text

    environment, now = read_environment(scope), clock_of(scope.folder)()
    shelf, reading = EventShelf(folder=scope.folder, environment=environment), options.reading(environment, now)
    read = [(str(path), read_events(path, reading)) for path in options.files]  # all are read before any is kept
    kept = [shelf.keep(name, each, now) for name, each in read]
    scope.answer(kept_document(kept), lambda: kept_text(kept))
    return ExitCode.CLEAN


@command.command("show", epilog=examples("prestage events show", "prestage events show --json | jq '.events[0]'"))
@click.option("--days-back", type=click.IntRange(0, 4000), default=7, show_default=True, help="Events since then.")
@click.option("--days-ahead", type=click.IntRange(1, 4000), default=28, show_default=True, help="Events until then.")
@scoped(ShowEvents)
def show(scope: Scope, options: ShowEvents) -> int:
    """Show the events known now, public holidays among them."""
    from contracts.events import Calendar
    from prestage.demo.folder import clock_of
    from prestage.event_files import EventShelf
    from prestage.projects import read_environment
    from prestage.views.events import events_text

    now = clock_of(scope.folder)()
    first, last = now - timedelta(days=options.days_back), now + timedelta(days=options.days_ahead)
    known = EventShelf(folder=scope.folder, environment=read_environment(scope)).known_by(now).events
    shown = Calendar(events=tuple(event for event in known if event.end > first and event.start < last))
    scope.answer(shown, lambda: events_text(shown, len(known), now))
    return ExitCode.CLEAN
