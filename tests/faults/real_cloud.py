"""The simulated cloud of the crash campaign, kept in a file and asked by real engines through the estate's providers.

Where it stands: `real_stage` puts a `Backing` where the providers of the estate, which answer OpenTofu and Pulumi over
gRPC, have their inventory. What exists then is what `SimCloud` makes of each call: two of one thing where a create is
repeated, 409 where its name is taken, lost answers, 429, what shows late. Each change is in the file before its answer
leaves, so that the account outlives a SIGKILL.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contracts.files import write_bytes
from stacks.clouds.cloud import NOTHING, Attributes
from stacks.declaration import Declaration, Value
from stacks.errors import CloudError, EstateBusy, UnknownPlace
from stacks.estate.inventory import READY, resource_id
from tests.faults.real_points import RealPoints
from tests.faults.sim_cloud import NAMED, Fault, Met, SimClock, SimCloud, Thing, TooMany

Fates = dict[tuple[str, str], list[Met]]
"""By call and key, what each try of it comes to, in their order."""


@dataclass(slots=True)
class FatedCloud(SimCloud):
    """The account, whose calls come to what they came to in the simulation of the same command."""

    fates: Fates = field(default_factory=dict)

    def find(self, declarations: Sequence[Declaration], known: Mapping[str, Attributes] = NOTHING) -> Mapping[str, str]:
        found = SimCloud.find(self, declarations, known)
        return {key: id_of(self.things[id]) for key, id in found.items()}

    def _fate(self, call: str, key: str, faults: tuple[Fault, ...]) -> Met:
        coming = self.fates.get((call, key), [])
        if not coming:
            return Met(call=call, key=key)
        if coming[0].fault is Fault.THROTTLED and len(coming) == 1:  # the simulated engine gave up: so shall this one
            return coming[0]
        return coming.pop(0)


def load_cloud(path: Path) -> FatedCloud:
    """The account as it was kept last."""
    seconds, things, made, number, finds = pickle.loads(path.read_bytes())
    cloud = FatedCloud(clock=SimClock(seconds), things=things, made=made, finds=finds)
    cloud._number = number
    return cloud


def keep_cloud(path: Path, cloud: SimCloud) -> None:
    """Writes the account down, whole."""
    content = (cloud.clock.seconds, dict(cloud.things), cloud.made, cloud._number, cloud.finds)
    write_bytes(path, pickle.dumps(content))


def id_of(thing: Thing) -> str:
    """What engines call a thing: where it has a name of its own, that; as other things refer to networks by it."""
    return resource_id("dev", thing.key) if thing.type in NAMED else thing.id


def thing_of(cloud: SimCloud, id: str) -> Thing | None:
    """The thing that an engine calls so."""
    if id in cloud.things:
        return cloud.things[id]
    return next((item for item in cloud.things.values() if item.type in NAMED and id_of(item) == id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A thing as the providers take it: in the place of a row of the inventory."""

    id: str
    type: str
    arguments: Mapping[str, Value]

    def attributes(self) -> dict[str, Value]:
        return {**self.arguments, "id": self.id, "state": READY}


class Backing:
    """What the providers ask, in the place of `stacks.estate.inventory.Inventory`; any number of threads may."""

    def __init__(self, path: Path, cloud: FatedCloud, at: RealPoints) -> None:
        self.path, self._cloud, self._at = path, cloud, at
        self._guard = threading.RLock()

    def close(self) -> None:
        """Nothing is open."""

    def create(self, environment: str, type: str, key: str, arguments: Mapping[str, Value]) -> Found:
        wanted = {**arguments, "environment": environment, "key": key}
        self._at(f"before create {key}")
        if self._at.sends_before_its_death(key):
            self._call(lambda: self._cloud.create(type, key, wanted), swallow=True)
        self._at(f"during create {key}")
        self._at.wait_for_leave("create", key)
        try:
            id = self._call(lambda: self._cloud.create(type, key, wanted))
        except CloudError:
            self._at(f"after create {key}")
            raise
        self._at(f"after create {key}")
        return self._answer("created", key, id)

    def read(self, environment: str, key: str) -> Found | None:
        thing = thing_of(self._cloud, _joined(environment, key))
        if thing is None:
            return None
        self._at.reads(thing.key)
        return _found(thing)

    def update(self, environment: str, type: str, key: str, arguments: Mapping[str, Value]) -> Found:
        thing = thing_of(self._cloud, _joined(environment, key))
        if thing is None:
            raise UnknownPlace("is not there", where=_joined(environment, key))
        self._at(f"before update {thing.key}")
        self._at.wait_for_leave("update", thing.key)
        self._call(lambda: self._cloud.update(thing.id, {**arguments, "environment": "dev", "key": thing.key}))
        self._at(f"after update {thing.key}")
        return self._answer("updated", thing.key, thing.id)

    def delete(self, environment: str, key: str) -> None:
        thing = thing_of(self._cloud, _joined(environment, key))
        if thing is None:
            return
        self._at(f"before delete {thing.key}")
        self._at.wait_for_leave("delete", thing.key)
        self._call(lambda: self._cloud.delete(thing.id))
        self._at(f"after delete {thing.key}")
        self._at.answers(f"deleted {thing.key}")

    def _answer(self, why: str, key: str, id: object) -> Found:
        found = _found(self._cloud.things[str(id)])
        self._at.answers(f"{why} {key}")
        return found

    def _call(self, act: Callable[[], object], *, swallow: bool = False) -> object:
        """One call, kept whatever it came to. A 429 is told in the words that the providers try again at.

        Raises:
            EstateBusy: a 429.
            CloudError: another fault.
        """
        with self._guard:
            self._at.remember(self._cloud.clock.seconds)
            try:
                return act()
            except TooMany as error:
                if not swallow:
                    raise EstateBusy(error.what, where=error.where) from error
            except CloudError:
                if not swallow:
                    raise
            finally:
                keep_cloud(self.path, self._cloud)
        return None


def _found(thing: Thing) -> Found:
    return Found(id=id_of(thing), type=thing.type, arguments=thing.arguments)


def _joined(environment: str, key: str) -> str:
    """The id that a provider took apart: `stacks.estate.inventory.split_id`."""
    return resource_id(environment, key) if key else environment
