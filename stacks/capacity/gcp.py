"""One Google Cloud region's figures: regional quotas and their use, machine types by zone, taken addresses.

A call at a time, so that a project is never asked faster than it answers.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Network

from contracts.capacity import CapacityKind
from stacks.capacity.gcp_prices import read_prices
from stacks.capacity.part import Figures, Limit, Place, Prices
from stacks.capacity.region import use_of
from stacks.clouds.gcp.session import GcpSession, Reply
from stacks.targets.gcp.addressing import own_prefixes
from stacks.targets.gcp.marks import facts_of

_SHAPE = re.compile(r"[a-z]\d[a-z]*-[a-z0-9-]+")
_DISK_METRICS: Mapping[str, str] = {
    "pd-standard": "DISKS_TOTAL_GB",
    "pd-balanced": "SSD_TOTAL_GB",
    "pd-ssd": "SSD_TOTAL_GB",
    "pd-extreme": "SSD_TOTAL_GB",
}
"""Class of disk -> metric of the region's quota on it."""


def read_figures(place: Place, session: GcpSession, earlier: Prices | None, now: datetime) -> Figures:
    """What Google says of the region now.

    Args:
        place: which region, and which items.
        session: of its project.
        earlier: list prices read before, taken where they are young enough.
        now: the time.

    Raises:
        CloudError: it could not be read.
    """
    shapes = [shape for shape in place.shapes if _SHAPE.fullmatch(shape)]
    offered = _offered(session, place, shapes)
    region = session.get("compute", f"projects/{session.project}/regions/{place.cloud.location}")
    quotas = {row["metric"]: row for row in region.get("quotas", ())}
    return Figures(
        limits=(*_compute_limits(place, shapes, quotas), *_disk_limits(place, quotas)),
        offered=offered,
        prices=read_prices(place, sorted(offered), earlier, now),
        taken=tuple(_taken(session, place)),
    )


def metric_of(shape: str, metrics: Mapping[str, Reply]) -> str:
    """The quota that counts a shape's vCPUs: its family's own where there is one, else the one of all others."""
    own = f"{shape.partition('-')[0].upper()}_CPUS"
    return own if own in metrics else "CPUS"


def _offered(session: GcpSession, place: Place, shapes: Sequence[str]) -> frozenset[str]:
    """Shapes that every zone of the region has."""
    offered = set(shapes)
    for zone in place.cloud.zones if shapes else ():
        path = f"projects/{session.project}/zones/{zone}/machineTypes"
        asked = " OR ".join(f'(name = "{shape}")' for shape in sorted(shapes))
        offered &= {row["name"] for row in session.listing("compute", path, filter=asked)}
    return frozenset(offered)


def _compute_limits(place: Place, shapes: Sequence[str], quotas: Mapping[str, Reply]) -> Iterator[Limit]:
    items: dict[str, set[str]] = defaultdict(set)
    for shape in shapes:
        items[metric_of(shape, quotas)].add(shape)
    for metric, counted in sorted(items.items()):
        if metric in quotas:
            yield _limit(place, quotas[metric], CapacityKind.VCPU, frozenset(counted))


def _disk_limits(place: Place, quotas: Mapping[str, Reply]) -> Iterator[Limit]:
    classes = {item.name for item in place.catalog.storage_classes}
    for metric in sorted(set(_DISK_METRICS.values()) & quotas.keys()):
        items = frozenset(name for name in classes if _DISK_METRICS.get(name) == metric)
        if items:
            yield _limit(place, quotas[metric], CapacityKind.STORAGE_GIB, items)


def _limit(place: Place, quota: Reply, kind: CapacityKind, items: frozenset[str]) -> Limit:
    """Google counts what all use together: what is not ours is others'."""
    ours = use_of(place.resources, place.region, place.catalog, items)[kind]
    others = max(0.0, float(quota.get("usage", 0)) - ours)
    return Limit(name=quota["metric"], kind=kind, items=items, total=float(quota["limit"]), others=others)


def _taken(session: GcpSession, place: Place) -> Iterator[str]:
    """What our own network keeps for itself, and subnetworks of others that could not be joined to ours."""
    yield from own_prefixes(place.cloud)
    pools = [IPv4Network(cidr) for cidr in place.cloud.pools]
    path = f"projects/{session.project}/regions/{place.cloud.location}/subnetworks"
    for row in session.listing("compute", path):
        if facts_of(row.get("description", "")).get("environment") == place.environment:
            continue
        for prefix in (row["ipCidrRange"], *(item["ipCidrRange"] for item in row.get("secondaryIpRanges", ()))):
            other = IPv4Network(prefix)
            yield from (str(other if other.subnet_of(pool) else pool) for pool in pools if other.overlaps(pool))
