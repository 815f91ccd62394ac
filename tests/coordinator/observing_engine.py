"""`ObservingEngine`: the fake engine, which can say what an import would change about what lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.ports import Progress
from contracts.run import RootRun
from stacks.adopting import MARKS
from stacks.declaration import Declaration, Ref, SecretRef, Value
from stacks.engines.engine import Action, Job, Observed
from stacks.engines.fake import FakeEngine


@dataclass(slots=True)
class ObservingEngine(FakeEngine):
    """Knows what lives by the id that an import calls it.

    Attributes:
        live: id -> attributes.
        fixed: attributes that cannot be changed in place: another value replaces the resource.
    """

    live: dict[str, Mapping[str, Value]] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset({"name", "availability_zone"})

    def observe(self, job: Job, progress: Progress) -> tuple[Observed, ...]:
        ids = {item.key: item.id for item in job.adopt}
        held = self.applied()
        declared = {item.key: item for items in job.roots.values() for item in items}
        gone = [item for key, item in held.items() if item.root in job.roots and key not in declared]
        found = [self._one(item, ids.get(key, ""), key in held) for key, item in declared.items()]
        found += [_seen(item.type, item.key, item.root, {}, None, Action.DELETE) for item in gone]
        return tuple(sorted(found, key=lambda item: item.key))

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        done = FakeEngine.apply(self, job, progress)
        for item in (item for items in job.roots.values() for item in items):
            id = next((adoption.id for adoption in job.adopt if adoption.key == item.key), "")
            if id in self.live:
                self.live[id] = {**self.live[id], **item.resolved(_plainly)}
        return done

    def _one(self, item: Declaration, id: str, held: bool) -> Observed:
        wanted = item.resolved(_plainly)
        if held:
            return _seen(item.type, item.key, item.root, wanted, wanted, None)
        if id not in self.live:
            return _seen(item.type, item.key, item.root, None, wanted, Action.CREATE)
        live = self.live[id]
        differ = {name for name, value in wanted.items() if live.get(name) != value and not isinstance(value, tuple)}
        action = Action.REPLACE if differ & self.fixed else Action.UPDATE if differ else Action.ADOPT
        marks = {name: value for name, value in wanted.items() if name in MARKS or name in live or value is not None}
        return _seen(item.type, item.key, item.root, live, {**live, **marks}, action)


def _seen(
    type: str,
    key: str,
    root: str,
    live: Mapping[str, Value] | None,
    wanted: Mapping[str, Value] | None,
    action: Action | None,
) -> Observed:
    return Observed(type=type, key=key, root=root, last=None, live=live, wanted=wanted, action=action)


def _plainly(ref: Ref | SecretRef) -> Value:
    return ref.key if isinstance(ref, Ref) else ref.name
