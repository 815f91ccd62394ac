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
