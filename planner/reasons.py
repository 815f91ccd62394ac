"""What buys each resource: the requirement that decides its size, the loss that it stands by for, the marginal price.

The marginal price is read from the market alone: what the cheapest way to have one more unit at the place would cost,
as the dual prices of covering the place's own demand (a linear program of two rows, solved by its dual). Where a fleet
is planned as a whole, it is read from the duals of that model instead: `MarginalBasis` says which it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.capacity import CapacityKind
from contracts.names import is_link
from contracts.plan import Marginal, MarginalBasis, PlannedResource, Reason, ReasonCode, Requirement
from contracts.resources import ComputeSpec, FailoverSpec, Purchase, Purpose, Resource, StorageSpec
from planner.covering import covering_duals
from planner.market import Market
from planner.requirements import rounded
from planner.sites import Amount

CRITICAL = "critical load of "
"""The part of a failover requirement that names the region whose loss it is for."""

COVERED = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)
"""What one instance gives at once, so that its price is shared between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buying:
    """What reasons are told from.

    Attributes:
        market: prices.
        requirements: by id.
        duals: of a whole plan's model, USD per hour of one more unit by requirement; they outweigh the market's.
        losses: what serves in a region and stands by for others, too: whose loss it is held for, by region.
    """

    market: Market
    requirements: Mapping[str, Requirement]
    duals: Mapping[str, float] = field(default_factory=dict)
    losses: Mapping[str, str] = field(default_factory=dict)
    _covering: dict[tuple[str, tuple[float, ...]], tuple[float, float] | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        market: Market,
        requirements: Iterable[Requirement],
        duals: Mapping[str, float] | None = None,
        losses: Mapping[str, str] | None = None,
    ) -> "Buying":
        by_id = {item.id: item for item in requirements}
        return cls(market=market, requirements=by_id, duals=duals or {}, losses=losses or {})

    def told(self, item: PlannedResource) -> PlannedResource:
        """The resource with its reason in full. What meets no requirement has none but its code."""
        reason = self._reason(item.resource, item.reason)
        return item if reason == item.reason else item.model_copy(update={"reason": reason})

    def _reason(self, resource: Resource, reason: Reason) -> Reason:
        if isinstance(resource.spec, FailoverSpec):
            return reason.model_copy(update={"scenario": resource.place})
        needs = [self.requirements[name] for name in reason.requirements if name in self.requirements]
        if not needs:
            return reason
        prices = {need.id: self._marginal(resource, need, needs) for need in needs}
        weights = [((prices[need.id] or 0.0) * need.quantity, -at) for at, need in enumerate(needs)]
        buyer = needs[-max(weights)[1]]
        usd = prices[buyer.id]
        basis = MarginalBasis.DUALS if buyer.id in self.duals else MarginalBasis.MARKET
        marginal = (
            None
            if usd is None
            else Marginal(place=buyer.place, kind=buyer.kind, usd_per_hour=rounded(usd), basis=basis)
        )
        scenario = _scenario(buyer) if reason.code is ReasonCode.FAILOVER else self._loss(resource)
        return reason.model_copy(update={"bought_by": buyer.id, "scenario": scenario, "marginal": marginal})

    def _loss(self, resource: Resource) -> str:
        spec = resource.spec
        firm = isinstance(spec, ComputeSpec) and spec.purchase is not Purchase.SPOT
        return self.losses.get(resource.place, "") if firm and resource.purpose is Purpose.SERVING else ""

    def _marginal(self, resource: Resource, need: Requirement, needs: list[Requirement]) -> float | None:
        """USD per hour of one more unit of a requirement, where the market sells it."""
        spec = resource.spec
        if need.id in self.duals:
            return max(0.0, self.duals[need.id])
        if isinstance(spec, StorageSpec):
            places = (resource.place, spec.replica_region) if spec.replica_region else (resource.place,)
            each = [self.market.price(place, spec.storage_class) for place in places]
            return sum(usd for usd in each if usd is not None) if each[0] is not None else None
        if isinstance(spec, ComputeSpec) and need.kind in COVERED and not is_link(resource.place):
            quantities = {item.kind: item.quantity for item in needs}
            quantity = tuple(quantities.get(kind, 0.0) for kind in COVERED)
            if (resource.place, quantity) not in self._covering:
                self._covering[resource.place, quantity] = covering_prices(self.market, resource.place, quantity)
            found = self._covering[resource.place, quantity]
            return found[COVERED.index(need.kind)] if found else None
        return self.market.unit_price(resource.place, need.kind)


def covering_prices(market: Market, region: str, quantity: tuple[float, ...]) -> tuple[float, float] | None:
    """What one more vCPU and GiB would cost where so much of both must be covered; None where nothing is sold."""
    offered = market.offered_shapes(region)
    if not offered:
        return None
    of_vcpu, of_memory = covering_duals(offered, Amount(vcpu=quantity[0], memory_gib=quantity[1]))
    return (rounded(of_vcpu), rounded(of_memory))


def _scenario(need: Requirement) -> str:
    """The region whose loss a failover requirement is for; nothing where it is for regions left as they are."""
    names = [part.removeprefix(CRITICAL) for part in need.parts if part.startswith(CRITICAL)]
    return " and ".join(name for name in names if " " not in name)
