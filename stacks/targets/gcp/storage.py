"""Storage: zonal and regional disks, buckets; replicated to another region of Google Cloud.

What is provisioned of a disk is so where it serves; its replica has what its size gives until it is needed. Where
nothing is bought, what comes without a price is declared: left out, what was bought before would stay, and be paid for.
A disk stays in the zones that it is in, however they are listed: in another one it would be made anew, and empty.

Disks are replicated asynchronously to a second disk there. A bucket lies in both regions where it is made with its
replica and Google has that pair on one continent. Where a bucket lies cannot change: one that gets its replica later
stays where it is, and a second one is filled by a daily transfer, as where there is no such pair. To another target
nothing is replicated: that is refused, not left out.
"""

from collections.abc import Iterator, Mapping

from contracts.resources import StorageSpec
from stacks.declaration import Argument, Declaration, Lifecycle
from stacks.errors import InvalidArgument
from stacks.targets.adopted import is_adopted
from stacks.targets.gcp.network import is_google
from stacks.targets.gcp.placing import Placing
from stacks.targets.names import cloud_name

BUCKET_CLASS = "gcs"
REGIONAL = "regional-"
DISK_CLASSES = ("pd-balanced", "pd-ssd", "pd-standard")
HYPERDISK = "hyperdisk-balanced"
"""The class whose IOPS and throughput are provisioned."""
FREE_IOPS, MOST_IOPS_PER_GIB, FREE_MIBPS = 3000, 500, 140
"""What comes with it at no charge (Compute Engine, "About Hyperdisk Balanced", baseline performance)."""
CLASSES = (BUCKET_CLASS, HYPERDISK, *DISK_CLASSES, *(f"{REGIONAL}{name}" for name in DISK_CLASSES))
STAYS, REGIONAL_STAYS = Lifecycle(ignore=("zone",)), Lifecycle(ignore=("replica_zones",))
LIES = Lifecycle(ignore=("custom_placement_config", "location"))
_CONTINENTS = {"europe-": "EU", "us-": "US", "asia-": "ASIA"}
"""Where a bucket may lie in two regions of one's choice (Cloud Storage, "Bucket locations", dual-regions)."""


def declare_storage(at: Placing, spec: StorageSpec) -> Iterator[Declaration]:
    """All that a storage resource takes.

    Raises:
        InvalidArgument: no such class, too few zones, a replica where Google Cloud makes none, or more speed than a
            class can have.
    """
    if spec.storage_class not in CLASSES:
        raise InvalidArgument(
            f"Google Cloud has no storage class {spec.storage_class!r}; known: {', '.join(CLASSES)}", where=at.key()
        )
    faster = spec.iops or spec.throughput_mibps
    if spec.volumes or (faster and spec.storage_class != HYPERDISK):
        raise InvalidArgument(
            f"{spec.storage_class} is one disk"
            + (", and no IOPS or throughput of it are provisioned" if faster else ""),
            where=at.key(),
            expected=f"{HYPERDISK} in one piece, or what the class gives by itself",
            next_step="take the price of it, or `largest_gib`, out of catalog and environment, and plan again",
        )
    if spec.replica_region and not is_google(at, spec.replica_region):
        raise InvalidArgument(
            f"{spec.storage_class} is not replicated to {spec.replica_region}, which lies outside of Google Cloud",
            where=at.key(),
            next_step="name a failover partner on Google Cloud",
        )
    if spec.storage_class == BUCKET_CLASS:
        yield from _buckets(at, spec)
    else:
        yield from _disks(at, spec)


def _disks(at: Placing, spec: StorageSpec) -> Iterator[Declaration]:
    yield _disk(at, "", spec, {})
    if spec.replica_region is None:
        return
    there = at.at(spec.replica_region)
    yield _disk(there, "replica", spec, {"async_primary_disk": {"disk": at.own(attribute="id")}})
    yield at.declare(
        "google_compute_disk_async_replication",
        "replication",
        {"primary_disk": at.own(attribute="id"), "secondary_disk": {"disk": at.own("replica", "id")}},
    )


def _disk(at: Placing, part: str, spec: StorageSpec, more: Mapping[str, Argument]) -> Declaration:
    """A disk in the region's first zone, or in its first two where the class is regional."""
    speeds = {"iops": spec.iops, "throughput": spec.throughput_mibps}
    bought = {name: amount for name, amount in speeds.items() if amount and not part}
    provisioned = bought if part or spec.storage_class != HYPERDISK else {**_free(at, spec), **bought}
    held: dict[str, str | int | float] = {**bought}
    if spec.replica_region and not part:
        held["replica"] = spec.replica_region
    arguments: dict[str, Argument] = {
        "name": at.name(part),
        "type": spec.storage_class.removeprefix(REGIONAL),
        "size": spec.gib,
        "labels": at.labels(part, **held),
        **{f"provisioned_{name}": amount for name, amount in provisioned.items()},
        **more,
    }
    if not spec.storage_class.startswith(REGIONAL):
        return at.declare("google_compute_disk", part, arguments | {"zone": at.cloud.zones[0]}, STAYS)
    if len(at.cloud.zones) < 2:
        raise InvalidArgument(
            f"{spec.storage_class} lies in two zones, and region {at.region} has {len(at.cloud.zones)}",
            where=at.key(),
            next_step=f"name two `zones`, or use {spec.storage_class.removeprefix(REGIONAL)}",
        )
    zones: Mapping[str, Argument] = {"region": at.cloud.location, "replica_zones": at.cloud.zones[:2]}
    return at.declare("google_compute_region_disk", part, {**arguments, **zones}, REGIONAL_STAYS)


def _free(at: Placing, spec: StorageSpec) -> Mapping[str, int]:
    """What comes with a disk; nothing of one that was there before, whose speed nobody asked for."""
    if is_adopted(at.environment, at.key()):
        return {}
    return {"iops": min(FREE_IOPS, MOST_IOPS_PER_GIB * spec.gib), "throughput": FREE_MIBPS}


def _buckets(at: Placing, spec: StorageSpec) -> Iterator[Declaration]:
    if spec.replica_region is None:
        yield _bucket(at, "", spec, {"location": at.cloud.location.upper()})
        return
    there = at.at(spec.replica_region)
    continent = "" if spec.copied else _shared_continent(at, there)
    if continent:
        both = tuple(sorted(place.cloud.location.upper() for place in (at, there)))
        placed: Mapping[str, Argument] = {"location": continent, "custom_placement_config": {"data_locations": both}}
        yield _bucket(at, "", spec, placed)
        return
    yield _bucket(at, "", spec, {"location": at.cloud.location.upper()})
    yield _bucket(there, "replica", spec, {"location": there.cloud.location.upper()})
    yield _transfer(at)


def _bucket(at: Placing, part: str, spec: StorageSpec, placed: Mapping[str, Argument]) -> Declaration:
    held: dict[str, str | int | float] = {"gib": spec.gib}
    if spec.replica_region and not part:
        held |= {"replica": spec.replica_region, **({"copied": "yes"} if spec.copied else {})}
    return at.declare(
        "google_storage_bucket",
        part,
        {
            # Names of buckets are everyone's: the project's id, which nobody else has, is in the digest.
            "name": cloud_name(f"{at.account.id}-{at.environment.name}", at.key(part), limit=63),
            "storage_class": "STANDARD",
            "uniform_bucket_level_access": True,
            "versioning": {"enabled": True},
            "labels": at.labels(part, **held),
            **placed,
        },
        Lifecycle() if part else LIES,
    )


def _transfer(at: Placing) -> Declaration:
    """Daily from the beginning of a day long past; what is deleted here stays there, as an old version would."""
    return at.declare(
        "google_storage_transfer_job",
        "transfer",
        {
            "description": at.description("transfer"),
            "transfer_spec": {
                "gcs_data_source": {"bucket_name": at.own(attribute="name")},
                "gcs_data_sink": {"bucket_name": at.own("replica", "name")},
            },
            "schedule": {
                "schedule_start_date": {"year": 2025, "month": 1, "day": 1},
                "start_time_of_day": {"hours": 2, "minutes": 0, "seconds": 0, "nanos": 0},
            },
        },
    )


def _shared_continent(at: Placing, there: Placing) -> str:
    """Where both can have a bucket together; empty where they cannot."""
    one, other = (_continent(place.cloud.location) for place in (at, there))
    return one if one == other and at.cloud.location != there.cloud.location else ""


def _continent(location: str) -> str:
    return next((name for prefix, name in _CONTINENTS.items() if location.startswith(prefix)), "")
