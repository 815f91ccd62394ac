"""What Google Cloud has below something else, without marks: records of a zone, the replication of a disk.

A finder takes the arguments with everything that they refer to filled in; None where there is nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from stacks.clouds.cloud import Attributes, CloudResource
from stacks.clouds.gcp.look import Look

Finder = Callable[[Look, Attributes], CloudResource | None]


def record(look: Look, wanted: Attributes) -> CloudResource | None:
    """A record, by zone, name and type: `p/z/www.example.com./A`."""
    zone, name, type = (str(wanted.get(argument, "")) for argument in ("managed_zone", "name", "type"))
    path = f"projects/{{project}}/managedZones/{zone}/rrsets"
    rows = look.rows("dns", path, "rrsets") if zone else ()
    if not any((row["name"], row["type"]) == (name, type) for row in rows):
        return None
    return _of("google_dns_record_set", "/".join((look.session.project, zone, name, type)))


def replication(look: Look, wanted: Attributes) -> CloudResource | None:
    """A disk's replication, under the disk's own path."""
    path = str(wanted.get("primary_disk", ""))
    disk = look.session.find("compute", path[path.index("projects/") :]) if "projects/" in path else None
    return _of("google_compute_disk_async_replication", path) if disk and disk.get("asyncSecondaryDisks") else None


def _of(type: str, id: str) -> CloudResource:
    return CloudResource(type=type, key="", id=id, place="", arguments={"id": id})


SETTINGS: Mapping[str, Finder] = MappingProxyType(
    {"google_dns_record_set": record, "google_compute_disk_async_replication": replication}
)
"""By Terraform type."""
