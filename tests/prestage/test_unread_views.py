"""What could not be read is said in plans and in capacity, with why and how old the figures are."""

from datetime import timedelta

from contracts.capacity import Reading
from contracts.plan import UnreadRegion
from prestage.views.plan import plan_text
from prestage.views.world import capacity_text
from tests.planner.worlds import WORLD, plan_of

SEEN = WORLD.capacity


def told(hours=None, **fields):
    read_at = None if hours is None else SEEN.read_at - timedelta(hours=hours)
    reading = Reading(region="fra", read_at=read_at, **fields)
    return capacity_text(SEEN.model_copy(update={"readings": (reading,)}))


def test_capacity_names_the_region_the_reason_and_the_age():
    assert "could not be read: fra (no answer); its figures are 3 h old" in told(3, failed="no answer")
    assert "too old" not in told(24, failed="no answer")
    assert "its figures are 25 h old: too old to lean on" in told(25, failed="no answer")
    assert "could not be read: fra (no answer), and never was" in told(failed="no answer")
    assert "could not be read" not in told(1) and "list prices: live" in told(1, prices="live")


def test_a_plan_says_what_it_left_alone():
    plan = plan_of(WORLD)
    assert "could not be read" not in plan_text(plan)
    text = plan_text(plan.model_copy(update={"unread": (UnreadRegion(region="fra", why="no answer"),)}))
    assert "fra could not be read and is left as it was: no answer" in text
