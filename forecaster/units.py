"""Stated units to canonical ones (pure). SI prefixes for rates (1 kbps = 1000 bit/s), binary ones for GiB."""

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

from contracts.series import SeriesKind, Unit, unit_of
from forecaster.errors import UnitUnclear


class Gather(StrEnum):
    """How samples within an hour become the hour's value, and hours a day's."""

    MEAN = "mean"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Measure:
    """How a stated unit becomes the canonical one: multiply by `factor`, then gather the samples of an hour."""

    factor: float
    gather: Gather = Gather.MEAN


_PREFIX = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_GIB = 2.0**30

_RATES = {
    spelling: Measure(bits * factor / 1e9)
    for prefix, factor in _PREFIX.items()
    for spellings, bits in (
        ((f"{prefix}bps", f"{prefix}bit/s"), 1.0),
        ((f"{prefix}Bps", f"{prefix}B/s"), 8.0),
    )
    for spelling in spellings
}
_SIZES = {
    **{f"{prefix}ib": Measure(2.0**power / _GIB) for prefix, power in (("k", 10), ("m", 20), ("g", 30), ("t", 40))},
    **{f"{prefix}b": Measure(_PREFIX[prefix] / _GIB) for prefix in ("k", "m", "g", "t")},
    "bytes": Measure(1 / _GIB),
}
_CORES = {"vcpu": Measure(1.0), "millicores": Measure(0.001)}
_COUNTS = {
    "count": Measure(1.0, Gather.SUM),
    "count/s": Measure(3600.0),
    "count/min": Measure(60.0),
    "count/h": Measure(1.0),
}
_LEVELS = {"count": Measure(1.0)}  # users: four quarter hours of 100 users are an hour of 100 users

_VOLUME = re.compile(r"(?P<what>bytes|bits)(?:/|_per_)(?P<count>[1-9]\d{0,4})?(?P<span>s|sec|m|min|h|hour)")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600}


def gather_of(kind: SeriesKind) -> Gather:
    """How hours of a kind become a day: counts are summed; rates and levels (users too) are averaged."""
    return Gather.SUM if kind in (SeriesKind.PEERING_REQUESTS, SeriesKind.TRANSACTIONS) else Gather.MEAN


def measure_of(kind: SeriesKind, unit: str, *, where: str) -> Measure:
    """The measure of a stated unit for a kind of series.

    Args:
        kind: what is measured.
        unit: as people write it: `mbps`, `kBps`, `bytes/15min`, `mib`, `count/s`. Case tells bits from bytes in rates
            (`Mbps`, `MBps`); elsewhere it does not matter.
        where: file and column, for the message.

    Raises:
        UnitUnclear: not a unit of this kind.
    """
    canonical = unit_of(kind)
    text = unit.strip()
    if canonical is Unit.GBPS:
        volume = _volume(text)
        if volume is not None:
            return volume
        text = text[:1].lower() + text[1:] if len(text) > 3 and text[:1] in "KMGT" else text
    else:
        text = text.lower()
    found = _spellings(kind).get(text)
    if found is None:
        raise _unknown(kind, unit, where)
    return found


def is_of(kind: SeriesKind, unit: str) -> bool:
    """Whether a kind can be measured in that unit."""
    try:
        measure_of(kind, unit, where="")
    except UnitUnclear:
        return False
    return True


def _spellings(kind: SeriesKind) -> dict[str, Measure]:
    if kind is SeriesKind.USERS:
        return _LEVELS
    match unit_of(kind):
        case Unit.GBPS:
            return _RATES
        case Unit.GIB:
            return _SIZES
        case Unit.VCPU:
            return _CORES
        case Unit.COUNT:
            return _COUNTS


def _volume(text: str) -> Measure | None:
    """`bytes/15min`: a volume per interval is a mean rate over that interval."""
    match = _VOLUME.fullmatch(text)
    if match is None:
        return None
    seconds = int(match["count"] or 1) * _SECONDS[match["span"]]
    return Measure((8.0 if match["what"] == "bytes" else 1.0) / seconds / 1e9)


def _unknown(kind: SeriesKind, unit: str, where: str) -> UnitUnclear:
    known = sorted(_spellings(kind))
    close = difflib.get_close_matches(unit, known, n=1)
    interval = unit.startswith(("bytes", "bits")) and unit_of(kind) is Unit.GBPS
    hint = "state the interval, such as bytes/15min" if interval else f"did you mean {close[0]!r}?" if close else ""
    volumes = ", bytes/15min, bits/300s" if unit_of(kind) is Unit.GBPS else ""
    return UnitUnclear(
        f"{unit!r} is not a unit of {kind.value}", where=where, expected=", ".join(known) + volumes, next_step=hint
    )
