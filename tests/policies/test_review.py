"""A review is a function of its inputs, whatever their order, and survives a file."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.limits import Level
from contracts.review import Review
from policies.review import review_plan
from tests.policies.sample import FAILOVER, GRANTED, NOW, RESOURCES, Scene, delete, exemption

WORST = (
    Scene()
    .with_rules(budget_usd_per_hour=5, max_pool_utilisation=0.1, levels={"budget": Level.ADVISORY})
    .but(
        resources=tuple(item for item in RESOURCES if item not in (FAILOVER, GRANTED)),
        changes=(*Scene().changes, delete(GRANTED)),
        exemptions=(
            exemption("pool_utilisation"),
            exemption("pool_utilisation", "fra/*", days=2),
            exemption("budget", days=-1),
            exemption("no_destruction"),
        ),
    )
)


@given(st.randoms(use_true_random=False))
def test_a_review_does_not_depend_on_the_order_of_its_inputs(chance):
    def shuffled(items):
        return tuple(chance.sample(items, len(items)))

    mixed = WORST.but(
        resources=shuffled(WORST.resources),
        requirements=shuffled(WORST.requirements),
        changes=shuffled(WORST.changes),
        units=shuffled(WORST.units),
        exemptions=shuffled(WORST.exemptions),
    )
    review = mixed.review()
    assert review.findings == WORST.review().findings
    assert review.policies == WORST.review().policies


def test_the_same_input_gives_the_same_bytes_at_any_time():
    first = WORST.review()
    again = review_plan(WORST.plan(), WORST.facts(), WORST.bundle(), now=NOW)
    assert first.sealed() == again.sealed()
    assert Review.unseal(first.sealed(), where="x") == first
    assert first.model_copy(update={"reviewed_at": NOW.replace(minute=5)}).digest() == first.digest()


def test_findings_come_in_the_order_of_what_they_do():
    found = [(finding.denies, finding.rule, finding.level) for finding in WORST.review().findings]
    assert found == [
        (True, "no_destruction", Level.MANDATORY),
        (True, "failover_partner", Level.OVERRIDABLE),
        (False, "pool_utilisation", Level.OVERRIDABLE),
        (False, "budget", Level.ADVISORY),
        (False, "exemptions", Level.ADVISORY),
        (False, "exemptions", Level.ADVISORY),
    ]


def test_a_review_is_bound_to_plan_and_policies():
    review = WORST.review()
    assert review.plan == WORST.plan().digest()
    assert review.policies == WORST.bundle().digest()


def test_an_exempted_finding_says_by_whom_and_until_when():
    exempted = next(finding for finding in WORST.review().findings if finding.rule == "pool_utilisation")
    assert exempted.exempted_by == "ops@example.org until 2026-11-23T09:00:00+00:00"


def test_a_review_judges_at_its_own_moment():
    covered = Scene().with_rules(budget_usd_per_hour=5).but(exemptions=(exemption("budget"),))
    before = review_plan(covered.plan(), covered.facts(), covered.bundle(), now=NOW)
    after = review_plan(covered.plan(), covered.facts(), covered.bundle(), now=exemption("budget").expires)
    assert (before.denied, after.denied) == (False, True)
