"""`undeclare`: what stands in AWS as the spec of a plan's resource again, from its attributes and tags.

Attributes come before tags: what somebody changed there shows in the spec. Tags hold only what no attribute does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from contracts.in_place import ebs_sizes
from contracts.resources import ResourceKind, Spec, StorageSpec
from stacks.declaration import Value
from stacks.errors import InvalidArgument
from stacks.targets import hours
from stacks.targets.aws.compute import HOURS_TAG, is_staged
from stacks.targets.aws.placing import TAG
from stacks.targets.aws.volumes import volume_iops, volume_throughput

Fields = Mapping[str, Value]
_SPEC: TypeAdapter[Spec] = TypeAdapter(Spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The resource that stands for one of a plan."""

    key: str
    arguments: Mapping[str, Value]

    @property
    def kind(self) -> str:
        return self.key.split("/")[1]

    def tag(self, name: str) -> str:
        """What a tag of ours holds; empty without it."""
        return str(self.tags.get(f"{TAG}{name}", ""))

    @property
    def tags(self) -> Mapping[str, Value]:
        """Its tags, also where a type has them as blocks."""
        listed, tags = self.arguments.get("tag"), self.arguments.get("tags")
        if isinstance(listed, tuple | list):
            return {str(item["key"]): item["value"] for item in listed if isinstance(item, Mapping)}
        return tags if isinstance(tags, Mapping) else {}


def undeclare(type: str, key: str, arguments: Mapping[str, Value]) -> Spec:
    """The spec that a resource stands for: the inverse of `declare`.

    Raises:
        InvalidArgument: a resource of this type stands for none, or lacks what a spec needs.
    """
    read = _READERS.get(type)
    if read is None:
        raise InvalidArgument(f"a resource of type {type!r} stands for none of a plan", where=key)
    try:
        return _SPEC.validate_python(read(Standing(key=key, arguments=arguments)))
    except (KeyError, ValueError, TypeError) as error:
        raise InvalidArgument(f"its arguments and tags are no spec: {error}", where=key) from error


def _network(standing: Standing) -> Fields:
    return {"kind": ResourceKind.NETWORK, "asn": standing.tag("asn")}


def _block(standing: Standing) -> Fields:
    prefix = standing.arguments["cidr_block"]
    return {"kind": ResourceKind.BLOCK, "prefix": prefix, "pool": standing.tag("pool")}


def _compute(standing: Standing) -> Fields:
    """What varies by hour says so in its tags: its floor is that of this hour."""
    named = {name: standing.tag(name) for name in ("shape", "purchase")}
    by_hour = hours.parse([str(standing.tags.get(f"{HOURS_TAG}-{part}", "")) for part in range(hours.PARTS)])
    count = max(by_hour) if by_hour else standing.arguments["max_size" if is_staged(standing.key) else "min_size"]
    return {"kind": ResourceKind.COMPUTE, "count": count, "by_hour": by_hour, **named}


def _storage(standing: Standing) -> Fields:
    found: dict[str, Value] = {
        "kind": ResourceKind.STORAGE,
        "storage_class": standing.tag("storage-class"),
        "gib": int(standing.tag("gib")),
    }
    held = {"iops": "iops", "throughput_mibps": "throughput-mibps", "volumes": "volumes"}
    found |= {field: int(standing.tag(tag)) for field, tag in held.items() if standing.tag(tag)}
    replica = standing.tag("replica-region")
    return {**found, "replica_region": replica} if replica else found


def _volume(standing: Standing) -> Fields:
    """As storage; a first volume that somebody made larger, or faster, makes the whole so."""
    found = {**_storage(standing), "storage_class": standing.arguments["type"]}
    made = StorageSpec.model_validate({**_storage(standing), "kind": ResourceKind.STORAGE})
    sizes, size = ebs_sizes(made), standing.arguments["size"]
    grown = int(size) - sizes[0] if isinstance(size, int | float | str) else 0
    speeds = (
        ("iops", "iops", made.iops, volume_iops(made, sizes[0])),
        ("throughput_mibps", "throughput", made.throughput_mibps, volume_throughput(made)),
    )
    faster: dict[str, Value] = {}
    for field, argument, stated, declared in speeds:
        live = standing.arguments.get(argument)
        if stated and isinstance(live, int | float | str) and int(live) != declared:
            faster[field] = int(live) * len(sizes)
    return {**found, **faster, "gib": made.gib + grown}


def _alarm(standing: Standing) -> Fields:
    if standing.kind == ResourceKind.CIRCUIT:
        return _circuit(standing)
    live, share = float(str(standing.arguments["threshold"])), float(standing.tag("threshold"))
    share = share if live == 100 * share else live / 100
    return {"kind": ResourceKind.ALERT, "metric": standing.tag("metric"), "threshold": share}


def _circuit(standing: Standing) -> Fields:
    return {"kind": ResourceKind.CIRCUIT, **{name: standing.tag(name) for name in ("tier", "gbps", "count")}}


def _link(standing: Standing) -> Fields:
    return _circuit(standing) if standing.kind == ResourceKind.CIRCUIT else {"kind": ResourceKind.LINK}


def _failover(standing: Standing) -> Fields:
    named = {name: standing.tag(name) for name in ("partner", "share")}
    return {"kind": ResourceKind.FAILOVER, **named}


_READERS: Mapping[str, Callable[[Standing], Fields]] = {
    "aws_autoscaling_group": _compute,
    "aws_cloudwatch_metric_alarm": _alarm,
    "aws_dx_private_virtual_interface": _circuit,
    "aws_ebs_volume": _volume,
    "aws_efs_file_system": _storage,
    "aws_route53_health_check": _failover,
    "aws_s3_bucket": _storage,
    "aws_subnet": _block,
    "aws_vpc": _network,
    "aws_vpc_peering_connection": _link,
    "aws_vpn_connection": _link,
}
STANDING_TYPES = frozenset(_READERS)
"""Types that stand for resources of a plan; all others are parts of one."""
