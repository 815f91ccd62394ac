"""The clouds' own APIs over the recorded world: what exists, as far as tags, labels and descriptions say whose it is.

With it, whatever looks into an account (live capacity, drift, recovery, adoption) sees what the recording provider
made, and what was changed or made behind the engine's back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.accounts import TargetName
from contracts.environment import Environment
from stacks.clouds.cloud import NOTHING, Attributes, Cloud, CloudResource
from stacks.clouds.finding import by_key, filled_in
from stacks.clouds.gcp.look import key_of_label
from stacks.declaration import Declaration, Value
from stacks.engines.pulumi_engine.naming import declared_names, type_of
from stacks.targets.aws.placing import ENVIRONMENT, KEY, OWNER
from stacks.targets.aws.reading import Standing
from stacks.targets.gcp import marks
from tests.clouds.recorded_world import RecordedWorld, Row

PREFIXES = {TargetName.AWS: "aws_", TargetName.GCP: "google_"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingCloud:
    """One account of an environment; see `stacks.clouds.cloud.Cloud`.

    Attributes:
        world: what was recorded, of all accounts.
        target: whose types lie in this one.
        regions: the environment's regions in it, and their locations.
        environment: its name.
    """

    world: RecordedWorld
    target: TargetName
    regions: Mapping[str, str]
    environment: str

    def tagged(self, environment: str) -> tuple[CloudResource, ...]:
        wanted = {environment, marks.label_value(environment)}
        return tuple(item for item in self._resources() if item.environment in wanted)

    def find(self, declarations: Sequence[Declaration], known: Mapping[str, Attributes] = NOTHING) -> Mapping[str, str]:
        """By mark; else, of what bears none, that which has every argument that is declared."""
        there = tuple(self._resources())
        marked = by_key(item for item in there if item.key)
        attributes, ids = dict(known), dict[str, str]()
        waiting = [item for item in declarations if item.provider in self.regions]
        while waiting:
            found = {item.key: other for item in waiting if (other := _one(item, marked, there, attributes))}
            for key, other in found.items():
                ids[key] = other.id
                attributes[key] = {**attributes.get(key, {}), **other.arguments}
            waiting = [item for item in waiting if item.key not in found] if found else []
        return ids

    def discover(self) -> tuple[CloudResource, ...]:
        return tuple(item for item in self._resources() if not item.environment)

    def _resources(self) -> Iterator[CloudResource]:
        for row in self.world.rows():
            type = type_of(row.token)
            if type and type.startswith(PREFIXES[self.target]) and (found := self._resource(type, row)):
                yield found

    def _resource(self, type: str, row: Row) -> CloudResource | None:
        """A row in our words; None where it lies in a region of another account."""
        arguments = {**declared_names(type, row.inputs), **declared_names(type, row.outputs), "id": row.id}
        environment, key, owner = _whose(self.target, arguments)
        place = self._place(key, arguments)
        if not place:
            return None
        return CloudResource(
            type=type, key=key, id=row.id, place=place, arguments=arguments, environment=environment, owner=owner
        )

    def _place(self, key: str, arguments: Attributes) -> str:
        named = key.partition("/")[0]
        if named in self.regions:
            return named
        location = arguments.get("region")
        here = sorted(region for region, there in self.regions.items() if location in (None, there))
        return here[0] if here else ""


def recording_clouds(world: RecordedWorld) -> Callable[[Environment], Mapping[str, Cloud]]:
    """What stands where `open_clouds` does."""

    def opened(environment: Environment) -> Mapping[str, Cloud]:
        found: dict[str, Cloud] = {}
        for account in environment.accounts:
            lying = [region for region in environment.regions if region.cloud and region.cloud.account == account.name]
            regions = {region.name: region.cloud.location for region in lying if region.cloud}
            if regions:
                found[account.name] = RecordingCloud(
                    world=world, target=account.target, regions=regions, environment=environment.name
                )
        return found

    return opened


def _whose(target: TargetName, arguments: Attributes) -> tuple[str, str, str]:
    """Environment, key and owner that a resource says of itself; empty where it says none."""
    if target is TargetName.AWS:
        tags = Standing(key="", arguments=arguments).tags
        return str(tags.get(ENVIRONMENT, "")), str(tags.get(KEY, "")), str(tags.get(OWNER, ""))
    facts = marks.facts_of(str(arguments.get("description", "")))
    if facts:
        return facts.get("environment", ""), facts.get("key", ""), facts.get("owner", "")
    labels = arguments.get("labels") or arguments.get("user_labels")
    held: Mapping[str, Value] = labels if isinstance(labels, Mapping) else {}
    key = key_of_label(str(held.get(marks.KEY, "")))
    return str(held.get(marks.ENVIRONMENT, "")), key, str(held.get(marks.OWNER, ""))


def _one(
    item: Declaration,
    marked: Mapping[tuple[str, str], CloudResource],
    there: Sequence[CloudResource],
    known: Mapping[str, Attributes],
) -> CloudResource | None:
    if ours := marked.get((item.type, item.key)):
        return ours
    wanted = filled_in(item, known)
    if wanted is None:
        return None
    bare = (other for other in there if other.type == item.type and not other.key)
    return next((other for other in bare if _plain(wanted).items() <= other.arguments.items()), None)


def _plain(arguments: Attributes) -> Attributes:
    return {name: value for name, value in arguments.items() if isinstance(value, str | int | float | bool)}
