"""Wanted circuits: the cheapest tiers that carry each link."""

from contracts.names import is_link
from contracts.plan import Shortfall
from contracts.resources import CircuitSpec, Purpose, ResourceKind
from planner.alternatives import circuit_alternatives
from planner.circuits import cheapest_circuits
from planner.demand import Demand
from planner.desired import Desired, Wish
from planner.detours import Way
from planner.keys import item_key
from planner.shortfalls import shortfall


def want_circuits(desired: Desired, demand: Demand) -> tuple[tuple[Shortfall, ...], float]:
    """The cheapest circuits for every link; what cannot be carried; and the cost, which is the least there is."""
    short, usd_per_hour = [], 0.0
    for need in demand.needs:
        if not is_link(need.place):
            continue
        market, way = desired.market, Way.of(desired.market, demand.given, need.place)
        wanted = need.quantity - way.given_gbps
        circuits = cheapest_circuits(wanted, way.room_gbps, way.offers)
        if circuits is None:
            short.append(shortfall(need, way.most_gbps, sold=bool(way.offers)))
            continue
        usd_per_hour += circuits.usd_per_hour
        refused = circuit_alternatives(market, need.place, wanted, way.room_gbps, circuits.counts)
        for name, count in circuits.counts.items():
            desired.want(
                Wish(
                    key=item_key(need.place, ResourceKind.CIRCUIT, Purpose.SERVING, name),
                    place=need.place,
                    purpose=Purpose.SERVING,
                    spec=CircuitSpec(tier=name, gbps=market.tiers[name].gbps, count=count),
                    code=need.code,
                    requirements=(need.id,),
                    alternatives=refused,
                )
            )
    return tuple(short), usd_per_hour
