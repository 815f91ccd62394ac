"""`GcpCloud`: the `Cloud` port over one Google Cloud project, all of the environment's regions in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.accounts import Account
from stacks.clouds.cloud import NOTHING, Attributes, CloudResource
from stacks.clouds.finding import by_provider, filled_in, together, two_of_one
from stacks.clouds.gcp.collections import COLLECTIONS, GLOBAL, NESTED, ZONAL
from stacks.clouds.gcp.look import Look
from stacks.clouds.gcp.session import gcp_session
from stacks.clouds.gcp.settings import SETTINGS
from stacks.declaration import Declaration
from stacks.targets.gcp.marks import label_value

_ADOPTABLE = (
    "google_compute_network",
    "google_compute_subnetwork",
    "google_compute_router",
    "google_compute_ha_vpn_gateway",
    "google_compute_region_instance_group_manager",
    "google_compute_region_disk",
    "google_network_connectivity_internal_range",
    "google_storage_bucket",
)
_ADOPTABLE_ZONAL = ("google_compute_disk", "google_compute_reservation")
_NAMELESS = ()  # what no row is called
_DEFAULT = "default"  # the network that every project comes with, and its subnetworks


@dataclass(frozen=True, slots=True, kw_only=True)
class GcpCloud:
    """One project.

    Attributes:
        account: whose resources are read.
        regions: the environment's regions in it, and their locations.
        zones: the zones of each region.
        environment: whose labels are ours.
        claimed: by id, the description of what the environment has adopted and no mark can be written on.
    """

    account: Account
    regions: Mapping[str, str]
    zones: Mapping[str, Sequence[str]]
    environment: str
    claimed: Mapping[str, str] = field(default_factory=dict)

    def tagged(self, environment: str) -> tuple[CloudResource, ...]:
        """All resources that say, in labels or description, that they are the environment's; by key."""
        wanted = {environment, label_value(environment)}
        found = together(sorted(self.regions), lambda region: [*self._listed(region, tuple(COLLECTIONS), tuple(ZONAL))])
        ours = {(item.type, item.id): item for items in found for item in items if item.environment in wanted}
        return tuple(sorted(ours.values(), key=lambda item: (item.key, item.type, item.id)))

    def find(self, declarations: Sequence[Declaration], known: Mapping[str, Attributes] = NOTHING) -> Mapping[str, str]:
        """Which declared resources exist; see `Cloud`. Names are ours: each is looked for by its name."""
        mine = [(region, items) for region, items in by_provider(declarations).items() if region in self.regions]
        searches = together(mine, lambda item: self._search(item[0], item[1], dict(known)))
        return {key: id for found in searches for key, id in sorted(found.items())}

    def discover(self) -> tuple[CloudResource, ...]:
        """Networks, gateways, capacity and blocks that no environment claims."""
        found = together(sorted(self.regions), lambda region: [*self._listed(region, _ADOPTABLE, _ADOPTABLE_ZONAL)])
        free = {(item.type, item.id): item for items in found for item in items if not item.environment}
        return tuple(item for item in free.values() if not _is_default(item))

    def _listed(self, region: str, types: Sequence[str], zonal: Sequence[str]) -> Iterator[CloudResource]:
        look = self._look(region)
        for type in types:
            yield from (self._placed(item, region) for item in look.resources(COLLECTIONS[type]))
        for type in zonal:
            for zone in self.zones[region]:
                yield from (self._placed(item, region) for item in look.zonal(type, zone))

    def _search(self, region: str, declarations: Sequence[Declaration], known: dict[str, Attributes]) -> dict[str, str]:
        """One region: each declaration by its name, parents before what is within them."""
        look = self._look(region)
        ids: dict[str, str] = {}
        for item in sorted(declarations, key=lambda item: (item.type in NESTED or item.type in SETTINGS, item.key)):
            found = self._one(look, item, known)
            if found:
                ids[item.key] = found.id
                known[item.key] = {**known.get(item.key, {}), **found.arguments}
        return ids

    def _one(self, look: Look, item: Declaration, known: Mapping[str, Attributes]) -> CloudResource | None:
        if item.type in SETTINGS:
            wanted = filled_in(item, known)
            return SETTINGS[item.type](look, wanted) if wanted else None
        if item.type in NESTED:
            return self._within(look, item, known)
        if item.type in ZONAL:
            rows = look.zonal(item.type, str(item.arguments.get("zone", "")))
            return self._only(item, rows, "name")
        if item.type in COLLECTIONS:
            return self._only(item, look.resources(COLLECTIONS[item.type]), COLLECTIONS[item.type].named)
        return None

    def _only(self, item: Declaration, rows: Iterator[CloudResource], named: str) -> CloudResource | None:
        """The row that says it is this declaration; else the one with its name.

        Display names are no keys, and templates are named by whoever makes them: two of them are possible.
        """
        listed = tuple(rows)
        ours = [row for row in listed if self._says(row, item.key)]
        named_so = [row for row in listed if row.arguments.get(named) == item.arguments.get(named, _NAMELESS)]
        found = ours or named_so
        if len(found) > 1:
            raise two_of_one(item.type, item.key, [replace(row, place=item.provider) for row in found])
        return found[0] if found else None

    def _says(self, row: CloudResource, key: str) -> bool:
        whose = (self.environment, label_value(self.environment))
        return row.environment in whose and row.key in (key, label_value(key))

    def _within(self, look: Look, item: Declaration, known: Mapping[str, Attributes]) -> CloudResource | None:
        wanted = filled_in(item, known)
        if wanted is None:
            return None
        by = NESTED[item.type].by
        parent = str(wanted.get(by, "")).rpartition("/")[2]
        rows = (row for row in look.nested(item.type) if row.arguments[by] == parent)
        return next((row for row in rows if row.arguments["name"] == wanted.get("name")), None)

    def _placed(self, item: CloudResource, region: str) -> CloudResource:
        """A resource with its region: the one that its key names; of what is global, else the first."""
        named = item.key.partition("/")[0]
        if named in self.regions:
            return replace(item, place=named)
        everywhere = item.type in COLLECTIONS and COLLECTIONS[item.type].path.startswith(GLOBAL)
        return replace(item, place=min(self.regions) if everywhere else region)

    def _look(self, region: str) -> Look:
        return Look(gcp_session(self.account), self.regions[region], self.claimed)


def _is_default(item: CloudResource) -> bool:
    return item.arguments.get("name") == _DEFAULT or str(item.arguments.get("network", "")).endswith("/default")
