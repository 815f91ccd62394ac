"""What the engine says while it runs, gathered by root: actions planned, resources done, and what failed and why."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pulumi.automation.events import EngineEvent, OpType, StepEventMetadata, StepEventStateMetadata

from stacks.declaration import Value
from stacks.engines.engine import Action, Observed
from stacks.engines.pulumi_engine.naming import UNKNOWN, declared_names, type_of

PLANNED = {
    OpType.CREATE: Action.CREATE,
    OpType.UPDATE: Action.UPDATE,
    OpType.DELETE: Action.DELETE,
    OpType.REPLACE: Action.REPLACE,
    OpType.CREATE_REPLACEMENT: Action.REPLACE,
    OpType.DELETE_REPLACED: Action.REPLACE,
    OpType.IMPORT: Action.ADOPT,
}
DONE = {
    OpType.CREATE: (Action.CREATE,),
    OpType.CREATE_REPLACEMENT: (Action.CREATE,),
    OpType.UPDATE: (Action.UPDATE,),
    OpType.DELETE: (Action.DELETE,),
    OpType.DELETE_REPLACED: (Action.DELETE,),
    OpType.IMPORT: (Action.ADOPT,),
}


GOING = (OpType.DELETE, OpType.DELETE_REPLACED, OpType.DISCARD_REPLACED)
AFTERWARDS = ("update failed", "preview failed", "an unhandled error occurred", "Exception calling application")
"""What is said beside the error that caused it."""
STILL_S = 15.0  # far longer than Pulumi takes between two resources, and nothing is lost where it would have gone on
UNSAVED = "failed to save snapshot"
IN_PROGRAM = "python inline source runtime error: "


@dataclass(slots=True)
class _Seen:
    """One resource as events showed it so far."""

    type: str
    last: StepEventStateMetadata | None = None
    live: StepEventStateMetadata | None = None
    wanted: StepEventStateMetadata | None = None


class Events:
    """Hears the events of one run of one stack; called from the threads of its event server.

    Args:
        root_of: the root that a key lives in.
        heard: told of each resource that is done: how many so far, and its key.
        unsaved: told when a state cannot be written. Pulumi tries each write for half a minute, and goes on to the
            next resource all the same.
        stuck: told once, when something failed, nothing is under way, and nothing was heard for `STILL_S`. Where it
            goes on after errors, Pulumi 3.259 was seen to wait for ever once a replacement cannot be deleted or what
            others stand on cannot be updated.
    """

    def __init__(
        self,
        root_of: Callable[[str], str],
        heard: Callable[[int, str], None],
        unsaved: Callable[[], None],
        stuck: Callable[[], None],
    ) -> None:
        self._root_of, self._heard, self._unsaved, self._stuck = root_of, heard, unsaved, stuck
        self._is_stuck = self._is_over = False
        self._under_way: set[str] = set()
        self._still = threading.Timer(0, stuck)  # never started: what `over` and `_listen` cancel
        self._guard = threading.RLock()
        self._done = 0
        self.planned: dict[str, Action] = {}
        self.done: dict[str, Counter[Action]] = {}
        self.failures: dict[str, list[str]] = {}
        self.errors: list[str] = []
        self._seen: dict[str, _Seen] = {}

    def __call__(self, event: EngineEvent) -> None:
        with self._guard:
            if event.resource_pre_event and (key := _key(event.resource_pre_event.metadata)):
                self._plan(key, event.resource_pre_event.metadata.op)
                self._see(key, event.resource_pre_event.metadata)
            if event.res_outputs_event and (key := _key(event.res_outputs_event.metadata)):
                self._finish(key, event.res_outputs_event.metadata.op)
                self._see(key, event.res_outputs_event.metadata)
            if event.diagnostic_event and event.diagnostic_event.severity == "error":
                self._fail(event.diagnostic_event.urn or "", event.diagnostic_event.message.strip())
            self._listen(event)

    def over(self) -> None:
        """The run has ended."""
        with self._guard:
            self._is_over = True
            self._still.cancel()

    def observed(self, key: str, root: str) -> Observed:
        """What a preview with a refresh showed of one resource."""
        seen = self._seen[key]
        return Observed(
            type=seen.type,
            key=key,
            root=root,
            last=_attributes(seen.type, seen.last),
            live=_attributes(seen.type, seen.live),
            wanted=_attributes(seen.type, seen.wanted),
            action=self.planned.get(key),
        )

    def seen(self) -> tuple[str, ...]:
        """All of ours that were heard of."""
        return tuple(sorted(self._seen))

    def _listen(self, event: EngineEvent) -> None:
        """Begins anew to wait for the next event, where none may ever come."""
        if event.resource_pre_event and _key(event.resource_pre_event.metadata):
            self._under_way.add(event.resource_pre_event.metadata.urn)
        for ended in (event.res_outputs_event, event.res_op_failed_event):
            if ended:
                self._under_way.discard(ended.metadata.urn)
        self._still.cancel()
        if self.failures and not (self._under_way or self._is_stuck or self._is_over):
            self._still = threading.Timer(STILL_S, self._stand_still)
            self._still.daemon = True
            self._still.start()

    def _stand_still(self) -> None:
        with self._guard:
            if self._is_stuck or self._is_over:
                return
            self._is_stuck = True  # a second interrupt would end the run without its state being saved
        self._stuck()

    def _see(self, key: str, metadata: StepEventMetadata) -> None:
        """A refresh shows what was applied last and what is live; the step after it what is wanted."""
        type = type_of(metadata.type)
        assert type is not None
        seen = self._seen.setdefault(key, _Seen(type))
        if metadata.op is OpType.REFRESH:
            seen.last, seen.live = metadata.old, metadata.new
        elif metadata.op in GOING:
            seen.wanted = seen.wanted if metadata.op is OpType.DELETE_REPLACED else None
        else:
            seen.wanted = metadata.new
            if metadata.op is OpType.IMPORT:
                seen.live = metadata.new

    def _plan(self, key: str, operation: OpType) -> None:
        if action := PLANNED.get(operation):
            replaced = self.planned.get(key) is Action.REPLACE
            self.planned[key] = Action.REPLACE if replaced else action

    def _finish(self, key: str, operation: OpType) -> None:
        self._done += 1
        self._heard(self._done, key)
        for action in DONE.get(operation, ()):
            self.done.setdefault(self._root_of(key), Counter())[action] += 1

    def _fail(self, urn: str, message: str) -> None:
        if UNSAVED in message:
            self._unsaved()
        name = urn.split("::", 3)[3] if urn.count("::") >= 3 else ""
        if name and "pulumi:pulumi:Stack" not in urn:
            self.failures.setdefault(self._root_of(name), []).append(f"{name}: {_first_line(message)}")
        elif message and not any(words in message for words in AFTERWARDS):
            self.errors.append(message.partition("\nTraceback")[0].removeprefix(IN_PROGRAM).strip())


def _attributes(type: str, state: StepEventStateMetadata | None) -> Mapping[str, Value] | None:
    """Inputs, what is computed, and the id; what is not known yet, and secrets, are left out."""
    if state is None:
        return None
    found = {**declared_names(type, state.inputs or {}), **declared_names(type, state.outputs or {})}
    return {**found, "id": state.id} if state.id and state.id != UNKNOWN else found


def _key(metadata: StepEventMetadata) -> str | None:
    """The key of one of our resources; None for stacks and providers."""
    return metadata.urn.split("::", 3)[3] if type_of(metadata.type) else None


def _first_line(message: str) -> str:
    """The provider's own words: the engine wraps them in the name of the call, and counts the errors."""
    lines = [line.strip(" *\t") for line in message.splitlines() if line.strip(" *\t")]
    told = [line for line in lines if not line.endswith("error occurred:")]
    return (told or lines or ["failed without a message"])[0]
