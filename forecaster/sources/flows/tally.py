"""`Tally`: flows to bytes by pair, service, block and hour (pure).

A flow's bytes are spread evenly over the time it lasted. An hour in which the collector wrote nothing at all is a gap;
in every other hour a pair without flows had no traffic.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias, TypeVar

import numpy as np
import pandas as pd

from contracts.names import pair_name
from contracts.series import SeriesKey, SeriesKind
from contracts.sources import FlowSource
from forecaster.errors import SourceRefused
from forecaster.sources.flows.records import Address, Flow
from forecaster.sources.routes.table import Place, RegionTable
from forecaster.sources.samples import SeriesHours, frame_of
from forecaster.sources.window import HOUR_S, Numbers, Window

GBIT = 8 / 1e9
CERTAIN = 20.0
"""A silence that chance makes once in exp(20) = 5e8 times is none of chance's."""

Hours: TypeAlias = Numbers
"""(hours of the window,)."""

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where addresses and systems lie.

    Attributes:
        own: the environment's blocks and the file of prefixes.
        dumped: what table dumps add.
        systems: regions of autonomous systems, for records without addresses.
    """

    own: RegionTable
    dumped: RegionTable = field(default_factory=RegionTable)
    systems: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tally:
    """Counts flows; `rows` is what came of it."""

    source: FlowSource
    window: Window
    places: Places
    pairs: dict[tuple[str, str], Hours] = field(default_factory=dict)
    services: dict[tuple[str, str, str], Hours] = field(default_factory=dict)
    blocks: dict[str, Hours] = field(default_factory=dict)
    heard: Counter[int] = field(default_factory=Counter)
    first_s: float = np.inf
    last_s: float = -np.inf
    flows: int = 0
    bytes: float = 0.0
    unknown: Counter[str] = field(default_factory=Counter)
    inside: float = 0.0
    exporters: Counter[str] = field(default_factory=Counter)
    _place: Callable[[Address], Place | None] = field(init=False)
    _block: Callable[[Address], str] = field(init=False)

    def __post_init__(self) -> None:
        self._place = lru_cache(maxsize=1 << 17)(self._looked_up)
        self._block = lru_cache(maxsize=1 << 17)(self._block_of)

    def add(self, flow: Flow) -> None:
        """Takes a flow in; one of an exporter that does not count is passed over."""
        if self.source.exporters and flow.exporter not in self.source.exporters:
            return
        self.first_s, self.last_s = min(self.first_s, flow.begin_s), max(self.last_s, flow.end_s)
        shares = self._shares(flow)
        if not shares:
            return
        self.flows += 1
        self.exporters[flow.exporter] += 1
        self.heard.update([hour for hour, _ in shares])
        self.bytes += flow.bytes
        self._count_pair(flow, shares)
        self._count_blocks(flow, shares)

    def rows(self) -> pd.DataFrame:
        """Measurements: traffic of pairs, services, blocks, gbit/s, mean of each hour that the collector was heard in.

        Raises:
            SourceRefused: more blocks than may be kept.
        """
        if len(self.blocks) > self.source.max_blocks:
            raise SourceRefused(
                f"has traffic of {len(self.blocks)} address blocks, more than {self.source.max_blocks}",
                where=f"source {self.source.name}",
                next_step="set a shorter block_length, 0 to keep none, or raise max_blocks",
            )
        covered = self._covered()
        kept = np.flatnonzero(covered > 0)
        hours = self.window.begin + kept * HOUR_S
        totals = [(SeriesKey(SeriesKind.TRAFFIC, pair_name(*pair)), total) for pair, total in self.pairs.items()]
        totals += [
            (SeriesKey(SeriesKind.SERVICE_TRAFFIC, f"{service}@{pair_name(*pair)}"), total)
            for (service, *pair), total in self.services.items()
        ]
        totals += [(SeriesKey(SeriesKind.BLOCK_TRAFFIC, block), total) for block, total in self.blocks.items()]
        scale = GBIT / (covered[kept] * HOUR_S)
        return frame_of([SeriesHours(key, hours, total[kept] * scale, covered[kept]) for key, total in totals])

    def _covered(self) -> Hours:
        """The share of each hour that was heard: all of it, but for where the records begin and end in mid-hour.

        Whether they do is a question of chance: with n flows over a time t, a silence of s beside them has the
        probability exp(-n s / t) (arrivals of a Poisson process); below exp(-CERTAIN) the collector was not running.
        """
        covered = np.zeros(self.window.hours)
        for hour, flows in self.heard.items():
            begin = self.window.begin + hour * HOUR_S
            reach = min(self.last_s, begin + HOUR_S) - max(self.first_s, begin)
            silence = HOUR_S - reach
            covered[hour] = reach / HOUR_S if reach > 0 and flows * silence > CERTAIN * reach else 1.0
        return covered

    def _shares(self, flow: Flow) -> list[tuple[int, float]]:
        """Hours of the window that a flow touches, and its bytes in each."""
        begin, end = flow.begin_s - self.window.begin, flow.end_s - self.window.begin
        first, last = int(begin // HOUR_S), int(end // HOUR_S)
        length = end - begin
        if length <= 0 or first == last:
            return [(first, flow.bytes)] if 0 <= first < self.window.hours else []
        shares = []
        for hour in range(max(first, 0), min(last, self.window.hours - 1) + 1):
            inside = min(end, (hour + 1) * HOUR_S) - max(begin, hour * HOUR_S)
            if inside > 0:
                shares.append((hour, flow.bytes * inside / length))
        return shares

    def _count_pair(self, flow: Flow, shares: list[tuple[int, float]]) -> None:
        source = self._region(flow.source, flow.source_as)
        destination = self._region(flow.destination, flow.destination_as)
        if source and destination and source != destination:
            self._count(self.pairs, (source, destination), shares)
            if flow.service:
                self._count(self.services, (flow.service, source, destination), shares)
        elif source and destination:
            self.inside += flow.bytes
        else:
            for end, region in ((flow.source, source), (flow.destination, destination)):
                if not region:
                    self.unknown[_around(end)] += round(flow.bytes)

    def _count_blocks(self, flow: Flow, shares: list[tuple[int, float]]) -> None:
        """Bytes to and from each block; within a block they count once."""
        ends = (flow.source, flow.destination)
        for block in {self._block(end) for end in ends if end is not None} - {""}:
            self._count(self.blocks, block, shares)

    def _count(self, totals: dict[Key, Hours], key: Key, shares: list[tuple[int, float]]) -> None:
        total = totals.get(key)
        if total is None:
            total = totals[key] = np.zeros(self.window.hours)
        for hour, amount in shares:
            total[hour] += amount

    def _region(self, address: Address | None, system: int) -> str:
        place = self._place(address) if address is not None else None
        return place.region if place else self.places.systems.get(system, "")

    def _looked_up(self, address: Address) -> Place | None:
        return self.places.own.place(*address) or self.places.dumped.place(*address)

    def _block_of(self, address: Address) -> str:
        """The block of an address among the environment's own prefixes; nothing outside of them."""
        version, number = address
        length, bits = (self.source.block_length, 32) if version == 4 else (self.source.block_length_v6, 128)
        place = self.places.own.place(version, number) if length else None
        if place is None:
            return ""
        length = max(length, place.length)
        first = number >> (bits - length) << (bits - length)
        return str((IPv4Network if version == 4 else IPv6Network)((first, length)))


def _around(address: Address | None) -> str:
    """The /16 or /32 around an address that lies in no region, for the message."""
    if address is None:
        return "records without addresses"
    version, number = address
    bits, length, kind = (32, 16, IPv4Network) if version == 4 else (128, 32, IPv6Network)
    return str(kind((number >> (bits - length) << (bits - length), length)))
