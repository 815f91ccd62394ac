"""Compute: a launch template and an autoscaling group of one shape; a warm pool for what is staged.

A plan's count is the group's floor. Whoever attaches a scaling policy may go to twice of it: the desired count is not
declared after the creation, so that an autoscaler is no drift. A staged unit desires nothing and keeps `count` stopped
instances warm; granting it raises the desired count, and declares nothing else.

A count that varies by hour is a scheduled action a step: it sets floor and desired count, which are not declared after
the creation then. No step is longer than `LONGEST_STEP_HOURS`: an action acts when its hour comes, so that what a plan
changes for hours that have begun is in force no later than that.

A warm pool takes neither spot nor a mixed instances policy (Amazon EC2 Auto Scaling user guide, "Limitations for warm
pools").
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from contracts.resources import ComputeSpec, Purchase, Purpose
from stacks.declaration import Declaration, Lifecycle
from stacks.errors import InvalidArgument
from stacks.targets import hours
from stacks.targets.aws.placing import TAG, Arguments, Placing

CEILING = 2  # how far above a plan's count an autoscaler may go
LONGEST_STEP_HOURS = 4
HOURS_TAG = f"{TAG}by-hour"
_SHAPE = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")
_ARM = re.compile(r"[a-z]+\d+[a-z]*g[a-z]*\..*")  # Graviton: a `g` after the generation
_IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"


def declare_compute(placing: Placing, spec: ComputeSpec) -> Iterator[Declaration]:
    """The autoscaling group under the resource's own key, and its launch template.

    Raises:
        InvalidArgument: the shape is no instance type, spot is to be staged, or a unit varies by hour.
    """
    if not _SHAPE.fullmatch(spec.shape):
        raise InvalidArgument(f"{spec.shape!r} is no instance type, such as 'm6i.large'", where=placing.key())
    staged = is_staged(placing.key())
    hours.check_whole_units(spec, placing.key())
    if staged and spec.purchase is Purchase.SPOT:
        raise InvalidArgument(
            "a warm pool takes no spot instances", where=placing.key(), next_step="stage on-demand instances"
        )
    # What is on volumes never changes with the key, and moto puts the template's own tags among it.
    yield _ignoring(placing.declare("aws_launch_template", "template", _template(placing, spec)), "tag_specifications")
    group = {**_group(placing, spec), **(_warm(placing, spec) if staged else _running(placing, spec))}
    scheduled = ("min_size",) if spec.by_hour else ()
    yield _ignoring(placing.declare("aws_autoscaling_group", "", group), "desired_capacity", *scheduled)
    yield from _schedule(placing, spec)
    if spec.purchase is Purchase.COMMITTED and placing.account.buy_commitments:
        yield from _reservations(placing, spec)


def is_staged(key: str) -> bool:
    """Whether a unit was staged, by its key alone: its purpose changes when it is granted, its declaration must not."""
    return f"/{Purpose.STAGED}/" in key


def image_of(shape: str) -> str:
    """The image that instances of a shape start from by default: the newest Amazon Linux, resolved at each launch."""
    return _IMAGE.format(architecture="arm64" if _ARM.fullmatch(shape) else "x86_64")


def _template(placing: Placing, spec: ComputeSpec) -> Arguments:
    tags = placing.tags("template")
    return {
        "name": placing.name("template", limit=128),
        "image_id": placing.cloud.image or image_of(spec.shape),
        "instance_type": spec.shape,
        "vpc_security_group_ids": (placing.network("inside"),),
        "metadata_options": {"http_endpoint": "enabled", "http_tokens": "required"},
        "tag_specifications": ({"resource_type": "volume", "tags": tags},),
        "tags": tags,
    }


def _group(placing: Placing, spec: ComputeSpec) -> Arguments:
    tags = placing.tags(shape=spec.shape, purchase=spec.purchase)
    by_hour = {f"{HOURS_TAG}-{part}": text for part, text in enumerate(hours.spelled(spec.by_hour))}
    return {
        "name": placing.name(limit=255),
        "vpc_zone_identifier": tuple(placing.network(f"subnet-{zone}") for zone in placing.cloud.zones),
        "tag": (
            *({"key": key, "value": tags[key], "propagate_at_launch": True} for key in sorted(tags)),
            # Of the group alone: instances live on when the hours change.
            *({"key": key, "value": by_hour[key], "propagate_at_launch": False} for key in sorted(by_hour)),
        ),
    }


def _running(placing: Placing, spec: ComputeSpec) -> Arguments:
    spot = spec.purchase is Purchase.SPOT
    return {
        "min_size": spec.count,
        "max_size": CEILING * spec.count,
        "desired_capacity": spec.count,
        "capacity_rebalance": spot,
        "mixed_instances_policy": {
            "instances_distribution": {
                "on_demand_percentage_above_base_capacity": 0 if spot else 100,
                "spot_allocation_strategy": "capacity-optimized",
            },
            "launch_template": {
                "launch_template_specification": {
                    "launch_template_id": placing.own("template"),
                    "version": placing.own("template", "latest_version"),
                },
                "override": ({"instance_type": spec.shape},),
            },
        },
    }


def _schedule(placing: Placing, spec: ComputeSpec) -> Iterator[Declaration]:
    """What brings the group to the count of each hour, every day in UTC."""
    for step in hours.steps(spec.by_hour, at_most_hours=LONGEST_STEP_HOURS) if spec.by_hour else ():
        part = f"hour-{step.hour:02}"
        arguments: Arguments = {
            "scheduled_action_name": placing.name(part, limit=255),
            "autoscaling_group_name": placing.own("", "name"),
            "min_size": step.count,
            "max_size": CEILING * spec.count,
            "desired_capacity": step.count,
            "recurrence": step.recurrence,
            "time_zone": "Etc/UTC",
        }
        yield placing.declare("aws_autoscaling_schedule", part, arguments)


def _warm(placing: Placing, spec: ComputeSpec) -> Arguments:
    return {
        "min_size": 0,
        "max_size": spec.count,
        "desired_capacity": 0,
        "launch_template": {"id": placing.own("template"), "version": placing.own("template", "latest_version")},
        "warm_pool": {
            "pool_state": "Stopped",
            "min_size": spec.count,
            "max_group_prepared_capacity": spec.count,
            "instance_reuse_policy": {"reuse_on_scale_in": True},
        },
        "force_delete_warm_pool": True,
    }


def _reservations(placing: Placing, spec: ComputeSpec) -> Iterator[Declaration]:
    """Capacity kept in each zone, as evenly as the count allows; instances of the shape use it by themselves."""
    zones = placing.cloud.zones
    for number, zone in enumerate(zones):
        count = spec.count // len(zones) + (number < spec.count % len(zones))
        if not count:
            continue
        part = f"reservation-{zone}"
        arguments: Arguments = {
            "availability_zone": zone,
            "instance_type": spec.shape,
            "instance_platform": "Linux/UNIX",
            "instance_count": count,
            "instance_match_criteria": "open",
            "tags": placing.tags(part),
        }
        yield placing.declare("aws_ec2_capacity_reservation", part, arguments)


def _ignoring(declaration: Declaration, *arguments: str) -> Declaration:
    return replace(declaration, lifecycle=Lifecycle(ignore=arguments))
