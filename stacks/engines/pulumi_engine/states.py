"""What the stacks of a backend hold: read from files where the backend is a folder, else asked of the CLI.

A backend of files is read at once; S3, Google Cloud Storage and Pulumi Cloud are asked one stack at a time.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Required, TypeAlias, TypedDict, cast

from pulumi.automation import CommandResult
from pulumi.automation.errors import CommandError

from contracts.files import write_bytes
from stacks.declaration import Value
from stacks.engines.engine import AppliedResource
from stacks.engines.pulumi_engine.failures import backend_failed
from stacks.engines.pulumi_engine.naming import declared_names, type_of

Json: TypeAlias = Mapping[str, object]
Ask: TypeAlias = Callable[[list[str]], CommandResult]
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One resource that a stack holds.

    Attributes:
        inputs: what was declared, under the names that declarations have.
        account: name of the explicit provider that made it; empty on premises.
        exports: attributes that the stack puts out for others.
        after: keys of what it depends on.
    """

    urn: str
    applied: AppliedResource
    inputs: Mapping[str, Value]
    account: str
    exports: tuple[str, ...]
    after: tuple[str, ...]


class StateResource(TypedDict, total=False):
    """A resource as Pulumi writes it down: sdk/go/common/apitype/core.go, ResourceV3."""

    urn: Required[str]
    type: Required[str]
    id: str
    inputs: Json
    outputs: Json
    provider: str
    dependencies: list[str]
    delete: bool


class States(Protocol):
    """Where stacks are kept.

    Raises:
        CloudUnreachable: it does not answer.
        CredentialsMissing: it does not answer to us.
    """

    def names(self) -> tuple[str, ...]:
        """All stacks of the project."""
        ...

    def deployment(self, stack: str) -> Json:
        """The latest state of one; empty where it has none."""
        ...


@dataclass(frozen=True, slots=True)
class FileStates:
    """A backend of files.

    A full disk leaves half a file where a state was. Then the latest copy that can be read counts: the one before the
    last write, that from before the last update, that from after the one before.

    Attributes:
        folder: its `.pulumi`.
        project: whose stacks they are.
    """

    folder: Path
    project: str

    def names(self) -> tuple[str, ...]:
        places = self._stacks.glob("*.json*")
        return tuple({path.name.partition(".json")[0] for path in places if path.name.endswith((".json", ".json.gz"))})

    def deployment(self, stack: str) -> Json:
        for path in self._copies(stack):
            if (checkpoint := _checkpoint(path)) is not None:
                return cast(Json, checkpoint.get("latest") or {})
        return {}

    def mend(self, stack: str) -> None:
        """Puts the latest copy that can be read where a state is that cannot; without any, there is no such stack.

        What was made since is found again: on premises by its key, in clouds by its tags. Nobody may be at it.
        """
        state, *copies = self._copies(stack)
        if not state.exists() or _checkpoint(state) is not None:
            return
        readable = (path for path in copies if _checkpoint(path) is not None)
        if copy := next(readable, None):
            write_bytes(state, copy.read_bytes())
        else:
            state.unlink()

    @property
    def _stacks(self) -> Path:
        return self.folder / "stacks" / self.project

    def _copies(self, stack: str) -> Iterator[Path]:
        """The state, then copies of it, the latest first."""
        plain = self._stacks / f"{stack}.json"
        zipped = plain.with_suffix(".json.gz")
        yield zipped if zipped.exists() and not plain.exists() else plain
        yield plain.with_suffix(".json.bak")
        for kind, names in (("backups", f"{stack}.*.json"), ("history", f"{stack}-*.checkpoint.json")):
            yield from sorted((self.folder / kind / self.project / stack).glob(names), reverse=True)


def _checkpoint(path: Path) -> Json | None:
    """What a file of a state holds; None where it cannot be read."""
    try:
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        return cast(Json, json.loads(text)["checkpoint"])
    except (FileNotFoundError, ValueError, KeyError, gzip.BadGzipFile, EOFError):
        return None


@dataclass(frozen=True, slots=True)
class AskedStates:
    """A backend that only the CLI reads.

    Attributes:
        ask: runs `pulumi` in the project's folder.
        named: what commands call a stack.
    """

    ask: Ask
    named: Callable[[str], str]

    def names(self) -> tuple[str, ...]:
        found = self._asked(["stack", "ls", "--json"])
        return tuple(str(item["name"]).rpartition("/")[2] for item in json.loads(found))

    def deployment(self, stack: str) -> Json:
        exported = json.loads(self._asked(["stack", "export", "--stack", self.named(stack)]))
        return cast(Json, exported.get("deployment") or {})

    def _asked(self, words: list[str]) -> str:
        try:
            return self.ask(words).stdout
        except CommandError as error:
            raise backend_failed(str(error)) from error


def held_by(deployment: Json, root_of: Callable[[str], str]) -> Iterator[Held]:
    """The resources of ours that a state holds."""
    exports: dict[str, list[str]] = {}
    for name in outputs_of(deployment):
        exports.setdefault(name.partition(".")[0], []).append(name.partition(".")[2])
    for item in resources_in(deployment):
        if (type := type_of(item["type"])) and not item.get("delete"):
            key, provider = key_in(item["urn"]), item.get("provider", "")
            inputs = declared_names(type, item.get("inputs", {}))
            computed = {} if item["type"].startswith("estate:") else declared_names(type, item.get("outputs", {}))
            yield Held(
                urn=item["urn"],
                applied=AppliedResource(
                    type=type, key=key, root=root_of(key), arguments={**inputs, **computed}, id=item.get("id", "")
                ),
                inputs=inputs,
                account=account_in(provider) if provider else "",
                exports=tuple(exports.get(key, ())),
                after=tuple(key_in(urn) for urn in item.get("dependencies") or ()),
            )


def outputs_of(deployment: Json) -> Json:
    """What a stack puts out."""
    found = (item for item in resources_in(deployment) if item["type"] == STACK_TYPE)
    return next((item.get("outputs", {}) for item in found), {})


def resources_in(deployment: Json) -> list[StateResource]:
    """Everything that a state holds, stack and providers included."""
    return cast(list[StateResource], deployment.get("resources") or [])


def key_in(urn: str) -> str:
    """The name within an URN: the key of the declaration."""
    return urn.split("::", 3)[3]


def account_in(provider: str) -> str:
    """The name of an explicit provider within a reference to it (an URN and an id); empty for a default one."""
    name = key_in(provider).rpartition("::")[0]
    return "" if name.startswith("default") else name
