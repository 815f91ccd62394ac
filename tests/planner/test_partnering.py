"""Who may back whom up: the way between both is the environment's own."""

from dataclasses import replace

import pytest

from contracts.plan import RefusalCode
from planner.market import Market
from planner.partnering import partner_refusals, ways_of
from tests.planner.worlds import WORLD, people


@pytest.mark.parametrize("through_ours", [True, False])
def test_a_way_through_a_region_of_others_makes_no_partner(through_ours):
    """Fra and lon are joined over mad alone: no partners once mad is no region of the environment."""
    links = tuple(link for link in WORLD.capacity.links if "mad" in (link.a, link.b))
    near = tuple(link.model_copy(update={"latency_ms": 5.0}) for link in links)
    regions = tuple(item for item in WORLD.environment.regions if through_ours or item.name != "mad")
    asked = people(replace(WORLD, capacity=WORLD.capacity.model_copy(update={"links": near})), regions=regions)
    market = Market.read(asked.catalog, asked.capacity)
    refused = partner_refusals(asked, market, ways_of(asked, market), "fra")["lon"]
    assert (refused.code if refused else None) is (None if through_ours else RefusalCode.TOO_FAR)
