"""`RegionTable`: address to region by the longest prefix (pure).

Prefixes either nest or lie apart, so that one sweep cuts each family's line of addresses into stretches of one region;
an address is found by bisection. What the environment itself says comes before what BGP says.
"""

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from contracts.environment import Environment
from contracts.inventory import InventoryFacts
from forecaster.errors import ConflictingRows, MalformedFile

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Prefix: TypeAlias = tuple[Network, str]
"""A prefix and its region; an empty region is one that is known to be none of ours."""

Families: TypeAlias = dict[int, dict[tuple[int, int], str]]
"""By family (4 or 6), then by address and length: the region."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address lies: its region, and the length of the prefix that says so."""

    region: str
    length: int


@dataclass(frozen=True, slots=True)
class _Line:
    """Beginnings of stretches, ascending, and what holds from each on."""

    begins: Sequence[int] = (0,)
    places: Sequence[Place | None] = (None,)

    def at(self, address: int) -> Place | None:
        return self.places[bisect_right(self.begins, address) - 1]


@dataclass(frozen=True, slots=True)
class RegionTable:
    """One line for each family."""

    lines: dict[int, _Line] = field(default_factory=dict)
    prefixes: int = 0

    def place(self, version: int, address: int) -> Place | None:
        """Where an address lies; None where nobody says."""
        line = self.lines.get(version)
        found = line.at(address) if line else None
        return found if found and found.region else None


def region_table(prefixes: Iterable[Prefix], *, where: str) -> RegionTable:
    """The table of some prefixes.

    Raises:
        ConflictingRows: one prefix lies in two regions.
    """
    by_family: Families = {4: {}, 6: {}}
    for network, region in prefixes:
        family, key = by_family[network.version], (int(network.network_address), network.prefixlen)
        if family.setdefault(key, region) != region:
            raise ConflictingRows(
                f"{network} lies in {family[key]} and in {region}",
                where=where,
                expected="each prefix in one region",
                next_step="correct the address blocks, or the file of prefixes",
            )
    return table_of(by_family)


def table_of(prefixes: Families) -> RegionTable:
    """The table of prefixes that are numbers already."""
    lines = {version: _line(found, 32 if version == 4 else 128) for version, found in prefixes.items()}
    return RegionTable(lines, sum(len(found) for found in prefixes.values()))


def own_prefixes(environment: Environment, inventory: InventoryFacts) -> tuple[Prefix, ...]:
    """The address blocks that an environment's files name: pools on premises and in clouds, prefixes behind routers."""
    named = [(region.name, region.pools) for region in inventory.regions]
    named += [(region.name, region.cloud.pools) for region in environment.regions if region.cloud]
    named += [(region.name, region.prefixes) for region in environment.regions]
    return tuple((ipaddress.ip_network(pool, strict=False), name) for name, pools in named for pool in pools)


def prefix_of(text: str, *, where: str) -> Network:
    """A prefix as people write it.

    Raises:
        MalformedFile: it is none.
    """
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise MalformedFile(str(error), where=where, expected="a prefix such as 10.0.0.0/24") from error


def _line(prefixes: dict[tuple[int, int], str], bits: int) -> _Line:
    """The sweep: where a prefix ends, the one around it goes on."""
    begins: list[int] = [0]
    places: list[Place | None] = [None]
    same: dict[tuple[str, int], Place] = {}  # a million prefixes have a few hundred places
    around: list[tuple[int, Place]] = []  # ends of the prefixes that hold the present address, innermost last

    def holds_from(address: int, place: Place | None) -> None:
        if begins[-1] == address:
            places[-1] = place
        else:
            begins.append(address)
            places.append(place)

    def close_until(address: int) -> None:
        while around and around[-1][0] <= address:
            end, _ = around.pop()
            holds_from(end, around[-1][1] if around else None)

    for (begin, length), region in sorted(prefixes.items()):
        close_until(begin)
        place = same.setdefault((region, length), Place(region, length))
        holds_from(begin, place)
        around.append((begin + (1 << (bits - length)), place))
    close_until(1 << bits)
    assert all(one < other for one, other in pairwise(begins))
    return _Line(begins, places)
