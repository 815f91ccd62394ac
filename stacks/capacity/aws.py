"""One AWS region's figures: Service Quotas and what uses them, offerings by zone, spot prices, taken addresses.

A call at a time, so that a region is never asked faster than it answers; throttled calls wait as `stacks.clouds` says.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from ipaddress import IPv4Network

from contracts.capacity import CapacityKind, ShapeFacts
from stacks.capacity.aws_prices import read_prices
from stacks.capacity.part import Figures, Limit, Place, Prices
from stacks.clouds.aws.session import AwsClients, Reply
from stacks.targets.aws.addressing import own_prefixes
from stacks.targets.aws.placing import ENVIRONMENT

_VCPU_QUOTAS: Mapping[str, tuple[str, ...]] = {
    "L-1216C47A": ("a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"),
    "L-DB2E81BA": ("g", "gr", "vt"),
    "L-417A185B": ("p",),
    "L-7295265B": ("x",),
    "L-74FC7D96": ("f",),
    "L-1945791B": ("inf",),
}
"""Code of the quota on running on-demand vCPUs -> letters of the families that it counts (Service Quotas, `ec2`)."""

_STORAGE_QUOTAS: Mapping[str, str] = {
    "L-D18FCD1D": "gp2",
    "L-7A658B76": "gp3",
    "L-FD252861": "io1",
    "L-09BD8365": "io2",
    "L-82ACEF56": "st1",
    "L-17AF77E8": "sc1",
}
"""Code of the quota on a type of volume, in TiB (Service Quotas, `ebs`) -> its name in a catalog."""

_ACCELERATORS = (
    ("GpuInfo", "Gpus"),
    ("InferenceAcceleratorInfo", "Accelerators"),
    ("NeuronInfo", "NeuronDevices"),
)
"""Where `describe_instance_types` counts accelerators; Inferentia is in two of them."""
_TYPES_AT_ONCE = 100  # of describe_instance_types
_RUNNING = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]


def read_figures(place: Place, clients: AwsClients, earlier: Prices | None, now: datetime) -> Figures:
    """What AWS says of the region now.

    Args:
        place: which region, and which items.
        clients: of its account and location.
        earlier: list prices read before, taken where they are young enough.
        now: the time.

    Raises:
        CloudError: it could not be read.
    """
    shapes = [shape for shape in place.shapes if "." in shape]
    offered = _offered(clients, place, shapes)
    return Figures(
        limits=(*_compute_limits(clients, place, shapes), *_storage_limits(clients, place)),
        offered=offered,
        spot=_spot_prices(clients, place, sorted(offered), now),
        prices=read_prices(place, sorted(offered), earlier, now),
        taken=tuple(_taken(clients, place)),
        shapes=tuple(shape_facts(row) for row in _types(clients, sorted(offered))),
    )


def family_letters(shape: str) -> str:
    """What of an instance type says which quota counts it: `im` of `im4gn.large`."""
    found = re.match(r"[a-z]+", shape)
    return found.group() if found else ""


def _offered(clients: AwsClients, place: Place, shapes: list[str]) -> frozenset[str]:
    """Shapes that every zone of the region has: what is spread over zones has to start in each of them."""
    if not shapes:
        return frozenset()
    rows = clients.listing(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings[]",
        LocationType="availability-zone",
        Filters=[{"Name": "instance-type", "Values": shapes}],
    )
    zones: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        zones[row["InstanceType"]].add(row["Location"])
    return frozenset(shape for shape in shapes if zones[shape].issuperset(place.cloud.zones))


def _compute_limits(clients: AwsClients, place: Place, shapes: list[str]) -> Iterator[Limit]:
    values = _quotas(clients, "ec2", _VCPU_QUOTAS)
    used = _others_vcpu(clients, place.environment)
    for code, letters in _VCPU_QUOTAS.items():
        items = frozenset(shape for shape in shapes if family_letters(shape) in letters)
        if items and code in values:
            others = sum(vcpu for shape, vcpu in used.items() if family_letters(shape) in letters)
            yield Limit(name=code, kind=CapacityKind.VCPU, items=items, total=values[code], others=others)


def _storage_limits(clients: AwsClients, place: Place) -> Iterator[Limit]:
    classes = {item.name for item in place.catalog.storage_classes}
    wanted = {code: name for code, name in _STORAGE_QUOTAS.items() if name in classes}
    if not wanted:
        return
    values = _quotas(clients, "ebs", wanted)
    used: dict[str, float] = defaultdict(float)
    for row in clients.listing("ec2", "describe_volumes", "Volumes[]"):
        used[row["VolumeType"]] += 0 if _ours(row, place.environment) else row["Size"]
    for code, name in wanted.items():
        if code in values:
            yield Limit(
                name=code,
                kind=CapacityKind.STORAGE_GIB,
                items=frozenset({name}),
                total=values[code] * 1024,
                others=used[name],
            )


def _quotas(clients: AwsClients, service: str, codes: Iterable[str]) -> dict[str, float]:
    """Values in force; AWS's default where the account has none of its own."""
    rows = clients.listing("service-quotas", "list_service_quotas", "Quotas[]", ServiceCode=service)
    found = {row["QuotaCode"]: float(row["Value"]) for row in rows}
    if set(codes) - found.keys():
        rows = clients.listing("service-quotas", "list_aws_default_service_quotas", "Quotas[]", ServiceCode=service)
        found = {row["QuotaCode"]: float(row["Value"]) for row in rows} | found
    return {code: found[code] for code in codes if code in found}


def _others_vcpu(clients: AwsClients, environment: str) -> dict[str, float]:
    """On-demand vCPUs by shape that are not ours: running, or reserved and idle."""
    counts: dict[str, int] = defaultdict(int)
    for row in clients.listing("ec2", "describe_instances", "Reservations[].Instances[]", Filters=_RUNNING):
        if row.get("InstanceLifecycle") != "spot" and not _ours(row, environment):
            counts[row["InstanceType"]] += 1
    for row in clients.listing("ec2", "describe_capacity_reservations", "CapacityReservations[]"):
        if row.get("State") == "active" and not _ours(row, environment):
            counts[row["InstanceType"]] += row["AvailableInstanceCount"]
    counted = {shape: count for shape, count in counts.items() if count}
    vcpu = {row["InstanceType"]: int(row["VCpuInfo"]["DefaultVCpus"]) for row in _types(clients, sorted(counted))}
    return {shape: float(vcpu[shape] * count) for shape, count in counted.items() if shape in vcpu}


def _types(clients: AwsClients, shapes: list[str]) -> Iterator[Reply]:
    """What EC2 says of instance types."""
    for start in range(0, len(shapes), _TYPES_AT_ONCE):
        asked = shapes[start : start + _TYPES_AT_ONCE]
        yield from clients.listing("ec2", "describe_instance_types", "InstanceTypes[]", InstanceTypes=asked)


def shape_facts(row: Reply) -> ShapeFacts:
    """Accelerators of whatever sort, and the network that holds for hours: the baseline, not the burst."""
    cards = row.get("NetworkInfo", {}).get("NetworkCards", ())
    baseline = sum(float(card.get("BaselineBandwidthInGbps", 0)) for card in cards)
    counts = [sum(int(item["Count"]) for item in row.get(block, {}).get(items, ())) for block, items in _ACCELERATORS]
    return ShapeFacts(name=row["InstanceType"], accelerators=max(counts), network_gbps=round(baseline, 3))


def _spot_prices(clients: AwsClients, place: Place, shapes: list[str], now: datetime) -> dict[str, float]:
    """The dearest of the region's zones, now: what is spread over zones pays no more."""
    if not shapes:
        return {}
    rows = clients.listing(
        "ec2",
        "describe_spot_price_history",
        "SpotPriceHistory[]",
        InstanceTypes=shapes,
        ProductDescriptions=["Linux/UNIX"],
        StartTime=now,
    )
    latest: dict[tuple[str, str], Reply] = {}
    for row in sorted(rows, key=lambda row: row["Timestamp"]):
        latest[row["InstanceType"], row["AvailabilityZone"]] = row
    prices: dict[str, float] = {}
    for (shape, zone), row in latest.items():
        if zone in place.cloud.zones:
            prices[shape] = max(prices.get(shape, 0.0), float(row["SpotPrice"]))
    return prices


def _taken(clients: AwsClients, place: Place) -> Iterator[str]:
    """What our own network keeps for itself, and networks of others that could not be joined to ours."""
    yield from own_prefixes(place.cloud)
    pools = [IPv4Network(cidr) for cidr in place.cloud.pools]
    for row in clients.listing("ec2", "describe_vpcs", "Vpcs[]"):
        if _ours(row, place.environment):
            continue
        for item in row.get("CidrBlockAssociationSet", ()):
            other = IPv4Network(item["CidrBlock"])
            yield from (str(other if other.subnet_of(pool) else pool) for pool in pools if other.overlaps(pool))


def _ours(row: Reply, environment: str) -> bool:
    return any(tag["Key"] == ENVIRONMENT and tag["Value"] == environment for tag in row.get("Tags", ()))
