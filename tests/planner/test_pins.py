"""Pins of what is not there: what can only be a mistake is refused, what is gone is told and stops nothing."""

from dataclasses import replace

import pytest

from planner.errors import InputsDisagree
from planner.market import Market
from planner.pins import missing_pins
from tests.planner.simulate import after
from tests.planner.worlds import WORLD, people, plan_of

STANDING = after(WORLD, plan_of(WORLD))
MARKET = Market.read(WORLD.catalog, WORLD.capacity)


@pytest.mark.parametrize("key", sorted(STANDING.live()))
def test_keys_of_what_plans_make_are_none_that_could_not_be(key):
    assert missing_pins(people(STANDING, pins=(key,)), MARKET) == ()
    gone = people(WORLD, pins=(key,))
    assert missing_pins(gone, MARKET) == (f"{key} is pinned, and is not there: the pin keeps nothing",)


@pytest.mark.parametrize(
    ("key", "why", "near"),
    [
        ("fra/compute/serving/l33", "the catalog has no 'l33' of compute", "fra/compute/serving/l32"),
        ("fraa/compute/serving/l32", "fraa is no region or link of law", "fra/compute/serving/l32"),
        ("fra/computes/serving/l32", "kinds are network, block", "fra/compute/serving/l32"),
        ("fra/compute/servin/l32", "purposes are serving", "fra/compute/serving/l32"),
        ("fra/compute", "keys of compute are place/compute/purpose/item", ""),
        ("ams--fraa/circuit/serving/10g", "ams--fraa is no region or link", "ams--fra/circuit/serving/10g"),
        ("fra--ams/circuit/serving/10g", "fra--ams is no region or link", "/circuit/serving/10g"),
        ("ams--fra--lon/link", "ams--fra--lon is no region or link", "fra--lon/link"),
        ("fra/failover/fra", "partners of fra are ams, lon, mad", ""),
        ("fra/failover/amsterdam", "partners of fra are ams, lon, mad", ""),
        ("fra/alert/memory", "alerts are of vcpu, storage-gib", ""),
        ("fra/circuit/serving/10g", "a circuit stands on a link", ""),
        ("ams--fra/compute/serving/m8", "a compute stands in a region", ""),
        ("fra/storage/failover/standard", "purposes are serving, staged, granted", ""),
        ("fra/block/staged/10.99.0.0-24", "no address pool of fra has 10.99.0.0/24", ""),
        ("fra/block/staged/10.0.0.1-24", "10.0.0.1-24 is no prefix", ""),
        ("fra/compute/serving/m8/0001", "keys of compute that is serving have 4 parts", ""),
        ("fra/compute/staged/m8", "keys of compute that is staged have 5 parts", ""),
        ("fra/compute/serving/m8-spott", "the catalog has no 'm8-spott' of compute", ""),
    ],
)
def test_a_typo_in_a_pin_is_refused_with_the_nearest_key(key, why, near):
    with pytest.raises(InputsDisagree) as caught:
        plan_of(people(STANDING, pins=(key,)))
    assert key in caught.value.what and why in caught.value.what
    assert near in caught.value.expected and "pins" in (caught.value.where, caught.value.next_step)


def test_what_is_gone_since_it_was_pinned_stops_no_plan():
    """Whatever became of its shape, what the last plan wanted or the ledger knows was no mistake."""
    key = next(key for key in STANDING.live() if key.startswith("fra/compute/serving/"))
    left = tuple(item for item in STANDING.capacity.resources if item.resource.key != key)
    gone = people(replace(STANDING, capacity=STANDING.capacity.model_copy(update={"resources": left})), pins=(key,))
    plan = plan_of(gone)
    (told,) = plan.pins_missing
    assert told.startswith(f"{key} is pinned, and is not there")
    shapes = tuple(shape for shape in WORLD.catalog.shapes if shape.name != key.rpartition("/")[2])
    unsold = replace(gone, catalog=gone.catalog.model_copy(update={"shapes": shapes}))
    assert len(missing_pins(unsold, Market.read(unsold.catalog, unsold.capacity))) == 1
    assert plan_of(people(STANDING, pins=())).pins_missing == ()


@pytest.mark.parametrize(
    "key", ["fra/compute/serving/m8-spot", "fra/storage/serving/standard-hot/2", "fra/block/granted/10.0.7.0-24/r-17"]
)
def test_keys_that_other_settings_would_make_are_told_and_not_refused(key):
    (told,) = missing_pins(people(WORLD, pins=(key,)), MARKET)
    assert told.startswith(f"{key} is pinned, and is not there")


def test_of_what_is_not_sold_there_the_note_says_so():
    offers = tuple(item for item in WORLD.capacity.offers if (item.place, item.item) != ("fra", "l32"))
    world = replace(WORLD, capacity=WORLD.capacity.model_copy(update={"offers": offers}))
    market = Market.read(world.catalog, world.capacity)
    (told,) = missing_pins(people(world, pins=("fra/compute/serving/l32",)), market)
    assert "is not there, nor is any l32 sold there" in told


def test_a_link_that_nothing_joins_has_no_circuits():
    links = tuple(link for link in WORLD.capacity.links if (link.a, link.b) != ("ams", "fra"))
    world = replace(WORLD, capacity=WORLD.capacity.model_copy(update={"links": links}))
    with pytest.raises(InputsDisagree, match="nothing joins ams and fra"):
        missing_pins(people(world, pins=("ams--fra/link",)), Market.read(world.catalog, world.capacity))
