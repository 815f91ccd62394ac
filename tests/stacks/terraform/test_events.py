"""Events: lines that OpenTofu 1.11 printed while it planned and applied (shortened to what is read), and odd ones."""

import json
from pathlib import Path

from stacks.engines.engine import Action
from stacks.engines.terraform_engine.events import Events
from stacks.engines.terraform_engine.roots import address_of

RECORDED = Path(__file__).with_name("recorded.jsonl").read_text().splitlines(keepends=True)
KEYS = {
    "fra/alert/vcpu": "estate_alert",
    "fra/compute/serving/m8": "estate_compute",
    "fra/compute/staged/m8/0001": "estate_compute",
    "ams/compute/serving/m8": "estate_compute",
}


def heard(lines):
    """Events of these lines, and what progress was told."""
    told: list[tuple[int, str]] = []
    events = Events({address_of(type, key): key for key, type in KEYS.items()}, lambda *one: told.append(one))
    for line in lines:
        events(line)
    return events, told


def test_what_was_planned_done_and_refused_is_known_by_key():
    events, told = heard(RECORDED)
    assert events.planned == {
        "fra/alert/vcpu": Action.DELETE,
        "fra/compute/serving/m8": Action.UPDATE,
        "fra/compute/staged/m8/0001": Action.UPDATE,  # imported, and brought to what is declared
        "ams/compute/serving/m8": Action.CREATE,
    }
    assert dict(events.done) == {Action.DELETE: 1, Action.UPDATE: 2}
    assert [done for done, _ in told] == [1, 2, 3]
    assert {key for _, key in told} == KEYS.keys() - {"ams/compute/serving/m8"}
    assert events.failures.keys() == {"ams/compute/serving/m8"}
    assert events.told.startswith("ams/compute/serving/m8: ams has 640 vcpu left of 640, 80000 wanted; next: ")


def test_what_is_only_imported_is_adopted():
    change = {"resource": {"addr": "estate_alert.fra__alert__vcpu"}, "action": "noop", "importing": {"id": "dev/x"}}
    events, _ = heard([json.dumps({"type": "planned_change", "change": change})])
    assert events.planned == {"fra/alert/vcpu": Action.ADOPT}


def test_nothing_to_do_is_nothing_planned():
    change = {"resource": {"addr": "estate_alert.fra__alert__vcpu"}, "action": "no-op"}
    events, _ = heard([json.dumps({"type": "planned_change", "change": change})])
    assert events.planned == {} and events.told == ""


def test_what_changed_from_outside_is_drift_and_nothing_planned():
    change = {"resource": {"addr": "estate_alert.fra__alert__vcpu"}, "action": "delete"}
    events, _ = heard([json.dumps({"type": "resource_drift", "change": change})])
    assert events.unwritten and events.planned == {}
    assert not heard(RECORDED)[0].unwritten


def test_an_error_of_no_resource_is_told_and_a_warning_is_not():
    error = {"severity": "error", "summary": "Error acquiring the state lock", "detail": ""}
    warning = {"severity": "warning", "summary": "Value for undeclared variable"}
    events, _ = heard([json.dumps({"type": "diagnostic", "diagnostic": item}) for item in (error, warning)])
    assert events.told == "Error acquiring the state lock"


def test_an_error_says_each_thing_once():
    both = {"severity": "error", "summary": "creating VPC", "detail": "\nno room\n", "address": "aws_vpc.fra__network"}
    provider = {"severity": "error", "summary": "No credentials", "detail": "", "address": 'provider["x/aws"]'}
    events, _ = heard([json.dumps({"type": "diagnostic", "diagnostic": item}) for item in (both, provider)])
    assert events.failures == {"fra/network": ["creating VPC: no room"], "": ["No credentials"]}


def test_what_is_no_event_is_passed_over():
    events, told = heard(["panic: runtime error\n", "\n", '"a string"\n', '{"type": "outputs"}\n'])
    assert (events.planned, events.told, told) == ({}, "", [])
