"""The digest of a bundle changes when anything changes, and unknown rules are refused."""

from dataclasses import replace
from itertools import permutations

import pytest

from contracts.limits import Level, Rules
from policies import bundle as module
from policies.bundle import PolicyBundle
from policies.errors import UnknownRule
from policies.registry import RULES
from tests.policies.sample import NOW, exemption

VARIANTS = {
    "budget_usd_per_hour": 7.0,
    "headroom_quantile": 0.77,
    "change_ceiling_share": 0.7,
    "change_ceiling_minimum": 7,
    "defer_changes": True,
    "calm": False,
    "max_pool_utilisation": 0.7,
    "allowed_regions": {"acme": ("fra",)},
    "levels": {"budget": Level.ADVISORY},
}


def test_every_setting_has_a_variant():
    assert set(VARIANTS) | {"exemptions"} == set(Rules.model_fields)


def test_every_setting_changes_the_digest():
    digests = {PolicyBundle(Rules(**{name: value})).digest() for name, value in VARIANTS.items()}
    assert len(digests | {PolicyBundle(Rules()).digest()}) == len(VARIANTS) + 1


def test_the_name_of_the_exemptions_file_does_not():
    assert PolicyBundle(Rules(exemptions="a.yaml")).digest() == PolicyBundle(Rules()).digest()


def test_exemptions_change_the_digest_and_their_order_does_not():
    three = (exemption("budget"), exemption("headroom"), exemption("budget", "fra/*"))
    whole = {PolicyBundle(Rules(), order).digest() for order in permutations(three)}
    assert len(whole) == 1
    parts = {PolicyBundle(Rules(), three[:end]).digest() for end in range(4)}
    assert len(parts) == 4
    for field, value in {"reason": "other", "owner": "other", "resource": "x", "expires": NOW}.items():
        changed = exemption("budget").model_copy(update={field: value})
        assert PolicyBundle(Rules(), (changed,)).digest() != PolicyBundle(Rules(), (exemption("budget"),)).digest()


@pytest.mark.parametrize("changed", [{"version": 2}, {"level": Level.ADVISORY}, {"code": "other"}])
def test_another_version_level_or_code_of_a_rule_changes_the_digest(monkeypatch, changed):
    before = PolicyBundle(Rules()).digest()
    monkeypatch.setattr(module, "RULES", (replace(RULES[0], **changed), *RULES[1:]))
    assert PolicyBundle(Rules()).digest() != before


def test_an_unknown_rule_is_refused_with_the_likely_one():
    with pytest.raises(UnknownRule, match="did you mean 'budget'"):
        PolicyBundle(Rules(levels={"budgte": Level.ADVISORY}))
    with pytest.raises(UnknownRule, match="did you mean 'headroom'"):
        PolicyBundle(Rules(), (exemption("headrom"),))


def test_of_several_exemptions_the_one_that_lasts_longest_counts():
    bundle = PolicyBundle(Rules(), (exemption("budget", days=1), exemption("budget", days=3)))
    assert bundle.exemption(RULES[0], "*", NOW) == exemption("budget", days=3)
