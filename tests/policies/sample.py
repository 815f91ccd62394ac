"""A small plan that every rule lets pass, and the pieces to break it with."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from contracts.capacity import CapacityKind, Catalog, CircuitTier, Pool, RegionFacts, Shape, StorageClass
from contracts.engines import EngineName
from contracts.environment import Environment, RegionSettings
from contracts.failover import FailoverSettings
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.limits import Rules
from contracts.names import is_link
from contracts.plan import (
    Change,
    Cost,
    ForecastLink,
    Inputs,
    Operation,
    Plan,
    PlannedResource,
    Reason,
    ReasonCode,
    Requirement,
)
from contracts.resources import (
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purpose,
    Resource,
    Spec,
    StorageSpec,
    root_of,
)
from contracts.review import Exemption, Review
from policies.bundle import PolicyBundle
from policies.case import Facts
from policies.review import review_plan

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
MADE = NOW - timedelta(hours=1)
CATALOG = Catalog(
    shapes=(Shape(name="m8", vcpu=8, memory_gib=32),),
    storage_classes=(StorageClass(name="standard"),),
    circuit_tiers=(CircuitTier(name="1g", gbps=1), CircuitTier(name="10g", gbps=10)),
)
REGIONS = (
    RegionFacts(region="ams", continent="europe", fault_domain="eu-central"),
    RegionFacts(region="fra", continent="europe", fault_domain="eu-central"),
    RegionFacts(region="lon", continent="europe", fault_domain="gb"),
)
POOL = Pool(region="fra", cidr="10.16.0.0/24", taken=("10.16.0.0/26",))


def resource(key: str, spec: Spec, purpose: Purpose = Purpose.SERVING) -> Resource:
    place = key.partition("/")[0]
    return Resource(key=key, place=place, root=root_of(place), purpose=purpose, spec=spec)


def planned(item: Resource, usd: float = 1.0, *requirements: str) -> PlannedResource:
    code = ReasonCode.DEMAND if requirements else ReasonCode.SUPPORT
    return PlannedResource(resource=item, usd_per_hour=usd, reason=Reason(code=code, requirements=requirements))


def requirement(
    place: str,
    kind: CapacityKind,
    quantity: float,
    level: float = 0.9,
    series: str = "cpu",
    at: datetime = MADE + timedelta(hours=6),
) -> Requirement:
    named = series if ":" in series else f"{series}:{place}"
    forecast = ForecastLink(series=named, level=level, value=quantity, at=at)
    identity = f"{place}/{kind}/serving"
    parts = {"forecast": quantity}
    return Requirement(
        id=identity, place=place, kind=kind, quantity=quantity, code=ReasonCode.DEMAND, forecast=forecast, parts=parts
    )


NETWORK = resource("fra/network", NetworkSpec(asn=64512), Purpose.SUPPORT)
COMPUTE = resource("fra/compute/serving/m8", ComputeSpec(shape="m8", count=10))
STORAGE = resource("fra/storage/serving/standard", StorageSpec(storage_class="standard", gib=500))
BLOCK = resource("fra/block/staged/10.16.0.64-28", BlockSpec(prefix="10.16.0.64/28", pool=POOL.cidr), Purpose.STAGED)
FAILOVER = resource("fra/failover/lon", FailoverSpec(partner="lon", share=1.0), Purpose.SUPPORT)
STANDBY = resource("lon/compute/failover/m8", ComputeSpec(shape="m8", count=4), Purpose.FAILOVER)
CIRCUIT = resource("ams--fra/circuit/serving/10g", CircuitSpec(tier="10g", gbps=10, count=2))
LINK = resource("ams--fra/link", LinkSpec(), Purpose.SUPPORT)
GRANTED = resource("fra/compute/staged/m8/0001", ComputeSpec(shape="m8", count=2), Purpose.GRANTED)

RESOURCES = (NETWORK, COMPUTE, STORAGE, BLOCK, FAILOVER, STANDBY, CIRCUIT, LINK, GRANTED)
REQUIREMENTS = (
    requirement("fra", CapacityKind.VCPU, 78.5),
    requirement("fra", CapacityKind.STORAGE_GIB, 480),
    requirement("ams--fra", CapacityKind.GBPS, 17.25),
)
UNITS = (
    UnitView(
        key=GRANTED.key,
        kind=GRANTED.kind,
        place="fra",
        root="fra",
        state=UnitState.ACTIVE,
        holder="acme",
        until=NOW + timedelta(days=2),
    ),
)


def create(item: Resource, usd: float = 1.0) -> Change:
    return Change(
        operation=Operation.CREATE, key=item.key, place=item.place, after=item, reason=_reason(item), usd_per_hour=usd
    )


def delete(item: Resource, operation: Operation = Operation.DELETE) -> Change:
    after = item if operation is Operation.REPLACE else None
    reason = Reason(code=ReasonCode.SURPLUS)
    return Change(
        operation=operation, key=item.key, place=item.place, before=item, after=after, reason=reason, usd_per_hour=-1
    )


def update(before: Resource, after: Resource) -> Change:
    return Change(
        operation=Operation.UPDATE,
        key=after.key,
        place=after.place,
        before=before,
        after=after,
        reason=_reason(after),
        usd_per_hour=0,
    )


def _reason(item: Resource) -> Reason:
    mine = tuple(entry.id for entry in REQUIREMENTS if entry.place == item.place and entry.kind == CapacityKind.VCPU)
    serves = item.purpose is Purpose.SERVING and not is_link(item.place)
    return Reason(code=ReasonCode.DEMAND if serves else ReasonCode.SUPPORT, requirements=mine if serves else ())


COST = Cost(
    before_usd_per_hour=10,
    after_usd_per_hour=17.8,
    optimised_usd_per_hour=12,
    lower_bound_usd_per_hour=11.9,
    gap=0.008333,
)
RULES = Rules(
    budget_usd_per_hour=20, headroom_quantile=0.8, max_pool_utilisation=0.5, allowed_regions={"acme": ("fra",)}
)
FAILED_OVER = FailoverSettings()


@dataclass(frozen=True)
class Scene:
    """Everything that a review is made of; `replace` breaks one piece."""

    resources: tuple[Resource, ...] = RESOURCES
    requirements: tuple[Requirement, ...] = REQUIREMENTS
    changes: tuple[Change, ...] = (create(COMPUTE, 4.0), create(BLOCK), create(CIRCUIT, 2.8))
    cost: Cost = COST
    expires_at: datetime = MADE + timedelta(hours=24)
    rules: Rules = RULES
    failover: FailoverSettings = FAILED_OVER
    pools: tuple[Pool, ...] = (POOL,)
    units: tuple[UnitView, ...] = UNITS
    exemptions: tuple[Exemption, ...] = ()
    residency: tuple[str, ...] = ()  # of fra

    def but(self, **pieces) -> "Scene":
        return replace(self, **pieces)

    def plan(self) -> Plan:
        return Plan(
            environment="dev",
            engine=EngineName.TERRAFORM,
            made_at=MADE,
            expires_at=self.expires_at,
            inputs=Inputs(
                forecast="sha256:" + "f" * 64,
                capacity="sha256:" + "c" * 64,
                catalog="sha256:" + "a" * 64,
                environment="sha256:" + "e" * 64,
                rules="sha256:" + "d" * 64,
                ledger="sha256:" + "b" * 64,
            ),
            requirements=self.requirements,
            resources=tuple(planned(item) for item in self.resources),
            changes=self.changes,
            cost=self.cost,
            solver="highs: optimal",
        )

    def environment(self) -> Environment:
        residency = {"fra": self.residency}
        regions = tuple(
            RegionSettings(name=facts.region, residency=residency.get(facts.region, ())) for facts in REGIONS
        )
        return Environment(name="dev", regions=regions, rules=self.rules, failover=self.failover)

    def facts(self) -> Facts:
        return Facts(
            environment=self.environment(),
            regions=REGIONS,
            pools=self.pools,
            ledger=LedgerView(environment="dev", revision=3, units=self.units),
            catalog=CATALOG,
        )

    def bundle(self) -> PolicyBundle:
        return PolicyBundle(self.rules, self.exemptions)

    def review(self) -> Review:
        return review_plan(self.plan(), self.facts(), self.bundle(), now=NOW)

    def with_rules(self, **numbers) -> "Scene":
        return replace(self, rules=self.rules.model_copy(update=numbers))


def exemption(rule: str, resource: str = "*", *, days: float = 1) -> Exemption:
    return Exemption(
        rule=rule, resource=resource, reason="agreed", owner="ops@example.org", expires=NOW + timedelta(days=days)
    )
