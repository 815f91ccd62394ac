"""Storage that no class can be: told where it would be staged, and to whoever asks for it, with what is nearest."""

import pytest

from contracts.plan import RefusalCode, RefusedAlternative
from contracts.requests import Missing
from contracts.resources import Purpose, ResourceKind
from contracts.storage import StorageAsk
from contracts.wording import unmet
from planner.question import Question
from planner.unstaged import NOTHING_SOLD
from policies.render import as_markdown
from prestage.views.plan import plan_text
from tests.laws.test_policies import review
from tests.planner.storage_world import GP3, ST1
from tests.planner.test_fleets import without_storage
from tests.planner.test_small import asked, small
from tests.planner.test_storage import sold
from tests.planner.worlds import WORLD, people, plan_of, specs

SAFE = StorageAsk(least_durability=0.99999)
FAST = StorageAsk(iops_per_gib=20)


def refusal(world: Question) -> Missing:
    (missing,) = small(asked(storage_gib=250), world)
    assert isinstance(missing, Missing)
    return missing


@pytest.mark.parametrize(
    ("ask", "lacks", "told"),
    [
        (FAST, ("iops", 5000.0, 0.0), "st1 gives 0 of 5000 IOPS, and no more is sold"),
        (SAFE, ("durability", 0.99999, 0.998), "st1 has a durability of 0.998"),
    ],
)
def test_a_request_that_no_class_can_meet_is_refused_with_what_the_nearest_lacks(ask, lacks, told):
    missing = refusal(people(sold(WORLD, (ST1,)), storage=(ask,)))
    assert (missing.kind, missing.wanted, missing.available) == lacks
    assert missing.why == f"no storage class will do for 250 GiB: {told}"


def test_the_nearest_class_is_told_first():
    missing = refusal(people(sold(WORLD, (ST1, GP3)), storage=(SAFE, FAST)))
    assert missing.kind == "durability"
    nearer = GP3.model_copy(update={"most_iops": 3000, "largest_gib": 0, "name": "gp3"})
    missing = refusal(people(sold(WORLD, (ST1, nearer)), storage=(FAST,)))
    assert (missing.kind, missing.available) == ("iops", 3000.0)
    assert missing.why.index("gp3 gives 3000 of 5000 IOPS") < missing.why.index("st1 gives 0")


def test_what_cannot_be_staged_is_in_the_plan_and_its_views():
    world = people(without_storage(sold(WORLD, (ST1,))), storage=(FAST,))
    plan = plan_of(world)
    told = [item for item in plan.requirements if item.refused]
    assert told and not specs(plan, ResourceKind.STORAGE, Purpose.STAGED)
    for item in told:
        assert item.quantity == 0 and item.parts[NOTHING_SOLD] < 0 and abs(sum(item.parts.values())) < 1e-6
        assert item.refused == (
            RefusedAlternative(candidate="st1", code=RefusalCode.TOO_SLOW, limit=2000.0, value=0.0, unit="IOPS"),
        )
        assert unmet(item) in plan_text(plan)
        assert unmet(item) in as_markdown(review(world, plan), plan)
        assert "cannot be staged: st1 gives 0 of 2000 IOPS" in unmet(item)
    staged = plan_of(people(world, storage=()))
    assert specs(staged, ResourceKind.STORAGE, Purpose.STAGED) and not any(item.refused for item in staged.requirements)
