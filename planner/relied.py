"""Prices and quotas that a plan leans on: apply refuses it when one of them has moved past the tolerance."""

from collections.abc import Sequence

from contracts.plan import PlannedResource, ReliedOn
from planner.market import Market
from planner.requirements import rounded


def relied_on(market: Market, resources: Sequence[PlannedResource]) -> tuple[ReliedOn, ...]:
    """Every price that is paid and every quota that is used, sorted."""
    found: dict[str, float] = {}
    for item in resources:
        for (where, name, purchase), _ in market.bill(item.resource):
            if (usd := market.price(where, name, purchase)) is not None:
                found[f"price {where} {name} {purchase}"] = rounded(usd)
        for where, kind in market.use(item.resource):
            if (where, kind) in market.available:
                found[f"quota {where} {kind}"] = rounded(market.available[where, kind])
    return tuple(ReliedOn(what=what, value=found[what]) for what in sorted(found))
