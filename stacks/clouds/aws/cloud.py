"""`AwsCloud`: the `Cloud` port over one AWS account, all of the environment's regions in it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from contracts.accounts import Account
from stacks.clouds.aws.children import CHILDREN
from stacks.clouds.aws.discovery import discovered
from stacks.clouds.aws.listings import LISTINGS
from stacks.clouds.aws.look import Look
from stacks.clouds.aws.session import aws_clients
from stacks.clouds.cloud import NOTHING, Attributes, CloudResource
from stacks.clouds.finding import by_key, by_provider, filled_in, together, two_of_one
from stacks.declaration import Declaration


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsCloud:
    """One account.

    Attributes:
        account: whose resources are read.
        regions: the environment's regions in it, and their locations.
        environment: whose tags are ours.
    """

    account: Account
    regions: Mapping[str, str]
    environment: str

    def tagged(self, environment: str) -> tuple[CloudResource, ...]:
        """All resources with the environment's tag, by key."""
        asked = [(location, type) for location in self._locations() for type in _types_at(location, self._locations())]
        looks = {location: self._look(location) for location in self._locations()}
        found = together(asked, lambda item: self._tagged(looks[item[0]], item[1], environment))
        placed = (self._placed(item, where[0]) for where, items in zip(asked, found, strict=True) for item in items)
        return tuple(sorted(set_once(placed), key=lambda item: (item.key, item.type, item.id)))

    def find(self, declarations: Sequence[Declaration], known: Mapping[str, Attributes] = NOTHING) -> Mapping[str, str]:
        """Which declared resources exist; see `Cloud`."""
        mine = [(region, items) for region, items in by_provider(declarations).items() if region in self.regions]
        searches = together(mine, lambda item: self._search(item[0], item[1], dict(known)))
        return {key: id for found in searches for key, id in sorted(found.items())}

    def discover(self) -> tuple[CloudResource, ...]:
        """Networks, gateways, capacity and blocks that no environment's tag claims."""
        found = together(sorted(self.regions.items()), lambda item: discovered(self._look(item[1]), item[0]))
        return tuple(item for items in found for item in items)

    def _tagged(self, look: Look, type: str, environment: str) -> tuple[CloudResource, ...]:
        listing = LISTINGS[type]
        return tuple(look.resources(listing, environment)) if look.has_tagged(listing, environment) else ()

    def _search(self, region: str, declarations: Sequence[Declaration], known: dict[str, Attributes]) -> dict[str, str]:
        """One region: what is tagged, then what is named, then what stands below those."""
        look = self._look(self.regions[region])
        ids: dict[str, str] = {}
        for item, found in self._tagged_or_named(look, region, declarations):
            ids[item.key] = found.id
            known[item.key] = {**known.get(item.key, {}), **found.arguments}
        waiting = [item for item in declarations if item.key not in ids and item.type in CHILDREN]
        while waiting:
            ready = [(item, wanted) for item in waiting if (wanted := filled_in(item, known)) is not None]
            for item, wanted in ready:
                if id := CHILDREN[item.type](look, wanted):
                    ids[item.key] = id
                    known[item.key] = {**wanted, "id": id}
            done = {item.key for item, _ in ready}
            waiting = [item for item in waiting if item.key not in done] if done else []
        return ids

    def _tagged_or_named(
        self, look: Look, region: str, declarations: Sequence[Declaration]
    ) -> Iterator[tuple[Declaration, CloudResource]]:
        for type in sorted({item.type for item in declarations} & LISTINGS.keys()):
            wanted = [item for item in declarations if item.type == type]
            ours = by_key(replace(item, place=region) for item in look.resources(LISTINGS[type], self.environment))
            missing = [item for item in wanted if (type, item.key) not in ours]
            yield from ((item, ours[type, item.key]) for item in wanted if (type, item.key) in ours)
            yield from self._named(look, type, missing)

    def _named(
        self, look: Look, type: str, wanted: Sequence[Declaration]
    ) -> Iterator[tuple[Declaration, CloudResource]]:
        """Of types whose name we choose, those that are there without tags."""
        listing = LISTINGS[type]
        if not listing.name or not wanted:
            return
        names: dict[str, list[CloudResource]] = {}
        for item in look.resources(listing):
            name = str(item.arguments.get(listing.named) or item.id).rpartition(":")[2]
            names.setdefault(name, []).append(item)
        for declaration in wanted:
            found = names.get(str(declaration.arguments.get(listing.named, "")), [])
            if len(found) > 1:
                raise two_of_one(type, declaration.key, found)
            yield from ((declaration, item) for item in found)

    def _look(self, location: str) -> Look:
        return Look(aws_clients(self.account, location))

    def _locations(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.regions.values())))

    def _placed(self, item: CloudResource, location: str) -> CloudResource:
        """A resource with its region: the one that its key names, else the first that lies where it was found."""
        here = sorted(region for region, there in self.regions.items() if there == location)
        named = item.key.partition("/")[0]
        return replace(item, place=named if named in self.regions else here[0])


def set_once(resources: Iterable[CloudResource]) -> tuple[CloudResource, ...]:
    """Each resource once: global services answer alike in every location."""
    return tuple({(item.type, item.id): item for item in resources}.values())


def _types_at(location: str, locations: Sequence[str]) -> tuple[str, ...]:
    """What is listed in a location; global services are asked once, at the first."""
    return tuple(type for type, item in LISTINGS.items() if not item.location or location == locations[0])
