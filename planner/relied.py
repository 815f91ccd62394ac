"""Prices and quotas that a plan leans on: apply refuses it when one of them has moved past the tolerance."""

from collections.abc import Iterable, Sequence

from contracts.capacity import EGRESS_ITEM
from contracts.plan import PlannedResource, ReliedOn
from contracts.resources import Purchase
from planner.market import Market
from planner.requirements import rounded
from planner.tariff import egress_price


def relied_on(market: Market, resources: Sequence[PlannedResource], hops: Iterable[str] = ()) -> tuple[ReliedOn, ...]:
    """Every price that is paid, by the GB on hops, too, and every quota that is used, sorted."""
    paid = (egress_price(market, hop) for hop in hops)
    found = {f"price {price[0]} {EGRESS_ITEM} {Purchase.ON_DEMAND}": rounded(price[1]) for price in paid if price}
    for item in resources:
        for (where, name, purchase), _ in market.bill(item.resource):
            if (usd := market.price(where, name, purchase)) is not None:
                found[f"price {where} {name} {purchase}"] = rounded(usd)
        for where, kind in market.use(item.resource):
            if (where, kind) in market.available:
                found[f"quota {where} {kind}"] = rounded(market.available[where, kind])
    return tuple(ReliedOn(what=what, value=found[what]) for what in sorted(found))
