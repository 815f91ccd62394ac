"""Three weeks of made-up telemetry for a new project: enough for a first forecast, and plainly not anybody's.

A region's load follows the clock of its place and the week, with noise; traffic of a pair follows both ends; peering
requests are Poisson, more of them when there is more traffic. Seeded: the same moment gives the same files.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

DAYS = 21
_SEED = 10547586
_GIB_PER_VCPU = 4.0
_STORAGE_GIB_PER_VCPU = 40.0
_REQUESTS_A_DAY = 3.0


class _Region(NamedTuple):
    """vCPUs in use on average, and the hour (UTC) of its evening peak."""

    vcpu: float
    peak_hour: int


class _Pair(NamedTuple):
    """Mean gbps of an ordered pair, and whether customers ask for peerings on it."""

    source: str
    destination: str
    gbps: float
    peered: bool = False


_REGIONS = {
    "fra": _Region(420, 19),
    "ams": _Region(360, 19),
    "lon": _Region(380, 20),
    "mad": _Region(180, 20),
    "nyc": _Region(440, 1),
    "chi": _Region(240, 2),
    "dfw": _Region(220, 2),
}

_PAIRS = (
    _Pair("fra", "ams", 14, peered=True),
    _Pair("ams", "fra", 11),
    _Pair("lon", "nyc", 9, peered=True),
    _Pair("nyc", "lon", 8),
    _Pair("fra", "lon", 6),
    _Pair("mad", "fra", 3, peered=True),
    _Pair("nyc", "chi", 7, peered=True),
    _Pair("chi", "dfw", 4),
    _Pair("dfw", "nyc", 4),
    _Pair("ams", "nyc", 5),
)


@dataclass(frozen=True, slots=True)
class SampleHistory:
    """The files of a history that ends at the last full hour before `until`."""

    until: datetime

    def files(self) -> dict[str, str]:
        """File name to text."""
        return {
            "utilisation.csv": "time,region,metric,value,unit\n" + "".join(self._utilisation()),
            "traffic.csv": "time,source,destination,value,unit\n" + "".join(self._traffic()),
            "requests.csv": "time,source,destination,vcpu,memory_gib,storage_gib,gbps,prefix_length,duration_hours\n"
            + "".join(self._requests()),
        }

    def _hours(self) -> Iterator[datetime]:
        end = self.until.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        yield from (end - timedelta(hours=back) for back in range(DAYS * 24, 0, -1))

    def _utilisation(self) -> Iterator[str]:
        chance = random.Random(_SEED)
        for step, hour in enumerate(self._hours()):
            for name, region in _REGIONS.items():
                vcpu = region.vcpu * _load(hour, region.peak_hour) * chance.gauss(1, 0.04)
                stored = region.vcpu * _STORAGE_GIB_PER_VCPU * (1 + step / 20_000)  # grows 2.5 % in three weeks
                yield f"{_text(hour)},{name},cpu,{vcpu:.2f},vcpu\n"
                yield f"{_text(hour)},{name},memory,{vcpu * _GIB_PER_VCPU * chance.gauss(0.9, 0.01):.2f},gib\n"
                yield f"{_text(hour)},{name},storage,{stored:.1f},gib\n"

    def _traffic(self) -> Iterator[str]:
        chance = random.Random(_SEED + 1)
        for hour in self._hours():
            for pair in _PAIRS:
                gbps = pair.gbps * _pair_load(hour, pair) * chance.gauss(1, 0.06)
                yield f"{_text(hour)},{pair.source},{pair.destination},{gbps:.3f},gbps\n"

    def _requests(self) -> Iterator[str]:
        chance = random.Random(_SEED + 2)
        for hour in self._hours():
            for pair in _PAIRS:
                # At most one an hour: thinning of an hourly chance, a day's mean of `_REQUESTS_A_DAY`.
                if pair.peered and chance.random() < _REQUESTS_A_DAY / 24 * _pair_load(hour, pair):
                    at = hour + timedelta(seconds=chance.randrange(3600))
                    yield f"{_text(at)},{pair.source},{pair.destination},{_sizes(chance)}\n"


def _load(hour: datetime, peak_hour: int) -> float:
    """Share of the mean: a daily wave with its peak in the evening of the place, weekends a fifth lower."""
    daily = 1 + 0.35 * math.cos((hour.hour - peak_hour) / 24 * math.tau)
    return daily * (0.85 if hour.weekday() >= 5 else 1.06)


def _pair_load(hour: datetime, pair: _Pair) -> float:
    return (_load(hour, _REGIONS[pair.source].peak_hour) + _load(hour, _REGIONS[pair.destination].peak_hour)) / 2


def _sizes(chance: random.Random) -> str:
    vcpu = chance.choice((2, 4, 4, 8))
    return f"{vcpu},{vcpu * 4},{vcpu * 50},{chance.choice((0.2, 0.5, 0.5, 1))},28,{chance.choice((24, 48, 72, 168))}"


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"
