"""Drift in clouds as a table: what the engine saw in three views, what carries our tags, and what each means."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from contracts.drift import DriftClass
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.resources import ResourceKind
from stacks.declaration import Argument, Declaration, Lifecycle
from stacks.drift import ThreeViews, compare
from stacks.engines.engine import Action, Observed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "fra/compute/staged/m6i.large"
EXPECTED, FOREIGN, BENIGN, HARMFUL = DriftClass.EXPECTED, DriftClass.FOREIGN, DriftClass.BENIGN, DriftClass.HARMFUL
TYPE = "aws_autoscaling_group"


@dataclass(frozen=True)
class Found:
    key: str
    type: str
    id: str


def group(**changed):
    tags = {"prestage:key": KEY, "team": "network"}
    return {"id": "asg-1", "min_size": 2, "max_size": 4, "desired_capacity": 3, "tags": tags, "zones": ()} | changed


def unit(state):
    return UnitView(key=KEY, kind=ResourceKind.COMPUTE, place="fra", root="fra", state=state, holder="acme")


def report(last, live, wanted, *, action=None, tagged=(), unseen=None, units=(), type=TYPE, **declares):
    arguments: dict[str, Argument] = {
        "min_size": 2,
        "max_size": 4,
        "desired_capacity": 3,
        "tags": {},
        "tag": (),
        "policy": {},
    }
    declared = Declaration(
        type=type,
        key=KEY,
        root="fra",
        arguments={**arguments, **declares},
        lifecycle=Lifecycle(ignore=("desired_capacity",)),
    )
    seen = Observed(type=type, key=KEY, root="fra", last=last, live=live, wanted=wanted, action=action)
    views = ThreeViews(
        last={},
        live={},
        wanted={KEY: declared} if wanted is not None else {},
        ledger=LedgerView(environment="dev", revision=1, units=units),
        observed=(seen,) if last is not None or live is not None or wanted is not None else (),
        tagged=tagged,
        unseen=unseen or {},
    )
    return compare(views, read_at=NOW).differences


def test_the_same_three_times_is_no_difference_and_neither_is_a_plan():
    assert report(group(), group(), group()) == ()
    assert report(group(), group(), group(min_size=9), action=Action.UPDATE) == ()
    assert report(None, None, group(), action=Action.CREATE) == ()


def test_what_is_empty_in_another_way_is_the_same():
    assert report(group(zones=()), group(zones=""), group()) == ()


@pytest.mark.parametrize(
    ("changed", "action", "drift_class", "why"),
    [
        ({"desired_capacity": 4}, None, EXPECTED, "autoscaler"),
        ({"min_size": 1}, Action.UPDATE, HARMFUL, "1 less"),
        ({"max_size": 9}, Action.UPDATE, BENIGN, "5 more"),
        ({"tags": {"prestage:key": KEY, "team": "x"}}, Action.UPDATE, BENIGN, "without effect"),
        ({"tags": {"prestage:key": "other", "team": "network"}}, Action.UPDATE, HARMFUL, "find the resource"),
        ({"zones": ("a",)}, None, EXPECTED, "filled in"),
        ({"id": "asg-2"}, None, BENIGN, "nobody declares it"),
        ({"policy": {"spot": "none"}}, Action.UPDATE, HARMFUL, "changed from outside"),
        ({"policy": {"spot": "none"}}, None, BENIGN, "nothing to mend"),
        ({"latest_version": 3}, None, EXPECTED, "by itself"),
    ],
)
def test_a_changed_attribute(changed, action, drift_class, why):
    (found,) = report(group(), group(**changed), group(), action=action)
    assert found.drift_class is drift_class
    assert why in found.why


def test_what_a_provider_finishes_is_expected_and_the_way_back_is_not():
    pending, active = {"accept_status": "pending-acceptance"}, {"accept_status": "active"}
    (found,) = report(pending, active, active, type="aws_vpc_peering_connection")
    assert found.drift_class is EXPECTED
    (found,) = report(active, pending, active, type="aws_vpc_peering_connection", action=Action.UPDATE)
    assert found.drift_class is not EXPECTED


@pytest.mark.parametrize("field", ["iops", "throughput", "provisioned_iops", "provisioned_throughput"])
def test_a_volume_made_faster_costs_more_and_made_slower_is_harm(field):
    slow, fast = {field: 3000}, {field: 5000}
    (more,) = report(slow, fast, slow, type="aws_ebs_volume", action=Action.UPDATE, **slow)
    assert (more.drift_class, more.why) == (BENIGN, "2000 more than is wanted")
    (less,) = report(fast, slow, fast, type="aws_ebs_volume", action=Action.UPDATE, **fast)
    assert (less.drift_class, less.why) == (HARMFUL, "2000 less than is wanted")


def test_nested_attributes_are_named_by_their_path():
    nested = {"policy": ({"spot": {"pools": 2}}, {"name": "b"})}
    other = {"policy": ({"spot": {"pools": 3}}, {"name": "b"})}
    (found,) = report(group(**nested), group(**other), group(**nested), action=Action.UPDATE)
    assert (found.field, found.last_applied, found.live, found.wanted) == ("policy.0.spot.pools", "2", "3", "2")


def test_tags_in_blocks_go_by_their_key_whatever_their_order():
    ours, team = {"key": "prestage:key", "value": KEY}, {"key": "team", "value": "network"}
    assert report(group(tag=(ours, team)), group(tag=(team, ours)), group(tag=(ours, team))) == ()
    changed = group(tag=({"key": "prestage:key", "value": "other"}, team))
    (found,) = report(group(tag=(ours, team)), changed, group(tag=(ours, team)), action=Action.UPDATE)
    assert (found.field, found.drift_class) == ("tag.prestage:key", HARMFUL)


def test_what_is_gone_is_harmful_when_it_is_wanted_or_somebody_has_it():
    (wanted,) = report(group(), None, group(), action=Action.CREATE)
    (unwanted,) = report(group(), None, None)
    (handed_out,) = report(group(), None, None, units=(unit(UnitState.ACTIVE),))
    assert [item.drift_class for item in (wanted, unwanted, handed_out)] == [HARMFUL, BENIGN, HARMFUL]
    assert "acme" in handed_out.why


def test_what_carries_our_tags_and_no_plan_knows_is_foreign():
    stranger = Found(key="fra/compute/serving/x", type=TYPE, id="asg-9")
    (found,) = report(group(), group(), group(), tagged=(Found(KEY, TYPE, "asg-1"), stranger))
    assert (found.key, found.drift_class) == (stranger.key, FOREIGN)
    (unnamed,) = report(None, None, None, tagged=(Found("", "aws_vpc", "vpc-1"),))
    assert unnamed.key == "aws_vpc/vpc-1"


def test_a_second_resource_with_the_same_key_is_found():
    (found,) = report(group(), group(), group(), tagged=(Found(KEY, TYPE, "asg-1"), Found(KEY, TYPE, "asg-2")))
    assert found.drift_class is FOREIGN
    assert "second" in found.why


def test_what_could_not_be_looked_at_is_unknown_and_not_foreign():
    (found,) = report(None, None, None, unseen={KEY: "throttled"}, tagged=(Found(KEY, TYPE, "asg-1"),))
    assert found.drift_class is DriftClass.UNKNOWN
    assert "throttled" in found.why
