"""`undeclare`: what stands for a resource as its spec again, the inverse of `declare`: from a state or from live."""

from collections.abc import Callable, Mapping

from contracts.resources import (
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    ResourceKind,
    Spec,
    StorageSpec,
)
from stacks.declaration import Value
from stacks.errors import InvalidArgument
from stacks.targets import hours
from stacks.targets.gcp.alerts import parse_alert
from stacks.targets.gcp.compute import parse_purchase
from stacks.targets.gcp.marks import PREFIX, facts_of
from stacks.targets.gcp.storage import BUCKET_CLASS, REGIONAL

Arguments = Mapping[str, Value]


def undeclare(type: str, key: str, arguments: Arguments) -> Spec:
    """The spec that a standing declaration's arguments stand for, labels included.

    Raises:
        InvalidArgument: nothing of that type stands for a resource, or the arguments say too little.
    """
    read = _READERS.get(type)
    if read is None:
        raise InvalidArgument(f"a {type} stands for no resource of a plan", where=key)
    try:
        return read(key, arguments)
    except (KeyError, ValueError) as error:
        raise InvalidArgument(f"this {type} does not say what it stands for: {error}", where=key) from error


def _network(key: str, arguments: Arguments) -> Spec:
    return NetworkSpec(asn=int(_facts(arguments)["asn"]))


def _block(key: str, arguments: Arguments) -> Spec:
    return BlockSpec(prefix=_text(arguments, "ip_cidr_range"), pool=_facts(arguments)["pool"])


def _compute(key: str, arguments: Arguments) -> Spec:
    held = _held(_nested(arguments, "all_instances_config"), "labels")
    by_hour = hours.parse([held.get(f"by-hour-{part}", "") for part in range(hours.PARTS)])
    count = max(by_hour) if by_hour else int(_number(held["count"] if "count" in held else arguments["target_size"]))
    return ComputeSpec(shape=held["shape"], count=count, purchase=parse_purchase(held["purchase"]), by_hour=by_hour)


_SPEEDS = ("iops", "throughput")
"""What a label says where it is provisioned; else the disk has what its size gives, whatever the cloud tells of it."""


def _disk(prefix: str) -> Callable[[str, Arguments], Spec]:
    def read(key: str, arguments: Arguments) -> Spec:
        held = _held(arguments, "labels")
        speeds = {
            name: int(_number(arguments.get(f"provisioned_{name}", held[name]))) for name in _SPEEDS if name in held
        }
        return StorageSpec(
            storage_class=f"{prefix}{_text(arguments, 'type').rpartition('/')[2]}",
            gib=int(_number(arguments["size"])),
            replica_region=held.get("replica"),
            iops=speeds.get("iops", 0),
            throughput_mibps=speeds.get("throughput", 0),
        )

    return read


def _bucket(key: str, arguments: Arguments) -> Spec:
    held = _held(arguments, "labels")
    return StorageSpec(
        storage_class=BUCKET_CLASS,
        gib=int(held["gib"]),
        replica_region=held.get("replica"),
        copied="copied" in held,
    )


def _link(key: str, arguments: Arguments) -> Spec:
    return LinkSpec()


def _circuit(key: str, arguments: Arguments) -> Spec:
    held = {**_facts(arguments), **_held(arguments, "labels")}
    return CircuitSpec(tier=held["tier"], gbps=int(held["gbps"]), count=int(held["count"]))


def _gateway(key: str, arguments: Arguments) -> Spec:
    """An external gateway stands for whatever its key says."""
    return _circuit(key, arguments) if key.split("/")[1:2] == [ResourceKind.CIRCUIT.value] else LinkSpec()


def _failover(key: str, arguments: Arguments) -> Spec:
    return FailoverSpec(partner=key.split("/")[2], share=float(_facts(arguments)["share"]))


def _alert(key: str, arguments: Arguments) -> Spec:
    threshold = _nested(_nested(arguments, "conditions"), "condition_threshold")["threshold_value"]
    found = parse_alert(_held(arguments, "user_labels")["metric"], _number(threshold))
    if found is None:
        raise ValueError("its metric is none of ours")
    return found


_READERS: Mapping[str, Callable[[str, Arguments], Spec]] = {
    "google_compute_network": _network,
    "google_network_connectivity_internal_range": _block,
    "google_compute_region_instance_group_manager": _compute,
    "google_compute_disk": _disk(""),
    "google_compute_region_disk": _disk(REGIONAL),
    "google_storage_bucket": _bucket,
    "google_compute_network_peering": _link,
    "google_compute_interconnect_attachment": _circuit,
    "google_compute_external_vpn_gateway": _gateway,
    "google_compute_health_check": _failover,
    "google_monitoring_alert_policy": _alert,
}


def _text(arguments: Arguments, name: str) -> str:
    value = arguments[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}")
    return value


def _number(value: Value) -> float:
    if not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def _nested(arguments: Arguments, name: str) -> Arguments:
    """A nested block: itself, or the first of a list, as states have it."""
    value = arguments[name]
    first = value[0] if isinstance(value, tuple) and value else value
    if not isinstance(first, Mapping):
        raise ValueError(f"{name} is {value!r}")
    return first


def _held(arguments: Arguments, name: str) -> Mapping[str, str]:
    """What our labels hold, by the name of the spec's field."""
    value = arguments.get(name)
    found = value if isinstance(value, Mapping) else {}
    return {label.removeprefix(PREFIX): str(item) for label, item in found.items() if label.startswith(PREFIX)}


def _facts(arguments: Arguments) -> Mapping[str, str]:
    description = arguments.get("description")
    return facts_of(description) if isinstance(description, str) else {}
