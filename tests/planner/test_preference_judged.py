"""The judge of demand in cheaper regions, by plans that are broken one way each."""

import pytest

from contracts.capacity import CapacityKind
from contracts.failover import FailoverSettings, Reserve
from contracts.plan import Plan
from contracts.preference import RegionPlacement
from tests.planner.asked_of import asked_of
from tests.planner.plan_asked import in_regions
from tests.planner.plan_breach import Rule
from tests.planner.preference_checker import preference_breaches
from tests.planner.preference_world import CHEAP, HELD, PLAN, placed, said_of
from tests.planner.worlds import people


def mutated(plan: Plan, **update: object) -> Plan:
    """The plan with other numbers of what fra has in ams."""
    regions = []
    for item in said_of(plan).regions:
        hosts = item.hosts
        if item.region == "fra":
            hosts = (hosts[0].model_copy(update=update), *hosts[1:])
        regions.append(item.model_copy(update={"hosts": hosts}))
    return plan.model_copy(update={"preference": said_of(plan).model_copy(update={"regions": tuple(regions)})})


@pytest.mark.parametrize(
    ("world", "plan"),
    [
        (CHEAP, mutated(PLAN, share=0.9)),
        (CHEAP, mutated(PLAN, region="lon")),
        (CHEAP, mutated(PLAN, vcpu=1.0)),
        (CHEAP, mutated(PLAN, gbps=0.0)),
        (CHEAP, PLAN.model_copy(update={"preference": None})),
        (placed(CHEAP, {"residency": ("lon",)}), PLAN),
        (placed(CHEAP, {"placement": RegionPlacement(max_latency_ms=5)}), PLAN),
        (placed(CHEAP, {"placement": RegionPlacement(movable=0.05)}), PLAN),
        (placed(CHEAP, {"critical_share": 0.9}), PLAN),
        (HELD, PLAN),
        (people(CHEAP, failover=FailoverSettings(reserve=Reserve.SHARED)), PLAN),
    ],
    ids=[
        "share",
        "host",
        "vcpu",
        "gbps",
        "unsaid",
        "residency",
        "latency",
        "movable",
        "critical",
        "customer",
        "shared",
    ],
)
def test_the_judge_sees_what_is_wrong(world, plan):
    told = [breach.rule for breach in preference_breaches(asked_of(world), plan)]
    assert told and set(told) == {Rule.PLACEMENT}


def test_the_judge_asks_of_hosts_what_the_plan_says_they_serve():
    more = mutated(PLAN, share=0.3 if said_of(PLAN).moves[0].share != 0.3 else 0.2)
    asked = asked_of(CHEAP)
    one, other = (in_regions(asked, said_of(plan).moves) for plan in (PLAN, more))
    assert one["ams", CapacityKind.VCPU] != other["ams", CapacityKind.VCPU]
    assert one["fra", CapacityKind.VCPU] != other["fra", CapacityKind.VCPU]
    assert one["lon", CapacityKind.STORAGE_GIB] == other["lon", CapacityKind.STORAGE_GIB]
