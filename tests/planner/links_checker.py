"""Judges what links carry, out of contracts alone: traffic along its ways, copies beside it, and circuits for both.

What every link must carry is derived from the documents; what is more than its circuits has to find room on others.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from scipy.optimize import linprog

from contracts.capacity import CapacityKind
from contracts.failover import Reserve
from contracts.names import link_ends, link_name, pair_ends
from contracts.plan import Plan
from contracts.preference import Move
from contracts.resources import CircuitSpec, Purpose
from contracts.series import Granularity, SeriesKey, SeriesKind
from tests.planner.egress_checker import egress_prices, way
from tests.planner.plan_asked import at_level, frozen_regions, level_met, moved_demand
from tests.planner.plan_breach import Breach, Rule
from tests.planner.plan_facts import Asked, delays, resources_of, shares_of


def link_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    known = {link_name(link.a, link.b) for link in asked.capacity.links}
    for resource in resources_of(plan):
        if isinstance(resource.spec, CircuitSpec) and resource.place not in known:
            yield Breach(
                rule=Rule.LINK, where=resource.key, what=f"no link joins {' and '.join(link_ends(resource.place))}"
            )


def traffic_breaches(asked: Asked, plan: Plan) -> Iterator[Breach]:
    """Circuits against what traffic asks of each link."""
    moves = plan.preference.moves if plan.preference else ()
    gbps: dict[str, float] = defaultdict(float)
    for item in resources_of(plan):
        if isinstance(item.spec, CircuitSpec) and item.purpose is Purpose.SERVING:
            gbps[item.place] += item.spec.gbps * item.spec.count
    wanted = _with_copies(asked, plan, on_links(asked, moves))
    if not carried(wanted, gbps):
        for link, want in sorted(wanted.items()):
            if gbps[link] < want - 1e-5:
                said = f"{gbps[link]:g} gbps, {want:g} wanted, and no other way carries the rest"
                yield Breach(rule=Rule.DEMAND, where=link, what=said)


def _with_copies(asked: Asked, plan: Plan, wanted: dict[str, float]) -> dict[str, float]:
    """What links must carry, with what regions send to their partners: each region's in full, both ways together."""
    if asked.environment.failover.reserve is Reserve.SHARED:
        return wanted
    found, frozen = defaultdict(float, wanted), frozen_regions(asked)
    for region, shares in shares_of(plan).items():
        each = asked.environment.replication_gbps_of(region)
        for partner, share in shares.items() if each else ():
            for hop in ways(asked).between(region, partner):
                if frozen.isdisjoint(hop):
                    found[link_name(*hop)] += each * share
    return found


def on_links(asked: Asked, moves: tuple[Move, ...] = ()) -> dict[str, float]:
    """Gbps of every link that traffic takes: the larger direction, each pair along its own link or the quickest way."""
    loads: dict[str, dict[tuple[str, str], list[SeriesKey]]] = defaultdict(lambda: defaultdict(list))
    mine, frozen = {region.name for region in asked.environment.regions}, frozen_regions(asked)
    known = ways(asked)
    for key in {key for key, granularity in asked.forecast.values if granularity is Granularity.HOURLY}:
        if key.kind is SeriesKind.TRAFFIC and mine.issuperset(pair_ends(key.subject)):
            for hop in known.between(*pair_ends(key.subject)):
                loads[link_name(*hop)][hop].append(key)
    hours = asked.environment.horizons.hours_of(CapacityKind.GBPS)
    found = {}
    for link, directions in loads.items():
        if frozen.isdisjoint(link_ends(link)):
            tables = [_together(asked, sorted(keys, key=str), hours) for keys in directions.values()]
            levels = [level_met(asked, link, CapacityKind.GBPS, table) for table in tables]
            found[link] = max(
                float(at_level(asked, table, level).max()) for table, level in zip(tables, levels, strict=True)
            )
    for move in moves if asked.environment.placement.gbps_per_vcpu else ():
        gbps = asked.environment.placement.gbps_per_vcpu * moved_demand(asked, move, CapacityKind.VCPU)
        for hop in known.between(move.region, move.host):
            if frozen.isdisjoint(hop):
                found[link_name(*hop)] = found.get(link_name(*hop), 0.0) + gbps
    return found


def _together(asked: Asked, keys: list[SeriesKey], hours: int) -> np.ndarray:
    """(hours, levels) of series that add up: over paths where there are any, above the median no more than the sum."""
    tables = [asked.forecast.values[key, Granularity.HOURLY][:hours] for key in keys]
    summed: np.ndarray = np.sum([table[: min(map(len, tables))] for table in tables], axis=0)
    if len(keys) == 1 or not all(key in asked.forecast.paths for key in keys):
        return summed
    paths = np.sum([asked.forecast.paths[key].astype(float) for key in keys], axis=0)
    for hour in range(min(len(summed), paths.shape[1])):
        for at, level in enumerate(asked.forecast.document.levels):
            drawn = float(np.quantile(paths[:, hour], level, method="hazen"))
            summed[hour, at] = min(drawn, summed[hour, at]) if level > 0.5 else drawn
        summed[hour] = np.maximum.accumulate(summed[hour])
    return summed


def carried(wanted: dict[str, float], circuits: dict[str, float]) -> bool:
    """Whether circuits carry what links are wanted for, what is more than theirs over other links (a flow of each)."""
    short = {link: gbps - circuits.get(link, 0.0) for link, gbps in wanted.items()}
    short = {link: gbps for link, gbps in short.items() if gbps > 1e-5}
    if not short:
        return True
    edges = sorted({*circuits, *wanted} - short.keys())
    if not edges:
        return False
    spare = [circuits.get(link, 0.0) - wanted.get(link, 0.0) for link in edges]
    names, count = sorted({end for link in (*edges, *short) for end in link_ends(link)}), 2 * len(edges)
    balance = np.zeros((len(short) * len(names), len(short) * count))
    sent = np.zeros(len(balance))
    for of, (link, gbps) in enumerate(sorted(short.items())):
        for at, edge in enumerate(edges):
            one, other = (of * len(names) + names.index(end) for end in link_ends(edge))
            for side, (source, into) in enumerate(((one, other), (other, one))):
                balance[source, of * count + 2 * at + side] += 1
                balance[into, of * count + 2 * at + side] -= 1
        first, last = (of * len(names) + names.index(end) for end in link_ends(link))
        sent[first], sent[last] = gbps - 2e-5, -(gbps - 2e-5)
    room = np.tile(np.repeat(np.eye(len(edges)), 2, axis=1), len(short))
    answer = linprog(np.zeros(balance.shape[1]), A_ub=room, b_ub=np.maximum(spare, 0.0), A_eq=balance, b_eq=sent)
    return bool(answer.status == 0)


def ways(asked: Asked) -> "_Ways":
    """The ways between regions."""
    return _Ways(asked)


class _Ways:
    """The hops that traffic between two regions takes: its own link, or the quickest way (by delays between all)."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._priced = asked, bool(egress_prices(asked))
        self._delay = delays(asked)
        self._next: dict[str, dict[str, float]] = defaultdict(dict)
        mine = {region.name for region in asked.environment.regions}
        for link in (link for link in asked.capacity.links if mine.issuperset((link.a, link.b))):
            self._next[link.a][link.b] = self._next[link.b][link.a] = link.latency_ms

    def delay(self, source: str, destination: str) -> float:
        """Milliseconds along the own link, where there is one, else the quickest way."""
        return self._next[source].get(destination, self._delay.get((source, destination), float("inf")))

    def between(self, source: str, destination: str) -> Iterator[tuple[str, str]]:
        if self._priced:
            yield from way(self._asked, source, destination)
            return
        at = source
        if destination in self._next[source] or not np.isfinite(self._delay.get((source, destination), np.inf)):
            yield source, destination
            return
        while at != destination:
            left = self._delay[at, destination]
            on = min(
                hop for hop, ms in self._next[at].items() if abs(ms + self._delay[hop, destination] - left) <= 1e-9
            )
            yield at, on
            at = on
