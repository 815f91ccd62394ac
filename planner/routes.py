"""Which links a pair's traffic takes: its own, or the path of least latency where two regions are not joined.

Where prices per GB are stated, traffic takes the path on which a GB costs least: what each hop asks for it, circuits as
if they were full, and what the time is worth; its own link unless a path asks less.
"""

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


Tolls = Mapping[str, tuple[float, float]]
"""USD of a GB on a hop (`fra->ams`), circuits and latency counted, and its price alone; of every hop, or of none."""

_NO_TOLLS: Tolls = {}

LEAST_USD = 1e-12
"""USD by the GB that are no difference."""


class Routes:
    """Routes between regions that links join. Dijkstra per source; equal ones are told apart by latency, then name."""

    def __init__(self, links: Iterable[LinkFacts | Link], tolls: Tolls = _NO_TOLLS) -> None:
        self._neighbours: dict[str, dict[str, float]] = {}
        self._tolls = tolls
        for link in links:
            self._neighbours.setdefault(link.a, {})[link.b] = link.latency_ms
            self._neighbours.setdefault(link.b, {})[link.a] = link.latency_ms
        self._from: dict[str, Mapping[str, tuple[float, Route]]] = {}

    @property
    def priced(self) -> bool:
        """Whether any hop has a toll: paths are then the cheapest, not the quickest."""
        return bool(self._tolls)

    def between(self, source: str, destination: str) -> Route | None:
        """The direct link where there is one, whatever its latency; else the quickest path; else nothing.

        With tolls the direct link is left where a path is cheaper, and asks less by the GB: not to be there sooner.
        """
        direct = self._neighbours.get(source, {}).get(destination)
        if direct is not None and not self._tolls:
            return Route((pair_name(source, destination),), direct)
        if source not in self._from:
            self._from[source] = self._best(source)
        best = self._from[source].get(destination)
        if best and direct is not None and not self._saves(best, pair_name(source, destination)):
            return Route((pair_name(source, destination),), direct)
        return best[1] if best else None

    def _saves(self, best: tuple[float, Route], hop: str) -> bool:
        toll, price = self._tolls[hop]
        return best[0] < toll - LEAST_USD and sum(self._tolls[each][1] for each in best[1].hops) < price - LEAST_USD

    def _best(self, source: str) -> Mapping[str, tuple[float, Route]]:
        """The best route to every region, by toll, or by latency where there are none, and what it comes to."""
        found: dict[str, tuple[float, Route]] = {}
        waiting: list[tuple[float, float, str, tuple[str, ...]]] = [(0.0, 0.0, source, ())]
        while waiting:
            cost, latency, region, hops = heapq.heappop(waiting)
            if region in found:
                continue
            found[region] = cost, Route(hops, latency)
            for neighbour, more in self._neighbours.get(region, {}).items():
                if neighbour not in found:
                    hop = pair_name(region, neighbour)
                    toll = self._tolls[hop][0] if self._tolls else more
                    heapq.heappush(waiting, (cost + toll, latency + more, neighbour, (*hops, hop)))
        return found


def link_of(hop: str) -> str:
    """The link that a hop (`fra->ams`) uses."""
    return link_name(*hop.split("->"))
