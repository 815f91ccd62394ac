"""A simulated engine over a simulated cloud: what real engines do where it matters, in no time.

Roots go in the order that all engines share (`stacks.engines.turns`). Several creates are in flight at once, none
before what it stands on; the state has a resource only once its answer came and was written down; and what was written
may reach the backend late (20 s with the S3 backend), so that a death forgets it. Time-outs are not tried again,
because a create without a name is not safe to repeat; a 429 is, because nothing was done.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from contracts.ports import Progress
from contracts.run import RootRun, RunStatus
from stacks.declaration import Declaration, Value
from stacks.engines.engine import Action, Adoption, AppliedResource, Job, Preview, ProgramInfo, RootPreview
from stacks.engines.turns import Turn, phases, together
from stacks.errors import CloudError
from tests.faults.failpoints import Failpoints
from tests.faults.sim_cloud import SimCloud, TooMany

IN_FLIGHT = 3
TRIES = 3  # of a call that met a 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A resource as the state has it."""

    root: str
    type: str
    key: str
    id: str
    arguments: Mapping[str, Value]


@dataclass(slots=True)
class SimState:
    """The engine's state and its backend, which has what was written `lag_s` ago, or flushed at an orderly end."""

    lag_s: float = 0.0
    now: dict[str, Held] = field(default_factory=dict)
    written: list[tuple[float, dict[str, Held]]] = field(default_factory=list)

    def write(self, at_s: float) -> None:
        self.written.append((at_s, dict(self.now)))

    def flush(self) -> None:
        """An orderly end: everything has reached the backend."""
        self.written = [(float("-inf"), dict(self.now))]

    def die(self, at_s: float) -> None:
        """Forgets what has not reached the backend."""
        there = [state for when, state in self.written if when <= at_s - self.lag_s]
        self.now = dict(there[-1]) if there else {}
        self.flush()


@dataclass(slots=True)
class SimEngine:
    """The engine port.

    Attributes:
        deletes_last: what goes away goes after all that is made, as Pulumi does it, and what is replaced after what is
            changed, on which it may stand; else all that goes away goes first, as Terraform may do it.
    """

    cloud: SimCloud
    state: SimState
    at: Failpoints
    chance: random.Random
    deletes_last: bool = False

    def program(self) -> ProgramInfo:
        return ProgramInfo(name="simulated", version="1")

    def preview(self, job: Job, progress: Progress) -> Preview:
        self._refresh()
        roots = (RootPreview(root=root, actions=self._actions(job, root), text="") for root in sorted(job.roots))
        return Preview(roots=tuple(roots))

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        self.at("engine called")
        self._refresh()
        outcomes: dict[str, RootRun] = {}
        for turns in phases(job.roots, self._keys_in):
            for turn in turns:
                outcomes[turn.name] = together(outcomes.get(turn.name), self._take_turn(job, turn))
        if all(run.status in (RunStatus.DONE, RunStatus.CLEAN) for run in outcomes.values()):
            for key in [key for key, item in self.state.now.items() if item.root in job.drop]:
                self._forget(key, "dropped")
        self.at("before the engine ends")
        self.state.flush()
        self.at("engine ended")
        return tuple(outcomes[root] for root in job.roots)

    def applied(self) -> Mapping[str, AppliedResource]:
        return {
            key: AppliedResource(type=item.type, key=key, root=item.root, arguments=item.arguments, id=item.id)
            for key, item in self.state.now.items()
        }

    def _keys_in(self, root: str) -> frozenset[str]:
        return frozenset(key for key, item in self.state.now.items() if item.root == root)

    def _refresh(self) -> None:
        """What the state holds and the cloud does not have is forgotten; attributes are as they are."""
        for key, item in list(self.state.now.items()):
            there = self.cloud.read(item.id)
            if there is None:
                del self.state.now[key]
            else:
                self.state.now[key] = _held(item.root, there.type, key, item.id, there.arguments)

    def _take_turn(self, job: Job, turn: Turn) -> RootRun:
        declared = {item.key: item for item in job.roots[turn.name]}
        if not turn.leaving:
            for adoption in job.adopt:
                if adoption.key in declared:
                    self._take_in(declared[adoption.key], adoption)
        actions = self._actions(job, turn.name)
        if turn.leaving:
            actions = {key: action for key, action in actions.items() if key in turn.leaving}
        failures: list[str] = []
        self._carry_out(job.environment, declared, actions, failures)
        done = list(actions.values())
        status = RunStatus.FAILED if failures else RunStatus.DONE if actions else RunStatus.CLEAN
        return RootRun(
            root=turn.name,
            status=status,
            created=done.count(Action.CREATE),
            updated=done.count(Action.UPDATE),
            deleted=done.count(Action.DELETE),
            message="; ".join(failures),
        )

    def _take_in(self, item: Declaration, adoption: Adoption) -> None:
        """An import: what exists is taken into the state, as it is."""
        if adoption.id and (there := self.cloud.read(adoption.id)):
            self._note(_held(item.root, item.type, item.key, adoption.id, there.arguments), "taken in")
        elif adoption.key in self.state.now:
            before = self.state.now[adoption.key]
            self._note(_held(item.root, before.type, before.key, before.id, before.arguments), "taken in")

    def _carry_out(
        self, environment: str, declared: Mapping[str, Declaration], actions: Mapping[str, Action], failures: list[str]
    ) -> None:
        going = [key for key, action in actions.items() if action is Action.DELETE]
        replaced = [key for key, action in actions.items() if action is Action.REPLACE]
        updated = [key for key, action in actions.items() if action is Action.UPDATE]
        deletes = [partial(self._delete, key) for key in (() if self.deletes_last else going)]
        deletes += [partial(self._delete, key) for key in replaced]
        updates = [partial(self._update, environment, declared[key]) for key in updated]
        for act in (*updates, *deletes) if self.deletes_last else (*deletes, *updates):
            self._attempt(failures, act)
        new = [key for key, act in actions.items() if act in (Action.CREATE, Action.REPLACE)]
        waiting = [declared[key] for key in new if key not in self.state.now]  # half a replacement failed: it waits
        while ready := [item for item in waiting if self._stands(item, declared)][:IN_FLIGHT]:
            self._create(environment, ready, failures)
            waiting = [item for item in waiting if item not in ready]
        failures += [f"{item.key}: what it stands on is not there" for item in waiting]
        for key in going if self.deletes_last else ():
            self._attempt(failures, partial(self._delete, key))

    def _stands(self, item: Declaration, declared: Mapping[str, Declaration]) -> bool:
        """Whether all of its root that it needs is there, so that it can be made."""
        needed = {*(ref.key for ref in item.refs()), *item.depends_on} & declared.keys()
        return needed <= self.state.now.keys()

    def _create(self, environment: str, items: list[Declaration], failures: list[str]) -> None:
        """Sends all, then notes what was answered: between the two, the state knows none of them."""
        answered: list[Held] = []
        for item in items:
            arguments = _arguments(environment, item)
            self.at(f"before create {item.key}")
            if self.at.dies_next() and self.chance.random() < 0.5:  # sent, and done by the cloud after our death
                self._attempt(failures, partial(self._send, item, arguments, []))
            self.at(f"during create {item.key}")
            self._attempt(failures, partial(self._send, item, arguments, answered))
            self.at(f"after create {item.key}")
        for held in answered:
            self._note(held, "created")

    def _send(self, item: Declaration, arguments: Mapping[str, Value], answered: list[Held]) -> None:
        id = self.cloud.create(item.type, item.key, arguments)
        answered.append(_held(item.root, item.type, item.key, id, arguments))

    def _update(self, environment: str, item: Declaration) -> None:
        held, arguments = self.state.now[item.key], _arguments(environment, item)
        self.at(f"before update {item.key}")
        self.cloud.update(held.id, arguments)
        self.at(f"after update {item.key}")
        self._note(_held(held.root, item.type, item.key, held.id, arguments), "updated")

    def _delete(self, key: str) -> None:
        self.at(f"before delete {key}")
        self.cloud.delete(self.state.now[key].id)
        self.at(f"after delete {key}")
        self._forget(key, "deleted")

    def _attempt(self, failures: list[str], act: Callable[[], object]) -> None:
        """One call, again after a 429; what it fails with is the root's failure."""
        for tries in range(TRIES):
            try:
                act()
            except TooMany as error:
                self.cloud.clock.sleep(1.0)
                if tries == TRIES - 1:
                    failures.append(str(error))
            except CloudError as error:
                failures.append(str(error))
                return
            else:
                return

    def _note(self, held: Held, why: str) -> None:
        self.at(f"before a state write: {why} {held.key}")
        self.state.now[held.key] = held
        self.state.write(self.cloud.clock.seconds)
        self.at(f"after a state write: {why} {held.key}")

    def _forget(self, key: str, why: str) -> None:
        self.at(f"before a state write: {why} {key}")
        self.state.now.pop(key, None)
        self.state.write(self.cloud.clock.seconds)
        self.at(f"after a state write: {why} {key}")

    def _actions(self, job: Job, root: str) -> dict[str, Action]:
        wanted = {item.key: item for item in job.roots[root]}
        actions: dict[str, Action] = {}
        for key, item in wanted.items():
            held = self.state.now.get(key)
            if held is None or held.root != root:
                actions[key] = Action.CREATE
            elif dict(held.arguments) != _arguments(job.environment, item):
                actions[key] = Action.REPLACE if _replaces(held.arguments, item) else Action.UPDATE
        gone = [key for key, item in self.state.now.items() if item.root == root and key not in wanted]
        return actions | dict.fromkeys(sorted(gone), Action.DELETE)


def _held(root: str, type: str, key: str, id: str, arguments: Mapping[str, Value]) -> Held:
    return Held(root=root, type=type, key=key, id=id, arguments=arguments)


def _replaces(before: Mapping[str, Value], item: Declaration) -> bool:
    return before.get("shape") != item.arguments.get("shape")


def _arguments(environment: str, item: Declaration) -> dict[str, Value]:
    return dict(item.resolved(lambda ref: f"{environment}/{getattr(ref, 'key', '')}"))
