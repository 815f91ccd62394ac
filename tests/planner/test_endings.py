"""What partners are compared by, and what is told of entries, of what goes, of pins and of what others need."""

from dataclasses import replace

import pytest

from contracts.plan import Operation, RefusalCode
from contracts.resources import FailoverSpec, Purpose, ResourceKind
from planner.explain import explain
from tests.laws.environments import bundle
from tests.planner.simulate import after
from tests.planner.worlds import WORLD, people, plan_of

PLAN = plan_of(WORLD)
STANDING = after(WORLD, PLAN)
ENTRIES = [item for item in PLAN.resources if isinstance(item.resource.spec, FailoverSpec)]


def told(plan, key):
    return "\n".join(explain(plan, key).lines())


def held_usd(carrier, lost, share):
    """USD per hour of what a carrier holds where one region brings it so much: largest loss, one shape alone."""
    serving = {item.id: item.quantity for item in PLAN.requirements}
    shares = {(item.resource.place, item.resource.spec.partner): item.resource.spec.share for item in ENTRIES}
    shares[lost, carrier] = share
    most = [
        max(
            serving[f"{region}/{kind}/serving"] * part * WORLD.environment.critical_share_of(region)
            for (region, at), part in [*shares.items(), ((lost, carrier), share)]
            if at == carrier
        )
        for kind in ("vcpu", "memory_gib")
    ]
    prices = {
        (item.place, item.item): item.usd_per_hour for item in WORLD.capacity.offers if item.purchase == "on_demand"
    }
    return min(
        prices[carrier, shape.name] * max(-(-most[0] // shape.vcpu), -(-most[1] // shape.memory_gib))
        for shape in WORLD.catalog.shapes
        if (carrier, shape.name) in prices
    )


def test_another_partner_is_compared_with_what_those_that_were_chosen_add():
    compared = 0
    for item in ENTRIES:
        region = item.resource.place
        mine = [one.resource.spec for one in ENTRIES if one.resource.place == region]
        added = sum(held_usd(one.partner, region, one.share) - held_usd(one.partner, region, 0.0) for one in mine)
        for other in item.reason.alternatives:
            if other.code in (RefusalCode.DEARER, RefusalCode.MOVES):
                alone = held_usd(other.candidate, region, 1.0) - held_usd(other.candidate, region, 0.0)
                assert (other.limit, other.value) == pytest.approx((added, alone), abs=1e-5)
                compared += 1
    assert compared > 3


def test_the_chain_of_an_entry_goes_back_to_the_series_of_the_region_that_may_be_lost():
    for item in ENTRIES:
        text = told(PLAN, item.resource.key)
        for series, kind in (("cpu", "vcpu"), ("memory", "memory_gib")):
            assert f"forecast {series}:{item.resource.place}: " in text
            assert f"requirement {item.resource.place}/{kind}/serving: " in text
    mad = told(PLAN, "mad/failover/fra")
    assert "fra holds more for another loss, within which this fits: requirement fra/vcpu/failover" in mad


def test_an_entry_that_goes_tells_why_and_who_carries_instead():
    """Two regions turn out to stand in one fault domain."""
    domains = tuple(
        item.model_copy(update={"fault_domain": "one" if item.region in ("lon", "mad") else item.fault_domain})
        for item in STANDING.capacity.regions
    )
    plan = plan_of(replace(STANDING, capacity=STANDING.capacity.model_copy(update={"regions": domains})))
    gone = next(item for item in plan.changes if item.key == "lon/failover/mad")
    assert gone.operation is Operation.DELETE
    text = told(plan, gone.key)
    assert "mad carries nothing for lon any more: its critical load is carried " in text and "% by fra" in text
    assert "not mad: would fail together with it" in text


def test_a_staged_unit_that_goes_tells_that_nobody_asks_for_it():
    plan = plan_of(replace(STANDING, forecast=bundle({}, ())))
    keys = [item.key for item in plan.changes if item.operation is Operation.DELETE and "/staged/" in item.key]
    assert any("/block/" in key for key in keys) and any("/compute/" in key for key in keys)
    assert all("no requests are forecast for " in told(plan, key) for key in keys)


def test_a_staged_unit_has_a_next_best():
    units = [item for item in PLAN.resources if item.resource.purpose is Purpose.STAGED]
    for item in units:
        if item.resource.kind in (ResourceKind.COMPUTE, ResourceKind.CIRCUIT):
            (other,) = item.reason.alternatives
            assert other.value > other.limit == item.usd_per_hour


def test_pins_support_and_spot_are_told_in_sentences():
    key = "fra/failover/mad"
    pinned = plan_of(people(STANDING, pins=(key,)))
    assert "it is named in the environment's `pins`" in told(pinned, key)
    assert "stand in this network" in told(PLAN, "ams/network")
    assert "ams--fra/circuit/serving/1" in told(PLAN, "ams--fra/link")
    assert "it tells when more than 90% of storage_gib in ams is used" in told(PLAN, "ams/alert/storage-gib")
    serving = next(item.resource.key for item in PLAN.resources if "/compute/serving/" in item.resource.key)
    assert "spot: needs failover.reserve: shared, and purchases.spot_share" in told(PLAN, serving)
