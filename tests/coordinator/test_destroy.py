"""Destroying: in order, counted, without what somebody has; killed anywhere, the same command goes on."""

from __future__ import annotations

import pytest

from contracts.exits import ExitCode
from contracts.ports import Silent
from coordinator.destroy import destroy, plan_destruction
from coordinator.errors import Refused, UnknownName
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from stacks.errors import CapacityExceeded
from tests.coordinator.factory import peering
from tests.coordinator.world import changes_of, open_project, plan_review_apply


def count(project, *names):
    return len(plan_destruction(project, names).keys)


def kill(project, *names):
    return destroy(project, names, Silent(), confirmed=count(project, *names))


def edit(folder, extra):
    file = folder / "environments" / "dev.yaml"
    file.write_text(file.read_text() + extra)


def test_everything_goes_links_first(project):
    keys = plan_destruction(project, ()).keys
    assert set(keys) == project.live_keys()
    position = {key: number for number, key in enumerate(keys)}
    assert position["ams--fra/link"] < position["fra/network"]
    assert all(position[key] < position[f"{key.partition('/')[0]}/network"] for key in keys if key.startswith("fra/c"))
    report = kill(project)
    assert report.complete
    assert project.live_keys() == frozenset() == frozenset(project.engine.applied())
    assert project.ledger.units() == ()
    assert project.journal.open_runs() == ()


def test_it_can_be_planned_and_applied_again(project):
    kill(project)
    outcome, report = plan_review_apply(project)
    assert {change.operation.value for change in changes_of(outcome)} == {"create"}
    assert report.complete
    assert changes_of(make_plan(project)) == ()


@pytest.mark.parametrize("off_by", [None, -1, 1])
def test_the_number_has_to_be_right(project, off_by):
    before = project.live_keys()
    number = count(project)
    with pytest.raises(Refused, match=f"not confirmed: it destroys {number}") as caught:
        destroy(project, (), Silent(), confirmed=None if off_by is None else number + off_by)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert caught.value.next_step.endswith(f"prestage destroy --confirm {number}")
    assert project.live_keys() == before
    assert len(project.journal.runs()) == 1


def test_what_somebody_has_stays_with_what_it_stands_on(project):
    decision = answer_peering(project, peering())
    found = plan_destruction(project, ())
    assert set(decision.units) <= found.kept.keys()
    assert found.kept[decision.units[0]] == "is active by acme"
    assert "fra/network" in found.kept
    assert kill(project).complete
    live = project.live_keys()
    assert live == found.kept.keys()
    units = {unit.key: str(unit.state) for unit in project.ledger.units()}
    assert {units[key] for key in decision.units} == {"active"}


def test_what_is_named_goes_though_somebody_has_it(project):
    decision = answer_peering(project, peering())
    key = next(key for key in decision.units if "/compute/" in key)
    assert destroy(project, (key,), Silent(), confirmed=1).complete
    assert key not in project.live_keys()
    assert set(decision.units) - {key} <= project.live_keys()
    assert key not in {unit.key for unit in project.ledger.units()}
    project.ledger.verify_audit()


def test_a_region_goes_with_its_links_and_the_others_are_as_they_were(project):
    before = {row.key: (row.seq, row.arguments) for row in project.inventory.listing("dev")}
    kept = plan_destruction(project, ("lon",)).kept
    assert all(why.endswith("stands on it") for why in kept.values())  # volumes of others that are copied there
    assert kill(project, "lon").complete
    after = {row.key: (row.seq, row.arguments) for row in project.inventory.listing("dev")}
    assert {key for key in after if "lon" in key.partition("/")[0]} == kept.keys() <= {"lon/network"}
    assert after.items() <= before.items()
    assert {"fra/network", "ams/network", "ams--fra/link"} <= after.keys()


def test_pins_and_paused_regions_stay_unless_named(folder, hands):
    edit(folder, "pins: [fra/alert/vcpu]\n")
    file = folder / "environments" / "dev.yaml"
    file.write_text(file.read_text().replace("{name: ams, asn: 64513}", "{name: ams, asn: 64513, paused: true}"))
    with open_project(folder, hands) as project:
        kept = plan_destruction(project, ()).kept
        assert kept["fra/alert/vcpu"] == "is pinned"
        assert kept["ams/network"] == "is in a region that is paused"
        assert kept["fra/network"].endswith("stands on it")
        assert "fra/alert/vcpu" in plan_destruction(project, ("fra/alert/vcpu",)).keys


def test_nothing_of_that_name(project):
    with pytest.raises(UnknownName, match="there is no 'frq'"):
        plan_destruction(project, ("frq",))


def test_not_while_it_is_frozen(folder, hands):
    edit(folder, "freezes: [{start: 2026-03-02T11:00:00Z, end: 2026-03-02T13:00:00Z, reason: year end}]\n")
    with open_project(folder, hands) as project, pytest.raises(Refused, match="frozen until 2026-03-02T13:00"):
        destroy(project, (), Silent(), confirmed=count(project))


class Death(BaseException):
    """The process ends."""


@pytest.mark.parametrize("at", [0, 5, 17])
def test_stopped_anywhere_the_same_command_with_the_same_number_goes_on(folder, hands, at):
    passed = []

    def die(point):
        passed.append(point)
        if len(passed) == at + 1:
            raise Death

    with open_project(folder, hands, die) as project:
        number = count(project)
        with pytest.raises(Death):
            destroy(project, (), Silent(), confirmed=number)
    with open_project(folder, hands) as project:
        assert count(project) == number
        report = destroy(project, (), Silent(), confirmed=number)
        assert (report.complete, report.resumed) == (True, True)
        assert project.live_keys() == frozenset()
        assert project.journal.open_runs() == ()


def test_a_root_that_fails_leaves_the_others_destroyed(folder, hands):
    def refuse(point):
        if point.startswith("delete fra/compute"):
            raise CapacityExceeded("does not let go", where="fra")

    with open_project(folder, hands, refuse) as project:
        number = count(project)
        report = destroy(project, (), Silent(), confirmed=number)
        assert not report.complete
        assert not [key for key in project.live_keys() if key.startswith("lon/")]
    with open_project(folder, hands) as project:
        assert destroy(project, (), Silent(), confirmed=number).complete
        assert project.live_keys() == frozenset()
