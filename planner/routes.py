"""Which links a pair's traffic takes: its own, or the path of least latency where two regions are not joined."""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.capacity import LinkFacts
from contracts.names import link_name, pair_name


@dataclass(frozen=True, slots=True)
class Link:
    """Two regions that circuits can join, and the round trip between them: there are thousands of a large fleet."""

    a: str
    b: str
    latency_ms: float


@dataclass(frozen=True, slots=True)
class Route:
    """A way between two regions: the hops in order (`fra->ams`), and its round-trip latency."""

    hops: tuple[str, ...]
    latency_ms: float


class Routes:
    """Routes between regions that links join. Dijkstra per source; equal latencies are told apart by name."""

    def __init__(self, links: Iterable[LinkFacts | Link]) -> None:
        self._neighbours: dict[str, dict[str, float]] = {}
        for link in links:
            self._neighbours.setdefault(link.a, {})[link.b] = link.latency_ms
            self._neighbours.setdefault(link.b, {})[link.a] = link.latency_ms
        self._from: dict[str, Mapping[str, Route]] = {}

    def between(self, source: str, destination: str) -> Route | None:
        """The direct link where there is one, whatever its latency; else the quickest path; else nothing."""
        direct = self._neighbours.get(source, {}).get(destination)
        if direct is not None:
            return Route((pair_name(source, destination),), direct)
        if source not in self._from:
            self._from[source] = self._quickest(source)
        return self._from[source].get(destination)

    def _quickest(self, source: str) -> Mapping[str, Route]:
        found: dict[str, Route] = {}
        waiting: list[tuple[float, str, tuple[str, ...]]] = [(0.0, source, ())]
        while waiting:
            latency, region, hops = heapq.heappop(waiting)
            if region in found:
                continue
            found[region] = Route(hops, latency)
            for neighbour, more in self._neighbours.get(region, {}).items():
                if neighbour not in found:
                    heapq.heappush(waiting, (latency + more, neighbour, (*hops, pair_name(region, neighbour))))
        return found


def link_of(hop: str) -> str:
    """The link that a hop (`fra->ams`) uses."""
    return link_name(*hop.split("->"))
