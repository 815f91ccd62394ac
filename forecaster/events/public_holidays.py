"""Public holidays of regions as events, by the package `holidays` (extra `events`; pure: its tables are code)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.environment import RegionSettings
from contracts.events import DemandEvent, EventKind
from contracts.spelling import likely
from forecaster.errors import ExtraMissing, UnknownPlace

KNOWN_BEFORE = timedelta(days=366)  # laws name them long before


def public_holidays(regions: Iterable[RegionSettings], first: datetime, last: datetime) -> tuple[DemandEvent, ...]:
    """Holidays of the regions that name a country, that touch the window; one event for all regions of a time zone.

    Raises:
        UnknownPlace: a country, subdivision or time zone that nobody knows.
        ExtraMissing: the package is not installed, and a region names a country.
    """
    days: dict[tuple[date, str], list[str]] = defaultdict(list)
    names: dict[tuple[date, str], str] = {}
    years = range(first.year, last.year + 1)
    for region in sorted(regions, key=lambda one: one.name):
        for day, name in _of_country(region, years).items() if region.country else ():
            days[day, region.timezone].append(region.name)
            names.setdefault((day, region.timezone), name)
    events = (_event(day, zone, tuple(here), names[day, zone]) for (day, zone), here in sorted(days.items()))
    return tuple(event for event in events if event.end > first and event.start < last)


def _of_country(region: RegionSettings, years: range) -> dict[date, str]:
    try:
        import holidays
    except ImportError as error:
        raise ExtraMissing(
            "the package holidays is not installed",
            where=f"regions.{region.name}.country",
            next_step="pip install 'prestage[events]', or leave the country out",
        ) from error
    country, _, subdivision = region.country.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        raise _unknown(region, f"there is no country {country!r}", likely(country.upper(), known), "DE, US, GB, ...")
    if subdivision and subdivision not in known[country]:
        some = ", ".join(known[country][:12]) or f"none: {country} alone"
        raise _unknown(region, f"{country} has no {subdivision!r}", likely(subdivision.upper(), known[country]), some)
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=years)
    return {day: str(name) for day, name in found.items()}


def _event(day: date, zone: str, regions: tuple[str, ...], name: str) -> DemandEvent:
    try:
        local = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownPlace(
            f"there is no time zone {zone!r}", where=f"regions.{regions[0]}.timezone", expected="Europe/Berlin"
        ) from error
    start, end = (datetime.combine(each, time(), local).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    return DemandEvent(
        id=f"holiday/{day.isoformat()}/{zone}",
        kind=EventKind.HOLIDAY,
        name=name[:300],
        start=start,
        end=end,
        regions=regions,
        known_at=start - KNOWN_BEFORE,
    )


def _unknown(region: RegionSettings, what: str, hint: str, expected: str) -> UnknownPlace:
    place = f"regions.{region.name}.country"
    return UnknownPlace(what, where=place, expected=expected, next_step=hint or "ISO 3166: DE, or DE-HE")
