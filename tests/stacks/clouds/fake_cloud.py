"""`FakeCloud`: the `Cloud` port in memory, which shows what exists only after a number of looks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stacks.clouds.cloud import NOTHING, Attributes, CloudResource
from stacks.clouds.finding import filled_in
from stacks.declaration import Declaration


@dataclass(slots=True)
class FakeCloud:
    """Finds declarations of its regions by key, once what they refer to is known.

    Attributes:
        regions: whose declarations it looks at.
        holds: key -> import id.
        late: how many looks come before it shows anything.
        looks: every look: the keys that were asked for.
    """

    regions: frozenset[str]
    holds: Mapping[str, str]
    late: int = 0
    looks: list[tuple[str, ...]] = field(default_factory=list)
    discovered: tuple[CloudResource, ...] = ()

    def tagged(self, environment: str) -> tuple[CloudResource, ...]:
        return ()

    def find(self, declarations: Sequence[Declaration], known: Mapping[str, Attributes] = NOTHING) -> Mapping[str, str]:
        self.looks.append(tuple(item.key for item in declarations))
        if len(self.looks) <= self.late:
            return {}
        mine = [item for item in declarations if item.provider in self.regions and item.key in self.holds]
        ids = {key: {"id": id} for key, id in self.holds.items()}
        here = {item.key: ids[item.key] for item in declarations if item.provider in self.regions and item.key in ids}
        return {item.key: self.holds[item.key] for item in mine if filled_in(item, {**known, **here}) is not None}

    def discover(self) -> tuple[CloudResource, ...]:
        return self.discovered
