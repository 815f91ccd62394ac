"""One flow record, whichever collector wrote it (pure).

Names of fields are those of pmacct's print and file plugins (JSON in lower case, CSV in capitals) and of goflow2's JSON
(version 1 in words like `SrcAddr`, version 2 in words like `src_addr`). Which of them a record has is looked up once
for each set of names.
"""

import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import TypeAlias

from forecaster.sources.flows.services import SERVICE_FIELDS, Cells, cells_of

Cell: TypeAlias = object
Record: TypeAlias = Mapping[str, Cell]
Address: TypeAlias = tuple[int, int]
"""Family (4 or 6) and number."""

EARLIEST_S = 946_684_800  # 2000-01-01: an exporter that does not know the time says 1970
LATEST_S = 7_258_118_400  # 2200-01-01
LONGEST_S = 86_400.0
MAX_BYTES = 2.0**63

_NAMES: dict[str, tuple[str, ...]] = {
    "bytes": ("bytes", "in_bytes", "octets"),
    "source": ("ip_src", "src_addr", "srcaddr", "src_ip", "src_host"),
    "destination": ("ip_dst", "dst_addr", "dstaddr", "dst_ip", "dst_host"),
    "source_net": ("net_src", "src_net"),
    "destination_net": ("net_dst", "dst_net"),
    "source_as": ("as_src", "src_as", "srcas"),
    "destination_as": ("as_dst", "dst_as", "dstas"),
    "begin": ("timestamp_start", "time_flow_start_ns", "time_flow_start", "timeflowstart", "timeflowstartms"),
    "end": ("timestamp_end", "time_flow_end_ns", "time_flow_end", "timeflowend", "timeflowendms"),
    "received": ("time_received_ns", "time_received", "timereceived", "timestamp_arrival"),
    "bin": ("stamp_inserted",),
    "rate": ("sampling_rate", "samplingrate"),
    "exporter": ("peer_ip_src", "peer_src_ip", "sampler_address", "sampleraddress"),
    **SERVICE_FIELDS,
}


class BadRecord(ValueError):
    """What is wrong with a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One flow, or one sample of one.

    Attributes:
        source, destination: addresses; None where the record has none.
        source_as, destination_as: autonomous systems; 0 where the record has none.
        begin_s, end_s: seconds since 1970; equal for a sample.
        bytes: as many as were sent: those counted, times the sampling rate.
        exporter: who reported it; empty where the record does not say.
        service: that it is of; empty where it is of none, or nobody asked.
    """

    source: Address | None
    destination: Address | None
    source_as: int
    destination_as: int
    begin_s: float
    end_s: float
    bytes: float
    exporter: str
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What records do not say themselves: see `contracts.sources.FlowSource`; `service_of` is made of its rules."""

    zone: zoneinfo.ZoneInfo | None = None
    sampling_rate: int = 1
    bin_s: int = 300
    service_of: Callable[[Cells], str] | None = None


def flow_of(record: Record, reading: Reading) -> Flow | None:
    """A record as a flow; None for what is none: marks that pmacct puts around a batch, flows of no bytes.

    Raises:
        BadRecord: a field that is needed is missing, or is not what it should be.
    """
    form = _form(tuple(record))
    if "bytes" not in form:
        if str(record.get("event_type", "")).startswith("purge_"):
            return None
        raise BadRecord(f"has no bytes; it has {', '.join(record)[:120]}")
    counted = _number(record[form["bytes"]], "bytes")
    if counted == 0:
        return None
    rate = _number(record[form["rate"]], "sampling rate") if "rate" in form else 0.0
    begin, end = _times(record, form, reading)
    return Flow(
        source=_address(record, form, "source"),
        destination=_address(record, form, "destination"),
        source_as=_system(record, form, "source_as"),
        destination_as=_system(record, form, "destination_as"),
        begin_s=begin,
        end_s=end,
        bytes=counted * (rate or reading.sampling_rate),  # 0: the exporter did not say
        exporter=str(record[form["exporter"]]) if "exporter" in form else "",
        service=reading.service_of(cells_of(record, form)) if reading.service_of else "",
    )


@lru_cache(maxsize=1024)
def _form(names: tuple[str, ...]) -> dict[str, str]:
    """Which of a record's fields is what."""
    lower = {name.strip().lower(): name for name in reversed(names)}
    found = {what: _first(known, lower) for what, known in _NAMES.items()}
    return {what: name for what, name in found.items() if name}


def _first(known: Iterable[str], lower: Mapping[str, str]) -> str:
    return next((lower[name] for name in known if name in lower), "")


def _number(cell: Cell, what: str) -> float:
    try:
        number = float(cell) if isinstance(cell, str | int | float) else float("nan")
    except (ValueError, OverflowError) as error:
        raise BadRecord(f"{what} is {str(cell)[:40]!r}") from error
    if not 0 <= number <= MAX_BYTES:
        raise BadRecord(f"{what} is {str(cell)[:40]}")
    return number


def _address(record: Record, form: Mapping[str, str], which: str) -> Address | None:
    """An address, else the network address of its prefix; an IPv4 address in IPv6 clothes is IPv4."""
    for name in (form.get(which), form.get(f"{which}_net")):
        text = record[name] if name else None
        if isinstance(text, str) and text:
            return _parsed(text)
    return None


@lru_cache(maxsize=1 << 17)
def _parsed(text: str) -> Address:
    try:
        found = ip_address(text.strip().partition("/")[0])
    except ValueError as error:
        raise BadRecord(f"{text[:60]!r} is no address") from error
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return found.version, int(found)


def _system(record: Record, form: Mapping[str, str], which: str) -> int:
    name = form.get(which)
    return int(_number(record[name] or 0, which.replace("_", " "))) if name else 0


def _times(record: Record, form: Mapping[str, str], reading: Reading) -> tuple[float, float]:
    """Begin and end; what is missing, or said by a clock that was never set, is taken from the rest."""
    begin, end = (_moment(record, form, name, reading) for name in ("begin", "end"))
    if begin is None and end is None:
        begin = _moment(record, form, "bin", reading)
        end = None if begin is None else begin + reading.bin_s
    last = end if end is not None else _moment(record, form, "received", reading) or begin
    first = begin if begin is not None else last
    if first is None or last is None:
        raise BadRecord(f"has no time; it has {', '.join(record)[:120]}")
    if first > last or last - first > LONGEST_S:
        first = last  # a begin that cannot be: it all counts where it ended
    return first, last


def _moment(record: Record, form: Mapping[str, str], which: str, reading: Reading) -> float | None:
    name = form.get(which)
    cell = record[name] if name else None
    if cell is None or cell == "":
        return None
    seconds = _seconds(cell, reading.zone)
    if seconds > LATEST_S:
        raise BadRecord(f"{which} time is {str(cell)[:40]!r}")
    return seconds if seconds >= EARLIEST_S else None


def _seconds(cell: Cell, zone: zoneinfo.ZoneInfo | None) -> float:
    """A moment in seconds, milli-, micro- or nanoseconds (which of them its size tells), or as text."""
    if isinstance(cell, str) and "-" in cell[1:]:
        return _of_text(cell, zone)
    number = _number(cell, "time")
    for unit in (1e9, 1e6, 1e3):
        if number >= EARLIEST_S * unit:
            return number / unit
    return number


def _of_text(text: str, zone: zoneinfo.ZoneInfo | None) -> float:
    if text.startswith("0000"):
        return 0.0
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadRecord(f"{text[:40]!r} is no time") from error
    if moment.tzinfo is None:
        if zone is None:
            raise BadRecord(f"{text[:40]} has no time zone: set timezone, or timestamps_utc in pmacct")
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC).timestamp()
    except OverflowError as error:
        raise BadRecord(f"{text[:40]!r} is no time") from error
