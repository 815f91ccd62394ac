"""Who may have made a difference: asked of drift only, of few resources, and never in the way."""

from datetime import UTC, datetime

from contracts.drift import Difference, DriftClass, DriftReport
from coordinator.authors import ASKED_AT_MOST, with_authors
from stacks.engines.engine import Observed
from stacks.errors import StacksError


def difference(key, drift_class=DriftClass.HARMFUL, field="*"):
    return Difference(
        key=key, place="fra", field=field, last_applied=None, live=None, wanted=None, drift_class=drift_class, why=""
    )


def report(*differences):
    return DriftReport(environment="dev", read_at=datetime(2026, 11, 21, tzinfo=UTC), differences=differences)


def seen(*keys):
    return [Observed(type="aws_vpc", key=k, root="fra", last={}, live={"id": k}, wanted={}, action=None) for k in keys]


def test_every_difference_of_a_resource_bears_its_author_and_expected_ones_are_not_asked():
    asked = []

    def last_change(item):
        asked.append(item.key)
        return f"mallory, {item.key}"

    drift = report(
        difference("a"), difference("a", field="tags"), difference("b", DriftClass.EXPECTED), difference("c")
    )
    told = with_authors(drift, seen("a", "b"), last_change)
    assert [item.by for item in told.differences] == ["mallory, a", "mallory, a", "", ""]
    assert asked == ["a"]


def test_a_trail_that_fails_or_knows_nothing_leaves_the_difference():
    def last_change(item):
        if item.key == "a":
            raise StacksError("throttled")
        return ""

    drift = report(difference("a"), difference("b"))
    assert with_authors(drift, seen("a", "b"), last_change) == drift


def test_no_more_are_asked_than_a_trail_can_bear():
    keys = [f"r{number:03d}" for number in range(ASKED_AT_MOST + 5)]
    told = with_authors(report(*map(difference, keys)), seen(*keys), lambda item: "somebody")
    assert sum(bool(item.by) for item in told.differences) == ASKED_AT_MOST
