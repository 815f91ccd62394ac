"""Plans of odd worlds are judged like any others: findings in words, a file that reads back, text and Markdown."""

import pytest

from contracts.review import Review
from policies.render import as_markdown, as_text
from tests.laws.test_policies import review
from tests.planner.test_odd_worlds import PLANNED
from tests.planner.worlds import plan_of

DENYING = {
    "maximum of nothing": {"headroom"},
    "one region left the environment": {"change_ceiling", "no_content_lost"},
}


@pytest.mark.parametrize("name", PLANNED)
def test_an_odd_plan_is_judged(name):
    plan = plan_of(PLANNED[name])
    found = review(PLANNED[name], plan)
    assert Review.unseal(found.sealed(), where="review") == found
    assert all(finding.message and "  " not in finding.message for finding in found.findings)
    assert as_text(found, plan) and as_markdown(found, plan)
    assert {finding.rule for finding in found.findings if finding.denies} == DENYING.get(name, set())
