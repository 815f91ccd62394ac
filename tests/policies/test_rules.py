"""Each rule: when it lets pass, when it fires, on what, and that an exemption covers it, until it expires."""

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.capacity import CapacityKind, Pool
from contracts.failover import FailoverSettings
from contracts.limits import Level
from contracts.plan import Cost, Operation
from contracts.preference import Host, PlacementSettings, Preference, RegionPreference
from contracts.resources import BlockSpec, ComputeSpec, FailoverSpec, Purpose, StorageSpec
from contracts.review import Finding
from policies.registry import RULES
from policies.review import review_plan
from tests.policies.sample import (
    BLOCK,
    CIRCUIT,
    COMPUTE,
    FAILOVER,
    GRANTED,
    LINK,
    MADE,
    NETWORK,
    NOW,
    POOL,
    RESOURCES,
    STORAGE,
    Scene,
    create,
    delete,
    exemption,
    requirement,
    resource,
    update,
)

GOOD = Scene()
OVER = Cost(
    before_usd_per_hour=10, after_usd_per_hour=20.5, optimised_usd_per_hour=12, lower_bound_usd_per_hour=12, gap=0
)
FALLING = OVER.model_copy(update={"before_usd_per_hour": 25.0})
NEAR = resource("fra/failover/ams", FailoverSpec(partner="ams", share=1.0), Purpose.SUPPORT)
COPIED = resource(
    "fra/storage/serving/fast", StorageSpec(storage_class="fast", gib=10, replica_region="ams"), Purpose.SERVING
)
HALF = resource("fra/failover/lon", FailoverSpec(partner="lon", share=0.5), Purpose.SUPPORT)
SMALLER = resource(GRANTED.key, ComputeSpec(shape="m8", count=1), Purpose.GRANTED)
OLD_BLOCK = resource("fra/block/old", BlockSpec(prefix="10.16.0.32/27", pool=POOL.cidr), Purpose.STAGED)
LARGER = resource(GRANTED.key, ComputeSpec(shape="m8", count=3), Purpose.GRANTED)
WITHOUT_FAILOVER = tuple(item for item in RESOURCES if item != FAILOVER)


def without(*items):
    return tuple(item for item in RESOURCES if item not in items)


def findings(scene: Scene, rule: str) -> tuple[Finding, ...]:
    return tuple(finding for finding in scene.review().findings if finding.rule == rule)


def test_a_good_plan_passes_every_rule():
    review = GOOD.review()
    assert review.findings == ()
    assert not review.denied
    assert set(review.rules) == {rule.code for rule in RULES}


def stored(**fields):
    """The plan changes the volume that serves."""
    new = STORAGE.model_copy(update={"spec": STORAGE.spec.model_copy(update=fields)})
    return GOOD.but(changes=(update(STORAGE, new),), resources=(*without(STORAGE), new))


BREACHES = {
    "budget": (GOOD.but(cost=OVER), "*", "20.50 USD/h, 0.50 over the ceiling of 20.00"),
    "headroom, quantile": (
        GOOD.but(requirements=(requirement("fra", CapacityKind.VCPU, 70, level=0.75),)),
        "fra/vcpu",
        "0.75 quantile of cpu:fra (70), below 0.8",
    ),
    "headroom, compute": (
        GOOD.but(requirements=(requirement("fra", CapacityKind.VCPU, 80.5),)),
        "fra/vcpu",
        "80 vcpu planned to serve, 80.5 required",
    ),
    "headroom, memory": (
        GOOD.but(requirements=(requirement("fra", CapacityKind.MEMORY_GIB, 321),)),
        "fra/memory_gib",
        "320 memory_gib planned to serve, 321 required",
    ),
    "headroom, circuits": (
        GOOD.but(requirements=(requirement("ams--fra", CapacityKind.GBPS, 21),)),
        "ams--fra/gbps",
        "20 gbps planned to serve, 21 required",
    ),
    "headroom, capped": (
        GOOD.but(requirements=(requirement("fra", CapacityKind.VCPU, 90).model_copy(update={"quantity": 60.0}),)),
        "fra/vcpu",
        "80 vcpu planned to serve, 90 forecast at quantile 0.9",
    ),
    "failover_partner, none": (GOOD.but(resources=without(FAILOVER)), "fra/failover", "cover 0%"),
    "failover_partner, half": (GOOD.but(resources=(*without(FAILOVER), HALF)), "fra/failover", "cover 50%"),
    "failover_partner, same domain": (
        GOOD.but(resources=(*without(FAILOVER), NEAR)),
        "fra/failover",
        "ams: in its own fault domain eu-central",
    ),
    "allowed_regions, customer": (
        GOOD.with_rules(allowed_regions={"acme": ("lon",)}).but(changes=(create(GRANTED),)),
        GRANTED.key,
        "acme has it in fra, allowed: lon",
    ),
    "allowed_regions, service": (
        GOOD.with_rules(allowed_regions={"web": ("lon",)}).but(
            requirements=(requirement("fra", CapacityKind.VCPU, 8, series="transactions:web@fra"),)
        ),
        "fra/vcpu",
        "serves web in fra, allowed: lon",
    ),
    "allowed_regions, residency of a partner": (
        GOOD.but(residency=("ams",), changes=(create(FAILOVER),)),
        FAILOVER.key,
        "lon carries load of fra, whose residency is ams, fra",
    ),
    "allowed_regions, residency of a replica": (
        GOOD.but(residency=("lon",), resources=(*GOOD.resources, COPIED), changes=(create(COPIED),)),
        COPIED.key,
        "ams has a replica of fra, whose residency is fra, lon",
    ),
    "no_destruction, delete": (
        GOOD.but(changes=(delete(GRANTED),), resources=without(GRANTED)),
        GRANTED.key,
        "deletes what is active by acme",
    ),
    "no_destruction, replace": (
        GOOD.but(changes=(delete(GRANTED, Operation.REPLACE),)),
        GRANTED.key,
        "replaces what is active by acme until 2026-11-23",
    ),
    "no_destruction, shrink": (GOOD.but(changes=(update(GRANTED, SMALLER),)), GRANTED.key, "shrinks (2 to 1)"),
    "no_destruction, network": (
        GOOD.but(changes=(delete(NETWORK),), resources=without(NETWORK)),
        NETWORK.key,
        f"cuts off 1 unit(s) that are held or active, such as {GRANTED.key}",
    ),
    "no_content_lost, delete": (
        GOOD.but(changes=(delete(STORAGE),), resources=without(STORAGE), requirements=()),
        STORAGE.key,
        "deletes 500 GiB of standard that serve; nothing copies what they hold",
    ),
    "no_content_lost, replace": (GOOD.but(changes=(delete(STORAGE, Operation.REPLACE),)), STORAGE.key, "replaces 500"),
    "no_content_lost, other class": (stored(storage_class="fast"), STORAGE.key, "replaces 500 GiB of standard"),
    "no_content_lost, shrink": (stored(gib=490), STORAGE.key, "makes smaller 500 GiB of standard"),
    "no_content_lost, spread": (stored(gib=900, volumes=2), STORAGE.key, "makes smaller 500 GiB of standard"),
    "change_ceiling": (
        GOOD.with_rules(change_ceiling_minimum=2, change_ceiling_share=0.3),
        "*",
        "3 changes to 6 existing resources, ceiling 2",
    ),
    "pool_utilisation": (
        GOOD.with_rules(max_pool_utilisation=0.3),
        "fra/pool/10.16.0.0-24",
        "31.2% taken, limit 30% (before: 25.0%)",
    ),
    "forecast_reaches": (
        GOOD.but(requirements=(requirement("fra", CapacityKind.VCPU, 8, at=MADE - timedelta(hours=25)),)),
        "*",
        "1 requirements rest on hours that were over, the last 2026-11-20 07:00 UTC; the plan is of 2026-11-21 08:00",
    ),
    "expiry, past": (GOOD.but(expires_at=NOW), "*", "expired at 2026-11-21T09:00:00+00:00"),
    "expiry, too long": (GOOD.but(expires_at=MADE + timedelta(hours=25)), "*", "valid for 25 hours, at most 24"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found_and_denies(name):
    scene, where, words = BREACHES[name]
    found = findings(scene, name.partition(",")[0])
    assert [finding.resource for finding in found] == [where]
    assert words in found[0].message
    assert found[0].fix
    assert scene.review().denied


def test_every_rule_is_broken_once():
    assert {name.partition(",")[0] for name in BREACHES} == {rule.code for rule in RULES}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_breaks_only_its_own_rule(name):
    scene, _, _ = BREACHES[name]
    assert {finding.rule for finding in scene.review().findings} == {name.partition(",")[0]}


@pytest.mark.parametrize("name", BREACHES)
def test_an_exemption_covers_what_can_be_exempted_until_it_expires(name):
    scene, where, _ = BREACHES[name]
    code = name.partition(",")[0]
    rule = next(rule for rule in RULES if rule.code == code)
    covered = scene.but(exemptions=(exemption(code, where),))
    lapsed = scene.but(exemptions=(exemption(code, where, days=-1),))
    elsewhere = scene.but(exemptions=(exemption(code, "somewhere/else"),))
    assert covered.review().denied == (rule.level is Level.MANDATORY)
    assert lapsed.review().denied
    assert elsewhere.review().denied
    assert [finding.resource for finding in findings(lapsed, "exemptions")] == [where]
    assert bool(findings(covered, "exemptions")) == (rule.level is Level.MANDATORY)


@pytest.mark.parametrize("name", BREACHES)
def test_an_environment_sets_the_level(name):
    scene, where, _ = BREACHES[name]
    code = name.partition(",")[0]
    told = scene.with_rules(levels={code: Level.ADVISORY})
    assert findings(told, code)
    assert not told.review().denied
    strict = scene.with_rules(levels={code: Level.MANDATORY}).but(exemptions=(exemption(code, where),))
    assert strict.review().denied
    lenient = scene.with_rules(levels={code: Level.OVERRIDABLE}).but(exemptions=(exemption(code, where),))
    assert not lenient.review().denied


HARMLESS = {
    "budget without a ceiling": GOOD.but(cost=OVER).with_rules(budget_usd_per_hour=None),
    "budget met to the cent": GOOD.but(cost=OVER).with_rules(budget_usd_per_hour=20.5),
    "quantile met exactly": GOOD.but(requirements=(requirement("fra", CapacityKind.VCPU, 70, level=0.8),)),
    "capacity met exactly": GOOD.but(requirements=(requirement("fra", CapacityKind.VCPU, 80),)),
    "failover not wanted": GOOD.but(resources=without(FAILOVER), failover=FailoverSettings(critical_share=0)),
    "nothing serves": GOOD.but(resources=without(FAILOVER, COMPUTE), requirements=(), changes=()),
    "two partners share": GOOD.but(
        resources=(
            *without(FAILOVER),
            HALF,
            resource("fra/failover/lon2", FailoverSpec(partner="lon", share=0.5), Purpose.SUPPORT),
        )
    ),
    "a grant grows": GOOD.but(changes=(update(GRANTED, LARGER),)),
    "a grant is deleted that is nobody's": GOOD.but(changes=(delete(GRANTED),), resources=without(GRANTED), units=()),
    "a link goes where nobody is": GOOD.but(changes=(delete(LINK),), resources=without(LINK), units=()),
    "a volume grows, and is spread over more of its size": stored(gib=1000, volumes=2),
    "a volume's replica goes elsewhere": stored(replica_region="lon"),
    "a staged volume goes": GOOD.but(
        changes=(delete(resource("fra/storage/staged/standard/0001", STORAGE.spec, Purpose.STAGED)),)
    ),
    "a first plan has no ceiling": GOOD.with_rules(change_ceiling_minimum=0, change_ceiling_share=0.1).but(
        changes=tuple(create(item) for item in RESOURCES)
    ),
    "a block goes, another comes": GOOD.with_rules(max_pool_utilisation=0.26).but(
        pools=(Pool(region="fra", cidr=POOL.cidr, taken=("10.16.0.0/27", "10.16.0.32/27")),),
        changes=(delete(OLD_BLOCK), create(BLOCK)),
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_allowed_is_not_found(name):
    assert HARMLESS[name].review().findings == ()


def test_a_review_comes_out_the_same_while_the_plan_is_being_applied():
    tight = GOOD.with_rules(max_pool_utilisation=0.3)
    applied = (Pool(region="fra", cidr=POOL.cidr, taken=(*POOL.taken, "10.16.0.64/28")),)
    assert tight.but(pools=applied).review() == tight.review()


STANDING = {
    "budget": GOOD.but(cost=FALLING),
    "pool_utilisation": GOOD.with_rules(max_pool_utilisation=0.3).but(
        pools=(Pool(region="fra", cidr="10.16.0.0/24", taken=("10.16.0.0/25",)),), changes=(create(CIRCUIT),)
    ),
    "failover_partner": GOOD.but(resources=without(FAILOVER), changes=(create(BLOCK),)),
    "allowed_regions": GOOD.with_rules(allowed_regions={"acme": ("lon",)}),
}


@pytest.mark.parametrize("code", STANDING)
def test_what_was_so_before_and_gets_no_worse_is_told_and_does_not_deny(code):
    found = findings(STANDING[code], code)
    assert [finding.level for finding in found] == [Level.ADVISORY]
    assert found[0].message.endswith("was so before, and gets no worse")
    assert not STANDING[code].review().denied


@pytest.mark.parametrize(("paused", "share", "denied"), [("", 0.3, 1), ("fra", 0.3, 0), ("lon", 0.3, 0), ("", 0.1, 0)])
def test_no_more_demand_is_elsewhere_than_may_be_unless_an_end_of_it_is_left_as_it_is(paused, share, denied):
    host = Host(region="lon", share=share, vcpu=1, memory_gib=1, usd_per_vcpu_hour=0.1, latency_ms=1)
    told = RegionPreference(region="fra", movable=share, max_latency_ms=40, usd_per_vcpu_hour=0.2, hosts=(host,))
    plan = GOOD.plan().model_copy(update={"preference": Preference(regions=(told,))})
    facts = GOOD.facts()
    regions = tuple(one.model_copy(update={"paused": one.name == paused}) for one in facts.environment.regions)
    said = facts.environment.model_copy(update={"regions": regions, "placement": PlacementSettings(movable=0.1)})
    review = review_plan(plan, replace(facts, environment=said), GOOD.bundle(), now=NOW)
    assert len([item for item in review.findings if item.resource == "fra/placement"]) == denied
