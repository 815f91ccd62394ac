"""Counts by hour as clouds keep them: played through two days, minute by minute, they are the plan's at each hour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.resources import ComputeSpec, Purchase
from stacks.declaration import Ref
from stacks.errors import InvalidArgument
from stacks.targets import aws, estate, gcp, hours
from tests.clouds.clouds_world import mixed_environment, resource

ENVIRONMENT = mixed_environment()
DAYS = st.lists(st.integers(0, 9), min_size=24, max_size=24).map(tuple).filter(lambda day: len(set(day)) > 1)
NIGHT_AND_DAY = (2,) * 7 + (5,) * 13 + (2,) * 4
MINUTES = 24 * 60


def spec_of(by_hour, shape="m6i.large", purchase=Purchase.ON_DEMAND):
    return ComputeSpec(shape=shape, count=max(by_hour), by_hour=by_hour, purchase=purchase)


def on_aws(by_hour, key="fra/compute/serving/m6i.large"):
    items = aws.declare([resource(key, spec_of(by_hour))], ENVIRONMENT)
    return {item.key.removeprefix(key).lstrip("/"): item for item in items}


def on_google(by_hour, key="bel/compute/serving/n2-standard-4"):
    items = gcp.declare([resource(key, spec_of(by_hour, "n2-standard-4"))], ENVIRONMENT)
    return {item.key.removeprefix(key).lstrip("/"): item for item in items}


def minute_of(cron):
    """When a recurrence of once a day is due."""
    minute, hour, *days = cron.split()
    assert days == ["*", "*", "*"]
    return int(hour) * 60 + int(minute)


def played(actions):
    """What the group's floor is at each minute of the second day."""
    due = {minute_of(action["recurrence"]): action for action in actions}
    assert len(due) == len(actions)  # AWS refuses two actions of a group at one time
    floor = None
    day = []
    for minute in range(2 * MINUTES):
        floor = due.get(minute % MINUTES, {}).get("min_size", floor)
        day.append(floor)
    return day[MINUTES:]


def in_force(policy):
    """What Google's autoscaler makes of a policy at each minute: the largest of what is in force."""
    day = [policy["min_replicas"]] * MINUTES
    for schedule in policy["scaling_schedules"]:
        start = minute_of(schedule["schedule"])
        for minute in range(start, start + schedule["duration_sec"] // 60):
            day[minute % MINUTES] = max(day[minute % MINUTES], schedule["min_required_replicas"])
    return day


def held(day, by_hour):
    """Each hour has its count; minutes before a larger count have that already."""
    for minute, count in enumerate(day):
        hour = minute // 60
        coming = by_hour[(hour + 1) % 24]
        early = minute % 60 >= 60 - hours.EARLY_MINUTES and coming > by_hour[hour]
        assert count == (coming if early else by_hour[hour]), (minute, count)


@given(DAYS)
def test_scheduled_actions_keep_each_hours_count(by_hour):
    actions = [item.arguments for part, item in on_aws(by_hour).items() if part.startswith("hour-")]
    held(played(actions), by_hour)
    assert all(action["desired_capacity"] == action["min_size"] for action in actions)
    assert {action["max_size"] for action in actions} == {2 * max(by_hour)}


@given(DAYS)
def test_schedules_of_an_autoscaler_keep_each_hours_count(by_hour):
    policy = on_google(by_hour)["hours"].arguments["autoscaling_policy"]
    held(in_force(policy), by_hour)
    assert policy["max_replicas"] == max(by_hour)
    assert len({schedule["name"] for schedule in policy["scaling_schedules"]}) == len(policy["scaling_schedules"])


@given(DAYS, st.integers(1, 24))
def test_steps_cover_a_day_once_and_none_is_longer_than_allowed(by_hour, longest):
    found = list(hours.steps(by_hour, at_most_hours=longest))
    covered = [(step.hour + hour) % 24 for step in found for hour in range(step.hours)]
    assert sorted(covered) == list(range(24)) and max(step.hours for step in found) <= longest
    assert all(by_hour[(step.hour + hour) % 24] == step.count for step in found for hour in range(step.hours))
    assert [step.hour for step in found] == sorted(step.hour for step in found)


@given(st.lists(st.integers(0, 999_999_999), min_size=24, max_size=24).map(tuple))
def test_counts_are_read_back_from_texts_that_every_label_takes(by_hour):
    parts = hours.spelled(by_hour)
    assert hours.parse(parts) == by_hour
    assert len(parts) == hours.PARTS and all(len(part) <= 63 for part in parts)


def test_what_never_varies_has_no_texts():
    assert hours.spelled(()) == () and hours.parse(["", ""]) == ()


@given(DAYS, st.sampled_from((Purchase.ON_DEMAND, Purchase.SPOT)))
def test_a_group_says_its_hours_itself(by_hour, purchase):
    """Whatever size it has at the moment."""
    for declare, undeclare, key, shape, moved in (
        (aws.declare, aws.undeclare, "fra/compute/serving/x", "m6i.large", {"min_size": 0}),
        (gcp.declare, gcp.undeclare, "bel/compute/serving/x", "n2-standard-4", {"target_size": 0}),
    ):
        spec = spec_of(by_hour, shape, purchase)
        group = {item.key: item for item in declare([resource(key, spec)], ENVIRONMENT)}[key]
        arguments = {**group.resolved(lambda ref: "x"), **moved}
        assert undeclare(group.type, key, arguments) == spec


def test_a_day_without_hours_is_as_it_was():
    constant = aws.declare([resource("fra/compute/serving/x", ComputeSpec(shape="m6i.large", count=3))], ENVIRONMENT)
    assert [item.key.rpartition("/")[2] for item in constant] == ["x", "template"]
    assert constant[0].lifecycle.ignore == ("desired_capacity",)


def test_sizes_that_schedules_set_are_nobodys_drift():
    assert on_aws(NIGHT_AND_DAY)[""].lifecycle.ignore == ("desired_capacity", "min_size")
    assert on_google(NIGHT_AND_DAY)[""].lifecycle.ignore == ("target_size", "description")


def test_a_group_begins_with_its_largest_count_and_instances_do_not_bear_its_hours():
    group = on_aws(NIGHT_AND_DAY)[""].arguments
    assert (group["min_size"], group["desired_capacity"], group["max_size"]) == (5, 5, 10)
    bearing = {block["key"]: block["propagate_at_launch"] for block in group["tag"]}
    assert {key for key, at_launch in bearing.items() if not at_launch} == {f"prestage:by-hour-{n}" for n in range(4)}
    assert on_google(NIGHT_AND_DAY)[""].arguments["target_size"] == 5


def test_what_a_plan_changes_for_hours_that_have_begun_is_in_force_within_four():
    """An action acts when its hour comes: none comes later than that."""
    due = sorted(minute_of(item.arguments["recurrence"]) for part, item in on_aws(NIGHT_AND_DAY).items() if "-" in part)
    gaps = [after - before for before, after in zip(due, [*due[1:], due[0] + MINUTES], strict=True)]
    assert max(gaps) <= 4 * 60 + hours.EARLY_MINUTES


def test_schedules_refer_to_their_group():
    action = on_aws(NIGHT_AND_DAY)["hour-07"]
    assert action.arguments["recurrence"] == "50 6 * * *" and action.arguments["time_zone"] == "Etc/UTC"
    assert action.arguments["autoscaling_group_name"] == Ref(key="fra/compute/serving/m6i.large", attribute="name")
    assert action.resource == "fra/compute/serving/m6i.large"
    scaler = on_google(NIGHT_AND_DAY)["hours"]
    assert scaler.arguments["target"] == Ref(key="bel/compute/serving/n2-standard-4", attribute="self_link")


def test_a_busy_group_is_not_made_larger_by_the_signal_that_google_adds():
    """Without a signal Google takes 60 % of the processors; at 100 % it never asks for more than what runs."""
    policy = on_google(NIGHT_AND_DAY)["hours"].arguments["autoscaling_policy"]
    assert policy["cpu_utilization"] == {"target": 1.0}


@pytest.mark.parametrize("purpose", ["staged", "granted"])
@pytest.mark.parametrize(
    ("declare", "region", "shape"), [(aws.declare, "fra", "m6i.large"), (gcp.declare, "bel", "n2-standard-4")]
)
def test_units_are_whole_at_every_hour(declare, region, shape, purpose):
    unit = resource(f"{region}/compute/{purpose}/{shape}/0001", spec_of(NIGHT_AND_DAY, shape))
    with pytest.raises(InvalidArgument, match=f"a {purpose} unit of compute cannot vary by hour"):
        declare([unit], ENVIRONMENT)


def test_the_estate_refuses_a_schedule_and_says_what_to_do():
    item = resource("ams/compute/serving/m8", spec_of(NIGHT_AND_DAY, "m8"))
    with pytest.raises(
        InvalidArgument, match=r"no schedule scales hosts(.|\n)*5 at every hour(.|\n)*purchases\.hourly"
    ):
        estate.declare([item], ENVIRONMENT)
