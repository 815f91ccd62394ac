"""A simulated cloud account: named and unnamed resources, and everything that goes wrong between a call and its answer.

It lives through every death of its callers, as a cloud does. Time is simulated: waiting costs nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from stacks.clouds.cloud import NOTHING, Attributes, CloudResource
from stacks.clouds.finding import two_of_one
from stacks.declaration import Declaration, Value
from stacks.errors import CloudError
from tests.coordinator.factory import NOON

NAMED = frozenset({"estate_network", "estate_block", "estate_link"})
"""Types that have a name of their own: a second create of it is refused. The others are told apart by their tag."""
LATE_S = 2.5  # what was made shows after so long at most: clouds say "seconds"
CREATE_S = 1.5
CALL_S = 0.1


class Fault(StrEnum):
    """What one call of the cloud may come to."""

    TIME_OUT = "time-out after success"
    THROTTLED = "429"
    LATE = "shows late"
    HALF_MADE = "half made"


class NoAnswer(CloudError):
    """The call was made, and nobody knows what became of it."""


class TooMany(CloudError):
    """429: nothing was done."""


class Conflict(CloudError):
    """409: the name is taken."""


@dataclass(slots=True)
class SimClock:
    """Simulated time."""

    seconds: float = 0.0

    def __call__(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One resource; `shows_s` is when lists and searches show it first."""

    id: str
    type: str
    key: str
    arguments: Mapping[str, Value]
    shows_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """One call that changes something, and what it came to. `late_s`: how much later than at once its result shows."""

    call: str  # create, update, delete
    key: str
    fault: Fault | None = None
    late_s: float = 0.0


@dataclass(slots=True)
class SimCloud:
    """The account.

    Attributes:
        clock: simulated time.
        chance: decides which fault a call meets; None: no call meets one.
        share: of calls that meet one.
        things: what exists, by id.
        made: how often each key was made.
        finds: whether searches show anything: without it nothing is ever adopted.
        met: all calls that were to change something, in their order.
    """

    clock: SimClock
    chance: random.Random | None = None
    share: float = 0.15
    things: dict[str, Thing] = field(default_factory=dict)
    made: Counter[str] = field(default_factory=Counter)
    finds: bool = True
    met: list[Met] = field(default_factory=list)
    _number: int = 0

    def create(self, type: str, key: str, arguments: Mapping[str, Value]) -> str:
        """Makes a resource and answers with its id.

        Raises:
            Conflict: its name is taken.
            NoAnswer, TooMany: a fault.
        """
        met = self._meets("create", key, (Fault.TIME_OUT, Fault.THROTTLED, Fault.LATE, Fault.HALF_MADE))
        fault = met.fault
        if fault is Fault.THROTTLED:
            raise TooMany("429: too many requests", where=key)
        if type in NAMED and any((item.type, item.key) == (type, key) for item in self.things.values()):
            raise Conflict("409: the name is taken", where=key)
        self.clock.sleep(CREATE_S)
        self._number += 1
        self.made[key] += 1
        id = f"{type}-{self._number:04d}"
        whole = dict(arguments)
        if fault is Fault.HALF_MADE:
            whole["owner"] = "nobody yet"
        self.things[id] = Thing(id=id, type=type, key=key, arguments=whole, shows_s=self.clock.seconds + met.late_s)
        if fault in (Fault.TIME_OUT, Fault.HALF_MADE):
            raise NoAnswer(f"{fault}: no answer in time", where=key)
        return id

    def read(self, id: str) -> Thing | None:
        """One resource by its id: that shows at once."""
        return self.things.get(id)

    def update(self, id: str, arguments: Mapping[str, Value]) -> None:
        """Changes a resource in place; safe to repeat.

        Raises:
            NoAnswer, TooMany: a fault.
        """
        before = self.things[id]
        fault = self._meets("update", before.key, (Fault.TIME_OUT, Fault.THROTTLED)).fault
        if fault is Fault.THROTTLED:
            raise TooMany("429: too many requests", where=id)
        self.things[id] = Thing(
            id=id, type=before.type, key=before.key, arguments=dict(arguments), shows_s=before.shows_s
        )
        if fault is Fault.TIME_OUT:
            raise NoAnswer("no answer in time", where=id)

    def delete(self, id: str) -> None:
        """Destroys a resource; one that is gone is no error.

        Raises:
            NoAnswer, TooMany: a fault.
        """
        key = self.things[id].key if id in self.things else ""
        fault = self._meets("delete", key, (Fault.TIME_OUT, Fault.THROTTLED)).fault
        if fault is Fault.THROTTLED:
            raise TooMany("429: too many requests", where=id)
        self.things.pop(id, None)
        if fault is Fault.TIME_OUT:
            raise NoAnswer("no answer in time", where=id)

    def shown(self) -> tuple[Thing, ...]:
        """What lists and searches show now."""
        return tuple(item for item in self.things.values() if item.shows_s <= self.clock.seconds)

    def tagged(self, environment: str) -> tuple[CloudResource, ...]:
        """All that shows."""
        return tuple(
            CloudResource(type=item.type, key=item.key, id=item.id, place="", arguments=item.arguments)
            for item in self.shown()
            if self.finds
        )

    def find(self, declarations: Sequence[Declaration], known: Mapping[str, Attributes] = NOTHING) -> Mapping[str, str]:
        """Ids of declared resources that show, by tag or name.

        Raises:
            TwoOfOne: two of them bear one key.
        """
        self.clock.sleep(CALL_S)
        asked = {(item.type, item.key) for item in declarations}
        found: dict[str, CloudResource] = {}
        for item in self.tagged(""):
            if (item.type, item.key) in asked:
                other = found.setdefault(item.key, item)
                if other.id != item.id:
                    raise two_of_one(item.type, item.key, (other, item))
        return {key: item.id for key, item in found.items()}

    def discover(self) -> tuple[CloudResource, ...]:
        return ()

    def _meets(self, call: str, key: str, faults: tuple[Fault, ...]) -> Met:
        """What a call comes to; told by `met`."""
        self.clock.sleep(CALL_S)
        met = self._fate(call, key, faults)
        self.met.append(met)
        return met

    def _fate(self, call: str, key: str, faults: tuple[Fault, ...]) -> Met:
        if self.chance is None or self.chance.random() >= self.share:
            return Met(call=call, key=key)
        fault = self.chance.choice(faults)
        late_s = self.chance.uniform(0.5, LATE_S) if fault is Fault.LATE else 0.0
        return Met(call=call, key=key, fault=fault, late_s=late_s)
