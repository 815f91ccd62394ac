"""Records of Cloud DNS: known by zone, name and type."""

from stacks.clouds.cloud import Attributes, CloudResource
from stacks.clouds.gcp.look import Look

RECORD = "google_dns_record_set"


def record(look: Look, wanted: Attributes) -> CloudResource | None:
    """A record that is there: `projects/p/managedZones/z/rrsets/www.example.com./A`."""
    zone, name, type = (str(wanted.get(argument, "")) for argument in ("managed_zone", "name", "type"))
    path = f"projects/{{project}}/managedZones/{zone}/rrsets"
    for row in look.rows("dns", path, "rrsets") if zone else ():
        if (row["name"], row["type"]) == (name, type):
            id = f"projects/{look.session.project}/managedZones/{zone}/rrsets/{name}/{type}"
            return CloudResource(type=RECORD, key="", id=id, place="", arguments={"id": id, "name": name, "type": type})
    return None
