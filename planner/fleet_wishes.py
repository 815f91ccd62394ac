"""What a solved fleet wants: compute by type and purchase, failover entries, circuits.

Compute has counts by hour of the day (UTC) where a region is scaled by schedule.
"""

from collections.abc import Iterable

import numpy as np

from contracts.capacity import CapacityKind
from contracts.plan import ReasonCode, RefusedAlternative, Requirement
from contracts.resources import HOURS_A_DAY, CircuitSpec, ComputeSpec, FailoverSpec, Purchase, Purpose, ResourceKind
from planner.alternatives import circuit_alternatives
from planner.desired import Desired, Wish
from planner.fleet.choice import loads
from planner.fleet.circuits import SLACK
from planner.fleet_alternatives import fleet_alternatives, next_best
from planner.fleet_arrays import KINDS, by_place
from planner.fleets import Fleet
from planner.keys import failover_key, item_key


def want_fleet(desired: Desired, fleet: Fleet, needs: Iterable[Requirement]) -> None:
    """Adds the fleet's compute, failover entries and circuits to what is wanted."""
    solution, known, others, instead = fleet.solution, by_place(needs), fleet_alternatives(fleet), next_best(fleet)
    for at, region in enumerate(fleet.regions):
        served = tuple(item.id for kind in KINDS if (item := known.get((region, kind))))
        used = solution.committed[at] + solution.on_demand[at].sum(1) + solution.spot[at].sum(1)
        for kind in np.flatnonzero(used[: len(fleet.shapes)]).tolist():  # what is beyond is given
            shape = fleet.shapes[kind]
            counts = {
                Purchase.COMMITTED: np.full(HOURS_A_DAY, solution.committed[at, kind]),
                Purchase.ON_DEMAND: solution.on_demand[at, kind],
                Purchase.SPOT: solution.spot[at, kind],
            }
            for purchase, by_hour in counts.items():
                if by_hour.any():
                    best = instead.get((at, kind, purchase))
                    refused = (*others[at], *((best,) if best else ()))
                    _want_compute(desired, (region, shape.name, purchase), by_hour, (served, refused))
    for (region, partner), share in sorted(fleet.shares().items()):
        spec = FailoverSpec(partner=partner, share=min(1.0, share))
        key = failover_key(region, partner)
        desired.want(Wish(key=key, place=region, purpose=Purpose.SUPPORT, spec=spec, code=ReasonCode.FAILOVER))
    carried = np.maximum(loads(fleet.problem, solution.shares.reshape(-1)) - SLACK, 0.0)
    for at, link in enumerate(fleet.links):
        need = known.get((link, CapacityKind.GBPS))
        by_tier = zip(desired.market.tiers, solution.circuits[at].tolist(), strict=True)
        chosen = {name: count for name, count in by_tier if count}
        room = float(fleet.problem.link_quotas[at])
        refused = circuit_alternatives(desired.market, link, float(carried[at]), room, chosen) if chosen else ()
        for tier, count in zip(desired.market.tiers.values(), solution.circuits[at].tolist(), strict=True):
            if count:
                desired.want(
                    Wish(
                        key=item_key(link, ResourceKind.CIRCUIT, Purpose.SERVING, tier.name),
                        place=link,
                        purpose=Purpose.SERVING,
                        spec=CircuitSpec(tier=tier.name, gbps=tier.gbps, count=count),
                        code=ReasonCode.DEMAND if need else ReasonCode.FAILOVER,
                        requirements=(need.id,) if need else (),
                        alternatives=refused,
                    )
                )


def _want_compute(
    desired: Desired,
    what: tuple[str, str, Purchase],
    by_hour: np.ndarray,
    why: tuple[tuple[str, ...], tuple[RefusedAlternative, ...]],
) -> None:
    region, shape, purchase = what
    counts = tuple(by_hour.tolist())
    constant = min(counts) == max(counts)
    item = shape if purchase is Purchase.ON_DEMAND else f"{shape}-{purchase.value}"
    spec = ComputeSpec(shape=shape, count=max(counts), purchase=purchase, by_hour=() if constant else counts)
    key = item_key(region, ResourceKind.COMPUTE, Purpose.SERVING, item)
    desired.want(
        Wish(
            key=key,
            place=region,
            purpose=Purpose.SERVING,
            spec=spec,
            code=ReasonCode.DEMAND,
            requirements=why[0],
            alternatives=why[1],
        )
    )
