"""Compute: a template and a regional managed group; reservations for what is staged, commitments where bought.

A staged unit holds its capacity by reservations while its group is empty: to activate it is to resize the group, which
is a change and no creation, and whose size is then others' to say. Spot cannot be reserved (Compute Engine, "Choose a
reservation type", restrictions): a staged spot unit is its template and its empty group.

A count that varies by hour is an autoscaler with a schedule for each step above the quietest hour, and the size of the
group is its to say (Compute Engine, "Scaling based on schedules").
"""

from collections.abc import Iterator, Mapping

from contracts.document import text_digest
from contracts.resources import ComputeSpec, Purchase, Purpose
from stacks.declaration import Argument, Declaration, Lifecycle
from stacks.targets import hours
from stacks.targets.gcp.placing import Placing
from stacks.targets.gcp.shapes import MachineType, machine_type

BASE_NAME_LIMIT = 58  # a group appends a hyphen and four characters
MIB_PER_GIB, COMMITTED_MIB_STEP = 1024, 256


def declare_compute(at: Placing, spec: ComputeSpec) -> Iterator[Declaration]:
    """All that a compute resource takes.

    Raises:
        InvalidArgument: no such machine type, or a unit varies by hour.
    """
    hours.check_whole_units(spec, at.resource.key)
    machine = machine_type(spec.shape, where=at.key())
    template = _template(at, spec, machine)
    yield at.declare(
        "google_compute_instance_template",
        "template",
        # It cannot change: another content is another template, made before the old one goes.
        {"name": at.name(f"template/{text_digest(repr(sorted(template.items())))[-8:]}"), **template},
        Lifecycle(create_before_destroy=True),
    )
    staged = is_staged(at.resource.key)
    yield at.declare(
        "google_compute_region_instance_group_manager",
        "",
        _group(at, spec, staged=staged),
        Lifecycle(ignore=("target_size",)) if staged or spec.by_hour else Lifecycle(),
    )
    if spec.by_hour:
        yield _autoscaler(at, spec)
    if staged and spec.purchase is not Purchase.SPOT:
        yield from _reservations(at, spec)
    if spec.purchase is Purchase.COMMITTED and at.account.buy_commitments:
        yield _commitment(at, spec, machine)


def is_staged(key: str) -> bool:
    """Whether a key is that of a unit that was made to be handed out; it stays that when it is."""
    return key.split("/")[2:3] == [Purpose.STAGED.value]


def parse_purchase(spelled: str) -> Purchase:
    """How compute is paid for, as a label spells it.

    Raises:
        ValueError: in no way that we know.
    """
    return Purchase(spelled.replace("-", "_"))


def _group(at: Placing, spec: ComputeSpec, *, staged: bool) -> Mapping[str, Argument]:
    return {
        "name": at.name(),
        "description": at.description(),
        "region": at.cloud.location,
        "base_instance_name": at.name(limit=BASE_NAME_LIMIT),
        "distribution_policy_zones": at.cloud.zones,
        "target_size": 0 if staged else spec.count,
        "version": ({"instance_template": at.own("template", "self_link")},),
        "all_instances_config": {"labels": at.labels("", **_held_by(spec, staged=staged))},
        "update_policy": {
            "type": "PROACTIVE",
            "minimal_action": "REFRESH",  # other labels replace no instance, another template does
            # A regional group takes no surge smaller than its number of zones, but for none at all.
            "max_surge_fixed": len(at.cloud.zones),
            "max_unavailable_fixed": 0,
        },
    }


def _held_by(spec: ComputeSpec, *, staged: bool) -> Mapping[str, str | int]:
    """What labels have to say of a group: its template is a reference, and sizes that others set say nothing."""
    held = {"shape": spec.shape, "purchase": spec.purchase.value.replace("_", "-")}
    by_hour = {f"by_hour_{part}": text for part, text in enumerate(hours.spelled(spec.by_hour))}
    return {**held, **by_hour, **({"count": spec.count} if staged else {})}


def _autoscaler(at: Placing, spec: ComputeSpec) -> Declaration:
    """Of the schedules that are in force, and the least size, the largest counts."""
    least = min(spec.by_hour)
    schedules: tuple[Argument, ...] = tuple(
        {
            "name": f"hour-{step.hour:02}",
            "min_required_replicas": step.count,
            "schedule": step.recurrence,
            "time_zone": "Etc/UTC",
            "duration_sec": step.seconds,
        }
        for step in hours.steps(spec.by_hour)
        if step.count > least
    )
    return at.declare(
        "google_compute_region_autoscaler",
        "hours",
        {
            "name": at.name("hours"),
            "description": at.description("hours"),
            "region": at.cloud.location,
            "target": at.own("", "self_link"),
            "autoscaling_policy": {
                "min_replicas": least,
                "max_replicas": spec.count,
                "scaling_schedules": schedules,
                # Without a signal there is one of 60 % by default; at 100 % none asks for more than what runs.
                "cpu_utilization": {"target": 1.0},
            },
        },
    )


def _template(at: Placing, spec: ComputeSpec, machine: MachineType) -> Mapping[str, Argument]:
    found: dict[str, Argument] = {
        "description": at.description("template"),
        "labels": at.labels("template"),
        "machine_type": machine.name,
        "region": at.cloud.location,
        "disk": (
            {
                "source_image": at.cloud.image or machine.family.image,
                "boot": True,
                "auto_delete": True,
                "disk_type": machine.family.boot_disk,
            },
        ),
        "network_interface": ({"subnetwork": at.network("subnet")},),
        "scheduling": _scheduling(spec.purchase),
    }
    if is_staged(at.resource.key) and spec.purchase is not Purchase.SPOT:
        found["reservation_affinity"] = {
            "type": "SPECIFIC_RESERVATION",
            "specific_reservation": {
                "key": "compute.googleapis.com/reservation-name",
                "values": (at.name("reservation"),),
            },
        }
    return found


def _scheduling(purchase: Purchase) -> Mapping[str, Argument]:
    if purchase is not Purchase.SPOT:
        return {"automatic_restart": True, "on_host_maintenance": "MIGRATE"}
    return {
        "preemptible": True,
        "provisioning_model": "SPOT",
        "automatic_restart": False,
        "on_host_maintenance": "TERMINATE",
        "instance_termination_action": "STOP",
    }


def _reservations(at: Placing, spec: ComputeSpec) -> Iterator[Declaration]:
    """One a zone, all of the same name, which is what the template asks for; the first zones have one more."""
    each, over = divmod(spec.count, len(at.cloud.zones))
    for number, zone in enumerate(at.cloud.zones):
        if count := each + (number < over):
            part = f"reservation-{zone}"
            yield at.declare(
                "google_compute_reservation",
                part,
                {
                    "name": at.name("reservation"),
                    "description": at.description(part),
                    "zone": zone,
                    "specific_reservation_required": True,
                    "specific_reservation": {
                        "count": count,
                        "instance_properties": {"machine_type": spec.shape},
                    },
                },
            )


def _commitment(at: Placing, spec: ComputeSpec, machine: MachineType) -> Declaration:
    """A year of what is committed when it is first bought.

    It can neither change nor be given back: it is protected, and what is committed later is recommended, not bought.
    """
    mib = int(machine.memory_gib * spec.count * MIB_PER_GIB) // COMMITTED_MIB_STEP * COMMITTED_MIB_STEP
    return at.declare(
        "google_compute_region_commitment",
        "commitment",
        {
            "name": at.name("commitment"),
            "description": at.description("commitment"),
            "region": at.cloud.location,
            "plan": "TWELVE_MONTH",
            "type": machine.family.commitment,
            "resources": (
                {"type": "VCPU", "amount": str(machine.vcpu * spec.count)},
                {"type": "MEMORY", "amount": str(mib)},
            ),
        },
        Lifecycle(protect=True, ignore=("description", "resources", "type")),
    )
