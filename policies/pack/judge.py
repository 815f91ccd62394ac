"""From what a stack declares to a `Review` by the same rules, and from there to what each pack policy reports. Pure.

The declared resources are laid over the reviewed plan: resources of roots that the stack does not hold are taken from
the plan as they are, those of its own roots are taken as declared, and what lies in clouds is the plan's too: a cloud's
own resources are parts that the rules do not know. What differs from the plan is a change, and so is what it destroys.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from contracts.capacity import Catalog, Pool, RegionFacts
from contracts.environment import Environment
from contracts.inventory import InventoryFacts
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.names import place_ends
from contracts.plan import Change, Operation, Plan, PlannedResource, Reason, ReasonCode
from contracts.resources import BlockSpec, Purpose, Resource
from contracts.review import Finding, Review
from policies.bundle import PolicyBundle
from policies.case import Facts
from policies.pack.declared import Declared
from policies.pack.prices import usd_per_hour
from policies.review import EXEMPTIONS, review_plan

PACK_RULES = (
    "budget",
    "headroom",
    "failover_partner",
    "allowed_regions",
    "no_destruction",
    "no_content_lost",
    "pool_utilisation",
    "expiry",
)
"""The rules that can be asked of declared resources. `change_ceiling` is about the step, not about the state."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a stack is judged on: the project's files, and the plan that was reviewed."""

    environment: Environment
    inventory: InventoryFacts
    catalog: Catalog
    bundle: PolicyBundle
    plan: Plan


def judge(ground: Ground, stack: tuple[Declared, ...], *, now: datetime) -> Review:
    """The review of what the stack declares."""
    owners = {item.resource.key: item.owner for item in stack}
    plan = laid_over(ground.plan, [item.resource for item in stack], ground.inventory, _clouds(ground.environment))
    facts = Facts(
        environment=ground.environment,
        regions=tuple(_regions(ground)),
        pools=tuple(_pools(ground.inventory, ground.plan)),
        ledger=LedgerView(environment=plan.environment, revision=0, units=tuple(_units(ground.plan, owners))),
        catalog=ground.catalog,
    )
    return review_plan(plan, facts, ground.bundle, now=now)


def laid_over(
    plan: Plan, resources: Iterable[Resource], inventory: InventoryFacts, clouds: Collection[str] = ()
) -> Plan:
    """The plan as it would be if it wanted what the stack declares: its resources, its changes, its cost.

    Of regions in `clouds`, whose resources no stack declares as the rules know them, it is the plan that counts.
    """
    planned = {item.resource.key: item for item in plan.resources}
    wanted = {resource.key: _as_planned(resource, planned.get(resource.key), inventory) for resource in resources}
    mine = {item.resource.root for item in wanted.values()}
    others = {
        key: item
        for key, item in planned.items()
        if item.resource.root not in mine or _ends(item.resource) <= frozenset(clouds)
    }
    after = {**others, **wanted}
    usd = plan.cost.egress_usd_per_hour + sum(item.usd_per_hour for item in after.values())
    return plan.model_copy(
        update={
            "resources": tuple(after[key] for key in sorted(after)),
            "changes": (*_changes(planned, after), *_destroyed(plan, after)),
            "cost": plan.cost.model_copy(update={"after_usd_per_hour": usd}),
        }
    )


def denials(review: Review, rule: str) -> tuple[Finding, ...]:
    """What the mandatory policy of a rule reports."""
    return tuple(finding for finding in review.findings if finding.rule == rule and finding.denies)


def advice(review: Review) -> tuple[Finding, ...]:
    """What the pack tells and lets pass: advisory findings, exempted ones, exemptions without effect."""
    asked = (*PACK_RULES, EXEMPTIONS)
    return tuple(finding for finding in review.findings if finding.rule in asked and not finding.denies)


def _clouds(environment: Environment) -> frozenset[str]:
    return frozenset(region.name for region in environment.regions if region.cloud)


def _ends(resource: Resource) -> frozenset[str]:
    return frozenset(place_ends(resource.place))


def _regions(ground: Ground) -> Iterator[RegionFacts]:
    """The inventory's regions, and those of clouds as the environment's file has them."""
    for region in ground.inventory.regions:
        yield RegionFacts(region=region.name, continent=region.continent, fault_domain=region.fault_domain)
    for settings in ground.environment.regions:
        if cloud := settings.cloud:
            yield RegionFacts(region=settings.name, continent=cloud.continent, fault_domain=cloud.fault_domain)


def _pools(inventory: InventoryFacts, plan: Plan) -> Iterator[Pool]:
    """The inventory's pools; taken is what the plan wants, for what is live no stack says."""
    specs = (item.resource.spec for item in plan.resources)
    blocks = [spec for spec in specs if isinstance(spec, BlockSpec)]
    for region in inventory.regions:
        for cidr in region.pools:
            taken = tuple(sorted(block.prefix for block in blocks if block.pool == cidr))
            yield Pool(region=region.name, cidr=cidr, taken=taken)


def _as_planned(resource: Resource, planned: PlannedResource | None, inventory: InventoryFacts) -> PlannedResource:
    """With the purpose and price of the plan where it wants the very same, else with what the inventory says."""
    if planned is None:
        reason = Reason(code=ReasonCode.REPAIR)
        return PlannedResource(resource=resource, usd_per_hour=usd_per_hour(resource, inventory), reason=reason)
    if planned.resource.spec == resource.spec and planned.resource.place == resource.place:
        return planned
    moved = resource.model_copy(update={"purpose": planned.resource.purpose})
    return planned.model_copy(update={"resource": moved, "usd_per_hour": usd_per_hour(moved, inventory)})


def _changes(before: dict[str, PlannedResource], after: dict[str, PlannedResource]) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        standing = new or old
        assert standing is not None
        yield Change(
            operation=Operation.DELETE if new is None else Operation.UPDATE if old else Operation.CREATE,
            key=key,
            place=standing.resource.place,
            before=old.resource if old else None,
            after=new.resource if new else None,
            reason=standing.reason,
            usd_per_hour=(new.usd_per_hour if new else 0.0) - (old.usd_per_hour if old else 0.0),
        )


def _destroyed(plan: Plan, after: dict[str, PlannedResource]) -> Iterator[Change]:
    """What the plan itself destroys, and the stack does as well."""
    for change in plan.changes:
        standing = after[change.key].resource if change.key in after else None
        if change.operation in (Operation.DELETE, Operation.REPLACE) and standing == change.after:
            yield change


def _units(plan: Plan, owners: dict[str, str]) -> Iterator[UnitView]:
    """What the plan knows to be handed out. Nobody's name is in a plan: the owner's tag stands for it."""
    for item in plan.resources:
        resource = item.resource
        if resource.purpose is Purpose.GRANTED:
            yield UnitView(
                key=resource.key,
                kind=resource.kind,
                place=resource.place,
                root=resource.root,
                state=UnitState.ACTIVE,
                holder=owners.get(resource.key),
            )
