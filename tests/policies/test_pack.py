"""The policy pack, without Pulumi: reads back what is declared, and agrees with the review on the same plan."""

import pytest
from hypothesis import given

from contracts.capacity import CapacityKind
from contracts.inventory import HostGroup, InventoryFacts, LinkInventory, RegionInventory
from contracts.limits import Level
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    ComputeSpec,
    Purchase,
    Purpose,
    Resource,
    Spec,
    StorageSpec,
)
from policies.pack.declared import Declared, UnreadableResource, declared, purpose_in
from policies.pack.judge import PACK_RULES, Ground, advice, denials, judge, laid_over
from policies.pack.prices import usd_per_hour
from stacks.targets.estate import declare
from tests.contracts.documents import _of
from tests.policies.sample import (
    BLOCK,
    CATALOG,
    CIRCUIT,
    COMPUTE,
    FAILOVER,
    GRANTED,
    NOW,
    POOL,
    REGIONS,
    RESOURCES,
    STORAGE,
    Scene,
    delete,
    exemption,
    requirement,
    resource,
)

INVENTORY = InventoryFacts(
    regions=tuple(
        RegionInventory(
            name=facts.region,
            continent=facts.continent,
            fault_domain=facts.fault_domain,
            hosts=(HostGroup(count=1, vcpu=64, memory_gib=256),),
            pools=(POOL.cidr,) if facts.region == "fra" else (),
            prices={"m8": 0.4, "standard": 0.0001, "address": 0.004},
            spot_prices={"m8": 0.1},
        )
        for facts in REGIONS
    ),
    links=(LinkInventory(a="fra", b="ams", latency_ms=7, gbps=400, prices={"10g": 1.4}),),
)
SCENE = Scene().but(changes=()).with_rules(budget_usd_per_hour=13)


def ground(scene: Scene = SCENE) -> Ground:
    return Ground(scene.environment(), INVENTORY, CATALOG, scene.bundle(), scene.plan())


def stack(*items: Resource) -> tuple[Declared, ...]:
    """What Pulumi hands over for resources that were declared: numbers are floats there."""
    found = []
    for declaration in declare(items, SCENE.environment()):
        token = "estate:index:" + declaration.type.removeprefix("estate_").capitalize()
        arguments = {
            name: float(value) if isinstance(value, int) else value for name, value in declaration.arguments.items()
        }
        read = declared(token, f"urn:{declaration.key}", arguments)
        assert read is not None
        found.append(read)
    return tuple(found)


def rules_denying(*items: Resource, scene: Scene = SCENE) -> set[str]:
    review = judge(ground(scene), stack(*items), now=NOW)
    return {rule for rule in PACK_RULES if denials(review, rule)}


@given(_of(Spec))
def test_every_declaration_is_read_back_as_the_resource_that_it_declares(spec):
    place = "ams--fra" if spec.kind in ("circuit", "link") else "fra"
    if spec.kind == "storage":  # on premises a replica is always a volume of its own: nothing says so
        spec = spec.model_copy(update={"copied": False})
    item = Resource(
        key=f"{place}/x", place=place, root="links" if "--" in place else "fra", purpose=Purpose.SUPPORT, spec=spec
    )
    (read,) = stack(item)
    assert read.resource == item
    assert (read.environment, read.owner) == ("dev", "network")


def test_a_stack_that_declares_the_plan_passes_as_the_plan_does():
    assert not judge(ground(), stack(*RESOURCES), now=NOW).denied
    plan = laid_over(SCENE.plan(), list(RESOURCES), INVENTORY)
    assert plan.resources == tuple(sorted(SCENE.plan().resources, key=lambda item: item.resource.key))
    assert plan.changes == ()
    assert plan.cost.after_usd_per_hour == len(RESOURCES)


def test_a_stack_of_one_root_is_judged_with_the_others_as_planned():
    fra = [item for item in RESOURCES if item.root == "fra"]
    assert not rules_denying(*fra)
    assert not rules_denying(CIRCUIT, *[item for item in RESOURCES if item.root == "links" and item != CIRCUIT])


def test_what_lies_in_clouds_is_judged_as_it_is_planned():
    """Their stacks declare VPCs and disks: that no network of the plan is among them is no deletion."""
    clouds = {item.place for item in RESOURCES if "--" not in item.place}
    plan = laid_over(SCENE.plan(), [], INVENTORY, clouds)
    assert plan.changes == () and len(plan.resources) == len(RESOURCES)
    (first, *_) = sorted(clouds)
    some = [item for item in RESOURCES if item.place != first]
    assert laid_over(SCENE.plan(), some, INVENTORY, {first}).changes == ()
    assert laid_over(SCENE.plan(), [item for item in RESOURCES if item.kind != "compute"], INVENTORY).changes


def changed(old: Resource, **fields) -> list[Resource]:
    new = old.model_copy(update={"spec": old.spec.model_copy(update=fields)})
    return [new if item == old else item for item in RESOURCES]


def without(*items: Resource) -> list[Resource]:
    return [item for item in RESOURCES if item not in items]


EDITS = {
    "dearer": (changed(COMPUTE, count=25), {"budget"}),
    "smaller than demand": (changed(COMPUTE, count=9), {"headroom"}),
    "less storage": (changed(STORAGE, gib=400), {"headroom", "no_content_lost"}),
    "storage of another class": (changed(STORAGE, storage_class="fast"), {"no_content_lost"}),
    "no storage": (without(STORAGE), {"headroom", "no_content_lost"}),
    "more storage": (changed(STORAGE, gib=600), set()),
    "failover left out": (without(FAILOVER), {"failover_partner"}),
    "failover next door": (changed(FAILOVER, partner="ams"), {"failover_partner"}),
    "a grant left out": (without(GRANTED), {"no_destruction"}),
    "a grant shrunk": (changed(GRANTED, count=1), {"no_destruction"}),
    "a pool used up": (
        [*RESOURCES, resource("fra/block/x/1", BlockSpec(prefix="10.16.0.128/25", pool=POOL.cidr), Purpose.SUPPORT)],
        {"pool_utilisation"},
    ),
    "a pool used up, exempted": (
        [*RESOURCES, resource("fra/block/x/1", BlockSpec(prefix="10.16.0.128/25", pool=POOL.cidr), Purpose.SUPPORT)],
        set(),
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_program_edited_beside_the_plan_is_judged_by_what_it_declares(edit):
    items, rules = EDITS[edit]
    scene = SCENE.but(exemptions=(exemption("pool_utilisation", "fra/pool/*"),)) if "exempted" in edit else SCENE
    assert rules_denying(*items, scene=scene) == rules


def test_what_the_plan_destroys_is_judged_as_its_review_does():
    old = resource("fra/storage/serving/old", STORAGE.spec)
    scene = SCENE.but(changes=(delete(old),))
    assert rules_denying(*RESOURCES, scene=scene) == {"no_content_lost"}
    found = [finding for finding in scene.review().findings if finding.rule == "no_content_lost"]
    assert [(finding.resource, finding.denies) for finding in found] == [(old.key, True)]
    assert not rules_denying(*RESOURCES, old, scene=scene)  # the program keeps it
    assert not rules_denying(*RESOURCES, scene=scene.but(exemptions=(exemption("no_content_lost", old.key),)))


def test_an_owner_that_allows_other_regions_only():
    scene = SCENE.with_rules(allowed_regions={"network": ("lon",)})
    moved = changed(GRANTED, count=3)
    assert "allowed_regions" in rules_denying(*moved, scene=scene)


def test_a_plan_that_expired_denies():
    assert rules_denying(*RESOURCES, scene=SCENE.but(expires_at=NOW)) == {"expiry"}


def test_what_does_not_deny_is_advice():
    scene = SCENE.with_rules(levels={"headroom": Level.ADVISORY}).but(
        requirements=(requirement("fra", CapacityKind.VCPU, 100),), exemptions=(exemption("budget", days=-1),)
    )
    review = judge(ground(scene), stack(*RESOURCES), now=NOW)
    assert [finding.rule for finding in advice(review)] == ["exemptions", "headroom"]
    assert denials(review, "headroom") == ()


PRICES = [
    (COMPUTE, 4.0),
    (resource("fra/compute/x/m8", ComputeSpec(shape="m8", count=10, purchase=Purchase.SPOT)), 1.0),
    (STORAGE, 0.05),
    (BLOCK, 0.064),
    (CIRCUIT, 2.8),
    (FAILOVER, 0.0),
    (resource("fra/compute/x/zz", ComputeSpec(shape="zz", count=10)), 0.0),
    (resource("mars/compute/x/m8", ComputeSpec(shape="m8", count=10)), 0.0),
]


@pytest.mark.parametrize(("item", "usd"), PRICES)
def test_what_the_plan_does_not_price_has_the_price_of_the_inventory(item, usd):
    assert usd_per_hour(item, INVENTORY) == pytest.approx(usd)


@pytest.mark.parametrize(
    ("key", "purpose"),
    [
        ("fra/compute/serving/m8", Purpose.SERVING),
        ("fra/compute/failover/m8", Purpose.FAILOVER),
        ("fra/block/staged/10.16.4.0-28", Purpose.STAGED),
        ("fra/network", Purpose.SUPPORT),
        ("fra/failover/ams", Purpose.FAILOVER),
    ],
)
def test_a_key_names_its_purpose(key, purpose):
    assert purpose_in(key) is purpose


BAD: dict[str, tuple[str, dict[str, object]]] = {
    "an argument is missing": ("Compute", {"shape": "m8"}),
    "no such type": ("Compte", {}),
    "out of range": ("Compute", {"shape": "m8", "instances": 0.0, "purchase": "on_demand"}),
    "half a host": ("Compute", {"shape": "m8", "instances": 1.5, "purchase": "on_demand"}),
    "unknown before the apply": ("Compute", {"shape": "m8", "instances": object(), "purchase": "on_demand"}),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_judged_is_refused_and_not_passed_over(name):
    kind, arguments = BAD[name]
    tags = {"environment": "dev", "key": "fra/compute/x", "region": "fra"}
    with pytest.raises(UnreadableResource, match="urn:x"):
        declared(f"estate:index:{kind}", "urn:x", {**tags, **arguments})


def test_types_of_others_are_not_ours():
    assert declared("pulumi:pulumi:Stack", "urn:x", {}) is None
    assert declared("pulumi:providers:estate", "urn:x", {}) is None
    assert declared("estate:index:Gateway", "urn:x", {"key": "ams--fra/link/ams"}) is None  # a part of its link


def test_alerts_and_volumes_are_read_with_their_own_fields():
    alert = resource("fra/alert/vcpu", AlertSpec(metric="vcpu", threshold=0.85), Purpose.SUPPORT)
    volume = resource("fra/storage/x", StorageSpec(storage_class="standard", gib=10, replica_region="ams"))
    assert {read.resource.spec for read in stack(alert, volume)} == {alert.spec, volume.spec}
