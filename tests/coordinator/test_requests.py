"""Requests end to end over a real inventory: staged, on demand, out of the pool, refused; holds; the same id twice."""

from __future__ import annotations

import pytest

from contracts.requests import AddressRequest, Latency, Outcome, Requirements
from coordinator.addresses import answer_addresses
from coordinator.drift import find_drift
from coordinator.errors import RequestConflict, UnknownName
from coordinator.hold import HoldRequest, hold, release
from coordinator.metrics import metrics_text
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.status import read_status
from tests.coordinator.factory import peering
from tests.coordinator.world import changes_of, open_project, plan_review_apply, write_project

LARGE = Requirements(vcpu=24, gbps=3, prefix_length=26)


def addresses(identity: str = "a1", **changes: object) -> AddressRequest:
    fields = {"id": identity, "customer": "acme", "region": "fra", "prefix_length": 28, "bid_usd_per_hour": 0.02}
    return AddressRequest.model_validate({**fields, **changes})


def inventory_states(project) -> dict[str, tuple[str, str | None]]:
    return {row.key: (row.state, row.holder) for row in project.inventory.listing("dev")}


def test_staged_units_are_handed_out_at_low_latency(project):
    decision = answer_peering(project, peering())
    assert (decision.outcome, decision.latency, decision.missing) == (Outcome.STAGED, Latency.LOW, ())
    assert [key.split("/")[1] for key in decision.units] == ["circuit", "block", "compute", "storage"]
    assert len(decision.prefixes) == 1
    states = inventory_states(project)
    assert {states[key] for key in decision.units} == {("active", "acme")}


def test_what_staging_lacks_is_made_on_demand(project):
    decision = answer_peering(project, peering(requirements=LARGE))
    assert (decision.outcome, decision.latency) == (Outcome.ON_DEMAND, Latency.MEDIUM)
    assert {inventory_states(project)[key] for key in decision.units} == {("active", "acme")}
    assert {unit.root for unit in project.ledger.units() if unit.key in decision.units} == {"ondemand-r1"}
    assert [run.small for run in project.journal.runs()] == [True, False]


def test_the_next_plan_adopts_what_was_made_on_demand_and_the_one_after_changes_nothing(project):
    decision = answer_peering(project, peering(requirements=LARGE))
    before = inventory_states(project)
    outcome, report = plan_review_apply(project)
    assert report.complete
    adopted = {change.key for change in changes_of(outcome) if change.operation == "adopt"}
    assert adopted == set(decision.units)
    assert {key: inventory_states(project)[key] for key in decision.units} == {key: before[key] for key in adopted}
    assert {unit.root for unit in project.ledger.units() if unit.key in adopted} == {"fra", "links"}
    assert changes_of(make_plan(project)) == ()


@pytest.mark.parametrize(
    ("changes", "kind", "place"),
    [
        ({"requirements": Requirements(vcpu=1e6)}, "vcpu", "fra"),
        ({"requirements": Requirements(storage_gib=1e9)}, "storage_gib", "fra"),
        ({"requirements": Requirements(gbps=1e6)}, "gbps", "ams--fra"),
        ({"requirements": Requirements(prefix_length=8)}, "addresses", "fra"),
        ({"requirements": Requirements()}, "requirements", "ams--fra"),
        ({"source": "fra"}, "link", "fra--fra"),
    ],
)
def test_a_refusal_names_what_is_missing_in_numbers(project, changes, kind, place):
    decision = answer_peering(project, peering(**changes))
    assert decision.outcome is Outcome.REFUSED
    assert decision.latency is None
    lacking = {(item.kind, item.place) for item in decision.missing}
    assert (kind, place) in lacking
    assert all(item.wanted > item.available for item in decision.missing)


def test_nothing_is_made_beyond_the_unattended_limits(tmp_path):
    folder = write_project(tmp_path / "tight", extra="unattended: {max_changes: 20, max_usd_per_hour: 0.5}\n")
    with open_project(folder) as project:
        plan_review_apply(project)
        decision = answer_peering(project, peering(requirements=LARGE))
        assert [item.kind for item in decision.missing] == ["unattended.max_usd_per_hour"]
        assert not [row for row in project.inventory.listing("dev") if "/granted/" in row.key]


def test_nothing_is_made_during_a_freeze(tmp_path, hands):
    freeze = "freezes: [{start: 2026-03-02T13:00:00Z, end: 2026-03-03T00:00:00Z, reason: year end}]\n"
    folder = write_project(tmp_path / "frozen", extra=freeze)
    with open_project(folder, hands) as project:
        plan_review_apply(project)
        hands.forward(2)
        decision = answer_peering(project, peering(requirements=LARGE))
        assert [(item.kind, item.why) for item in decision.missing] == [
            ("freeze", "frozen until 2026-03-03T00:00+00:00: year end")
        ]
        assert answer_peering(project, peering("r2")).outcome is Outcome.STAGED


def test_a_policy_that_denies_is_named(tmp_path):
    folder = write_project(tmp_path / "denied")
    with open_project(folder) as project:
        plan_review_apply(project)
    text = (folder / "environments" / "dev.yaml").read_text()
    rules = "rules: {headroom_quantile: 0.8, budget_usd_per_hour: 0.01, levels: {budget: mandatory}}"
    (folder / "environments" / "dev.yaml").write_text(text.replace("rules: {headroom_quantile: 0.8}", rules))
    with open_project(folder) as project:
        decision = answer_peering(project, peering(requirements=LARGE))
        assert [item.kind for item in decision.missing] == ["policy"]
        assert "budget" in decision.missing[0].why


@pytest.mark.parametrize("needs", [peering().requirements, LARGE, Requirements(vcpu=1e6)])
def test_the_same_id_is_answered_the_same(project, needs):
    first = answer_peering(project, peering(requirements=needs))
    states = inventory_states(project)
    assert answer_peering(project, peering(requirements=needs)) == first
    assert inventory_states(project) == states
    with pytest.raises(RequestConflict, match="another content"):
        answer_peering(project, peering(requirements=needs, duration_hours=9))


def test_an_unknown_region_suggests_the_likely_one(project):
    with pytest.raises(UnknownName, match="did you mean 'fra'"):
        answer_peering(project, peering(destination="frx"))
    with pytest.raises(UnknownName, match="did you mean 'fra'"):
        answer_addresses(project, addresses(region="frx"))


def test_addresses_come_from_staging_first_then_from_the_pool(project):
    staged = sum(unit.prefix != "" for unit in project.ledger.units() if unit.place == "fra")
    found = [answer_addresses(project, addresses(f"a{number}")) for number in range(staged + 1)]
    assert [item.outcome for item in found] == [Outcome.STAGED] * staged + [Outcome.POOL]
    assert [item.latency for item in found] == [Latency.LOW] * staged + [Latency.MEDIUM]
    assert len({item.prefixes for item in found}) == staged + 1
    assert [part.name for part in found[0].score_parts] == ["bid", "traffic", "alignment"]


def test_addresses_are_refused_below_the_threshold(project):
    decision = answer_addresses(project, addresses(bid_usd_per_hour=0, expected_gbps=90))
    assert decision.outcome is Outcome.REFUSED
    assert [(item.kind, item.wanted, item.available) for item in decision.missing] == [("score", 0.35, decision.score)]


def test_a_hold_is_for_its_customer_until_its_time(project):
    criteria = Requirements(vcpu=8)
    held = hold(project, HoldRequest(customer="bolt", region="fra", requirements=criteria, hours=2, id="h1"))
    assert len(held.units) == 2
    assert hold(project, HoldRequest(customer="bolt", region="fra", requirements=criteria, hours=2, id="h1")) == held
    with pytest.raises(RequestConflict):
        hold(project, HoldRequest(customer="bolt", region="fra", requirements=criteria, hours=3, id="h1"))
    assert {inventory_states(project)[key] for key in held.units} == {("held", "bolt")}

    assert answer_peering(project, peering("r1", requirements=Requirements(vcpu=4))).outcome is Outcome.ON_DEMAND
    mine = answer_peering(project, peering("r2", customer="bolt", requirements=Requirements(vcpu=4)))
    assert mine.outcome is Outcome.STAGED
    assert set(mine.units) < set(held.units)
    project.clock.forward(2)
    late = answer_peering(project, peering("r3", requirements=Requirements(vcpu=4)))
    assert set(late.units) == set(held.units) - set(mine.units)


def test_a_hold_of_more_than_is_staged_holds_nothing(project):
    held = hold(project, HoldRequest(customer="bolt", region="fra", requirements=Requirements(vcpu=400), hours=2))
    assert held.units == ()
    assert [(item.kind, item.wanted) for item in held.missing] == [("vcpu", 400)]


@pytest.mark.parametrize(("allowed", "outcome"), [("true", Outcome.STAGED), ("false", Outcome.ON_DEMAND)])
def test_priority_takes_what_a_lower_one_holds_where_that_is_allowed(tmp_path, allowed, outcome):
    folder = write_project(tmp_path / "p", extra=f"unattended: {{priority_may_take_held: {allowed}}}\n")
    with open_project(folder) as project:
        plan_review_apply(project)
        hold(
            project, HoldRequest(customer="bolt", region="fra", requirements=Requirements(vcpu=8), hours=2, priority=3)
        )
        needs = Requirements(vcpu=4)
        assert answer_peering(project, peering("r1", requirements=needs, priority=3)).outcome is Outcome.ON_DEMAND
        assert answer_peering(project, peering("r2", requirements=needs, priority=4)).outcome is outcome


def test_released_units_wait_in_quarantine_and_are_handed_out_again(project):
    first = answer_peering(project, peering())
    assert first.grant is not None
    released = release(project, first.grant)
    assert set(released.units) == set(first.units)
    assert {inventory_states(project)[key] for key in first.units} == {("quarantined", None)}
    assert release(project, first.grant).units == ()
    project.clock.forward(24)
    assert set(answer_peering(project, peering("r2")).units) == set(first.units)
    with pytest.raises(UnknownName, match="no grant or hold"):
        release(project, "nobody")


def test_grants_are_not_drift(project):
    answer_peering(project, peering("r1"))
    answer_peering(project, peering("r2", requirements=LARGE))
    report = find_drift(project)
    assert report.found == ()
    assert {item.key.split("/")[1] for item in report.expected} == {"circuit", "block", "compute", "storage"}


def test_metrics_move_with_every_decision(project):
    answer_peering(project, peering("r1"))
    answer_peering(project, peering("r2", requirements=Requirements(vcpu=1e6)))
    answer_peering(project, peering("r2", requirements=Requirements(vcpu=1e6)))
    text = metrics_text(project.ledger)
    assert 'prestage_requests_total{kind="peering",outcome="staged"} 1\n' in text
    assert 'prestage_requests_total{kind="peering",outcome="refused"} 1\n' in text
    assert 'prestage_units{kind="block",state="active"} 1\n' in text
    assert 'prestage_decision_seconds_bucket{kind="peering",outcome="staged",le="+Inf"} 1\n' in text
    assert 'prestage_decision_seconds_count{kind="peering",outcome="staged"} 1\n' in text


def test_status_tells_where_an_environment_stands(project):
    answer_peering(project, peering("r1"))
    hold(project, HoldRequest(customer="bolt", region="lon", requirements=Requirements(vcpu=4), hours=2, id="h1"))
    status = read_status(project)
    assert {unit.key for unit in status.handed_out} >= {"fra/compute/staged/s4/0001", "lon/compute/staged/s4/0001"}
    assert [(held.id, held.customer, len(held.units)) for held in status.holds] == [("h1", "bolt", 1)]
    assert status.last_plan is not None
    assert (status.open_runs, status.unanswered, status.not_followed, status.locked_by) == ((), (), 0, None)
    with project.lock("prestage apply plans/dev.json"):
        assert "`prestage apply plans/dev.json`" in (read_status(project).locked_by or "")


def test_a_customer_gets_nothing_outside_the_regions_that_it_allows(tmp_path):
    folder = write_project(tmp_path)
    environment = folder / "environments" / "dev.yaml"
    rules = "rules: {headroom_quantile: 0.8, allowed_regions: {acme: [ams]}}"
    environment.write_text(environment.read_text().replace("rules: {headroom_quantile: 0.8}", rules))
    with open_project(folder) as project:
        plan_review_apply(project)
        refused = (answer_peering(project, peering()), answer_addresses(project, addresses()))
        held = hold(project, HoldRequest(customer="acme", region="fra", requirements=Requirements(vcpu=4), hours=1))
        other = answer_peering(project, peering("r2", customer="globex"))
    assert [decision.outcome for decision in refused] == [Outcome.REFUSED, Outcome.REFUSED]
    assert {(item.kind, item.place) for decision in refused for item in decision.missing} == {("policy", "fra")}
    assert (held.units, [item.place for item in held.missing]) == ((), ["fra"])
    assert other.outcome is Outcome.STAGED
