"""`Look`: one look at one project in one region. Every question is asked once, however many resources lean on it."""

from collections.abc import Iterator, Mapping
from threading import RLock
from types import MappingProxyType

from stacks.clouds.cloud import CloudResource
from stacks.clouds.gcp.collections import COLLECTIONS, GONE, NESTED, ZONAL, Collection
from stacks.clouds.gcp.session import GcpSession, Reply
from stacks.clouds.spelling import in_terraform_words
from stacks.declaration import Value
from stacks.targets.gcp import marks

NOTHING: Mapping[str, str] = MappingProxyType({})


class Look:
    """What one project has in one region, as of now.

    Args:
        session: the project's.
        location: Google's name of the region.
        claimed: by id, the description of what the environment has adopted and no mark can be written on.
    """

    def __init__(self, session: GcpSession, location: str, claimed: Mapping[str, str] = NOTHING) -> None:
        self.session, self.location, self.claimed = session, location, claimed
        self._asked: dict[str, tuple[Reply, ...]] = {}
        self._asking = RLock()

    def rows(self, service: str, path: str, items: str = "items") -> tuple[Reply, ...]:
        """All rows of a collection; asked once. A collection that the API has not is empty."""
        plain, _, query = path.format(project=self.session.project, location=self.location).partition("?")
        arguments = dict([query.split("=", 1)]) if query else {}
        with self._asking:
            if (service + plain) not in self._asked:
                self._asked[service + plain] = self.session.listing(service, plain, items, **arguments)
            return self._asked[service + plain]

    def resources(self, collection: Collection) -> Iterator[CloudResource]:
        """All resources of one type that are there."""
        for row in self.rows(collection.service, collection.path, collection.items):
            if not collection.state or str(row.get(collection.state)) not in GONE:
                yield self._resource(collection, row)

    def nested(self, type: str) -> Iterator[CloudResource]:
        """All resources that are rows within others."""
        nested = NESTED[type]
        parent = COLLECTIONS[nested.parent]
        for owner in self.rows(parent.service, parent.path, parent.items):
            for row in owner.get(nested.field, ()):
                name = str(row["name"])
                words = {"project": self.session.project, "location": self.location, "parent": owner["name"]}
                id = nested.id.format(**words, name=name)
                arguments = {**in_terraform_words(row), "id": id, nested.by: str(owner["name"])}
                yield CloudResource(type=type, key="", id=id, place="", arguments=arguments)

    def zonal(self, type: str, zone: str) -> Iterator[CloudResource]:
        """All resources of one type in one zone."""
        path = f"projects/{{project}}/zones/{zone}/{ZONAL[type]}"
        return self.resources(Collection(type=type, path=path, state="status"))

    def _resource(self, collection: Collection, row: Reply) -> CloudResource:
        """A row in our words; whose it is, its labels say, or its description, or the environment."""
        id = _id(collection, row, self.session.project)
        row = {**row, "description": self.claimed[id]} if id in self.claimed else row
        labels: Mapping[str, str] = row.get(collection.labels) or {}
        facts = marks.facts_of(str(row.get("description", "")))
        return CloudResource(
            type=collection.type,
            key=facts.get("key", "") or key_of_label(labels.get(marks.KEY, "")),
            id=id,
            place="",
            arguments={**in_terraform_words(row), **_renamed(row), "id": id},
            environment=facts.get("environment", "") or labels.get(marks.ENVIRONMENT, ""),
            owner=facts.get("owner", "") or labels.get(marks.OWNER, ""),
        )


def key_of_label(label: str) -> str:
    """The key that a label spells; the label itself where the key was too long for one: its digest is all there is."""
    key = label.replace("_", "/")
    return key if marks.label_value(key) == label else label


def _id(collection: Collection, row: Reply, project: str) -> str:
    """What an import takes: the path below the API, or the name where that is unique in the world."""
    name = str(row["name"])
    if collection.service == "storage":
        return name
    if collection.service == "storagetransfer":
        return f"{project}/{name.removeprefix('transferJobs/')}"
    link = str(row.get("selfLink") or name)
    return link[link.index("projects/") :] if "projects/" in link else link


def _renamed(row: Reply) -> Mapping[str, Value]:
    """What Terraform calls by another name, or says without the link that leads there."""
    found: dict[str, Value] = {name: str(row[name]).rpartition("/")[2] for name in ("zone", "region") if name in row}
    found |= {"size": int(row["sizeGb"])} if "sizeGb" in row else {}
    properties = row.get("allInstancesConfig", {}).get("properties")
    return found | ({"all_instances_config": in_terraform_words(properties)} if properties else {})
