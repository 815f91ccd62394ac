"""`EstateEngine`: the engine port over a real inventory, with its state in a file. For tests that need no program.

Its state is written root by root, after the resources: killed in between it leaves resources that its state does not
know, as real engines do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from contracts.ports import Progress
from contracts.run import RootRun, RunStatus
from stacks.declaration import Declaration, Value
from stacks.engines.engine import Action, AppliedResource, Job, Preview, ProgramInfo, RootPreview
from stacks.errors import EstateRefused
from stacks.estate.inventory import Inventory, resource_id

State = dict[str, dict[str, dict[str, object]]]


def nothing(_point: str) -> None:
    """The default of `at`: nothing happens."""


class EstateEngine:
    """Makes declarations so by calling the inventory itself.

    Args:
        inventory: the estate.
        state: a JSON file: root -> key -> type and arguments.
        at: called with the name of each point that a run passes; tests raise or kill there.
    """

    def __init__(self, inventory: Inventory, state: Path, at: Callable[[str], None] = nothing) -> None:
        self._inventory, self._path, self.at = inventory, state, at

    def program(self) -> ProgramInfo:
        return ProgramInfo(name="estate", version="1")

    def preview(self, job: Job, progress: Progress) -> Preview:
        roots = (RootPreview(root=root, actions=self._actions(job, root), text="") for root in sorted(job.roots))
        return Preview(roots=tuple(roots))

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        outcomes = tuple(self._apply_root(job, root) for root in job.roots)
        state = self._read()
        for root in job.drop:
            state.pop(root, None)
        self._write(state)
        return outcomes

    def applied(self) -> Mapping[str, AppliedResource]:
        return {
            key: AppliedResource(
                type=str(item["type"]), key=key, root=root, arguments=dict(_mapping(item["arguments"]))
            )
            for root, items in self._read().items()
            for key, item in items.items()
        }

    def _apply_root(self, job: Job, root: str) -> RootRun:
        actions = self._actions(job, root)
        declared = {item.key: item for item in job.roots[root]}
        order = sorted(actions, key=lambda key: (actions[key] is not Action.DELETE, not key.endswith("/network"), key))
        try:
            for key in order:
                self.at(f"{actions[key]} {key}")
                self._act(job.environment, key, actions[key], declared.get(key))
        except EstateRefused as refused:
            return RootRun(root=root, status=RunStatus.FAILED, message=str(refused))
        self.at(f"state {root}")
        state = self._read()
        state[root] = {
            key: {"type": item.type, "arguments": _arguments(job.environment, item)} for key, item in declared.items()
        }
        self._write(state)
        done = list(actions.values())
        return RootRun(
            root=root,
            status=RunStatus.DONE if done else RunStatus.CLEAN,
            created=done.count(Action.CREATE),
            updated=done.count(Action.UPDATE),
            deleted=done.count(Action.DELETE),
        )

    def _act(self, environment: str, key: str, action: Action, declared: Declaration | None) -> None:
        if action is Action.DELETE:
            self._inventory.delete(environment, key)
            return
        assert declared is not None
        if action is Action.REPLACE:
            self._inventory.delete(environment, key)
        self._inventory.create(environment, declared.type, key, _arguments(environment, declared))

    def _actions(self, job: Job, root: str) -> dict[str, Action]:
        """Against what is live, as a refresh would see it; deletes only what this root's state knows."""
        wanted = {item.key: item for item in job.roots[root]}
        known = self._read().get(root, {})
        adopted = {item.key for item in job.adopt}
        actions = {}
        for key, item in wanted.items():
            live = self._inventory.read(job.environment, key)
            if live is None:
                actions[key] = Action.CREATE
            elif dict(live.arguments) != _arguments(job.environment, item):
                actions[key] = Action.UPDATE
            elif key in adopted and key not in known:
                actions[key] = Action.ADOPT
        return actions | {key: Action.DELETE for key in known if key not in wanted}

    def _read(self) -> State:
        if not self._path.exists():
            return {}
        state: State = json.loads(self._path.read_text())
        return state

    def _write(self, state: State) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(state))
        fresh.replace(self._path)


def _arguments(environment: str, declaration: Declaration) -> dict[str, Value]:
    return dict(declaration.resolved(lambda ref: resource_id(environment, getattr(ref, "key", ""))))


def _mapping(value: object) -> Mapping[str, Value]:
    assert isinstance(value, dict)
    return value
