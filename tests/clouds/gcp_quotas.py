"""Quotas of the stand-in: what is counted, and the refusal when a limit is met."""

from tests.clouds.gcp_cloud import ApiError, GoogleCloud, Json

COUNTED = {"networks": "NETWORKS", "routers": "ROUTERS", "addresses": "STATIC_ADDRESSES", "firewalls": "FIREWALLS"}
REGIONAL = {"addresses", "instanceGroupManagers", "disks"}


def quotas_of(cloud: GoogleCloud, region: str) -> list[Json]:
    """Limits and use of a region, or of the project where none is named."""
    found = []
    for name, limit in sorted(cloud.quotas.items()):
        place, _, metric = name.rpartition("/")
        if place == region:
            found.append({"metric": metric, "limit": limit, "usage": _used(cloud, place, metric)})
    return found


def refuse_over_quota(cloud: GoogleCloud, path: str, body: Json) -> None:
    """Refuses what would go past a limit."""
    for name, limit in cloud.quotas.items():
        place, _, metric = name.rpartition("/")
        wanted = _takes(metric, path, body) if _lies_in(path, place) else 0
        if wanted and _used(cloud, place, metric, but=path) + wanted > limit:
            where = f"in region {place}" if place else "globally"
            raise ApiError(403, "quotaExceeded", f"Quota '{metric}' exceeded.  Limit: {limit} {where}.")


def _used(cloud: GoogleCloud, place: str, metric: str, but: str = "") -> float:
    there = [(path, body) for path, body in cloud.resources.items() if path != but and _lies_in(path, place)]
    return sum(_takes(metric, path, body) for path, body in there)


def _takes(metric: str, path: str, body: Json) -> float:
    """How much of a metric something takes."""
    collection = path.split("/")[-2]
    if COUNTED.get(collection) == metric:
        return 1
    if metric == "INSTANCES" and collection == "instanceGroupManagers":
        return float(body.get("targetSize", 0))
    if metric == "DISKS_TOTAL_GB" and collection == "disks":
        return float(body.get("sizeGb", 0))
    return 0


def _lies_in(path: str, region: str) -> bool:
    return not region or f"/regions/{region}/" in path or f"/zones/{region}-" in path
