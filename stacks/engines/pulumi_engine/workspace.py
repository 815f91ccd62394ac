"""Where Pulumi keeps things in a project: backend, project name, stacks by layout, and a working folder of our own.

`prestage apply` and a bare `pulumi up` share one backend (that of `Pulumi.yaml`) and, in the layout `environment`, one
stack. `prestage apply` works from `.prestage/<environment>/pulumi/`, so that stacks a region leave no `Pulumi.*.yaml`
in the project's folder.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from contracts.environment import Environment, Layout
from contracts.files import write_bytes
from contracts.resources import ON_DEMAND_PREFIX, root_of
from stacks.declaration import Value
from stacks.engines.engine import AppliedResource
from stacks.engines.pulumi_engine.resources import TYPES

PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
FILE_SCHEME = "file://"
# Without it each state file has one of attributes beside it, which is not written whole: a kill -9 in between leaves
# it empty, and the stack unreadable ("failed to load checkpoint: EOF").
NO_ATTRIBUTES = "metadata=skip"
BACKEND = f"{FILE_SCHEME}.prestage/pulumi?{NO_ATTRIBUTES}"
PROJECT = "prestage"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulumiWorkspace:
    """One environment's stacks.

    Attributes:
        folder: the project's folder, which holds Pulumi.yaml.
        environment: decides the layout.
        inventory: the estate's file.
        state: the environment's folder of state.
    """

    folder: Path
    environment: Environment
    inventory: Path
    state: Path

    @property
    def work(self) -> Path:
        """Where commands run: our own Pulumi.yaml and stack settings."""
        return self.state / "pulumi"

    @property
    def project(self) -> str:
        """The project's name, part of every URN."""
        return str(self._settings().get("name", PROJECT))

    @property
    def backend_url(self) -> str:
        """PULUMI_BACKEND_URL, else that of Pulumi.yaml, else a folder beside the environments' state. Absolute."""
        url = os.environ.get("PULUMI_BACKEND_URL") or self._configured_backend()
        if not url.startswith(FILE_SCHEME):
            return url
        name, _, query = url.removeprefix(FILE_SCHEME).partition("?")
        path = (self.folder / Path(name).expanduser()).resolve()
        options = query if "metadata=" in query else "&".join(filter(None, (query, NO_ATTRIBUTES)))
        return f"{FILE_SCHEME}{path}?{options}"

    @property
    def backend_folder(self) -> Path | None:
        """The backend's folder, where it is one."""
        url = self.backend_url
        return Path(url.removeprefix(FILE_SCHEME).partition("?")[0]) if url.startswith(FILE_SCHEME) else None

    @property
    def inventory_setting(self) -> str:
        """What `estate:inventory` says: relative to the project's folder where it lies within."""
        inventory, folder = self.inventory.resolve(), self.folder.resolve()
        return str(inventory.relative_to(folder)) if inventory.is_relative_to(folder) else str(inventory)

    def stack_of(self, root: str) -> str:
        """The stack that a root lives in."""
        return stack_of(self.environment, root)

    def root_in(self, stack: str, key: str) -> str:
        """The root of a resource that a stack holds: the inverse of `stack_of`."""
        _, dot, root = stack.partition(".")
        return root if dot else root_of(key.partition("/")[0])

    def variables(self) -> Mapping[str, str]:
        """What every command gets: the backend, and an empty passphrase where people set none.

        Stacks hold no secret: the passphrase is what the file backend insists on.
        """
        given = any(name in os.environ for name in PASSPHRASES)
        return {"PULUMI_BACKEND_URL": self.backend_url, **({} if given else {PASSPHRASES[0]: ""})}

    def prepare(self, stacks: Iterable[str]) -> None:
        """Writes the working folder and the backend's, where they are not there yet."""
        if folder := self.backend_folder:
            folder.mkdir(parents=True, exist_ok=True)
        project = {"name": self.project, "runtime": "python", "description": "Written by prestage: do not edit."}
        _write_if_other(self.work / "Pulumi.yaml", yaml.safe_dump(project))
        for stack in stacks:
            path = self.work / f"Pulumi.{stack}.yaml"
            if not path.exists():
                _write_if_other(path, yaml.safe_dump(self._stack_settings(stack)))

    def stacks(self) -> tuple[str, ...]:
        """This environment's stacks in a backend of files; on demand last, so that what was adopted counts as such."""
        if (folder := self._stacks_folder()) is None or not folder.is_dir():
            return ()
        names = {path.name.partition(".json")[0] for path in folder.glob("*.json")}
        own = self.environment.name
        ours = (name for name in names if name == own or name.startswith(f"{own}."))
        return tuple(sorted(ours, key=lambda name: (name.startswith(f"{own}.{ON_DEMAND_PREFIX}"), name)))

    def applied(self) -> Mapping[str, AppliedResource]:
        """What the stacks' state in a backend of files says was applied last, by key."""
        found: dict[str, AppliedResource] = {}
        for stack in self.stacks():
            for item in self._resources(stack):
                found.setdefault(item.key, item)
        return found

    def outlived(self) -> tuple[str, ...]:
        """Roots on demand whose every resource another stack has adopted: a bare `pulumi up` cannot drop them."""
        held = {stack: {item.key for item in self._resources(stack)} for stack in self.stacks()}
        own = self.environment.name
        roots = {
            stack: stack.removeprefix(f"{own}.") for stack in held if stack.startswith(f"{own}.{ON_DEMAND_PREFIX}")
        }
        lasting = {key for stack, keys in held.items() if stack not in roots for key in keys}
        return tuple(root for stack, root in roots.items() if held[stack] and held[stack] <= lasting)

    def locks(self, stack: str) -> tuple[Path, ...]:
        """Lock files of a stack in a backend of files."""
        if (folder := self.backend_folder) is None:
            return ()
        return tuple(sorted((folder / ".pulumi/locks/organization" / self.project / stack).glob("*.json")))

    def _resources(self, stack: str) -> Iterator[AppliedResource]:
        folder = self._stacks_folder()
        assert folder is not None
        checkpoint = json.loads((folder / f"{stack}.json").read_text()).get("checkpoint", {}).get("latest") or {}
        for item in checkpoint.get("resources", ()):
            if item["type"] in TYPES and not item.get("delete"):
                arguments: dict[str, Value] = {
                    name: tuple(value) if isinstance(value, list) else value
                    for name, value in item.get("inputs", {}).items()
                    if name != "__defaults"
                }
                key = str(arguments["key"])
                yield AppliedResource(
                    type=TYPES[item["type"]], key=key, root=self.root_in(stack, key), arguments=arguments
                )

    def _stacks_folder(self) -> Path | None:
        return folder / ".pulumi/stacks" / self.project if (folder := self.backend_folder) else None

    def _configured_backend(self) -> str:
        backend = self._settings().get("backend")
        url = backend.get("url") if isinstance(backend, dict) else None
        return str(url or BACKEND)

    def _settings(self) -> Mapping[str, object]:
        path = self.folder / "Pulumi.yaml"
        found = yaml.safe_load(path.read_text()) if path.exists() else None
        return found if isinstance(found, dict) else {}

    def _stack_settings(self, stack: str) -> Mapping[str, object]:
        """The project's own settings of the stack where it has them: one salt for both ways of running it."""
        path = self.folder / f"Pulumi.{stack}.yaml"
        own = yaml.safe_load(path.read_text()) if path.exists() else None
        settings = own if isinstance(own, dict) else {}
        config = {key: value for key, value in settings.get("config", {}).items() if key.startswith("estate:")}
        return {**settings, "config": {**config, "estate:inventory": self.inventory_setting}}


def stack_of(environment: Environment, root: str) -> str:
    """The stack that a root of an environment lives in, by its layout; what is made on demand has one of its own."""
    if environment.layout is Layout.ENVIRONMENT and not root.startswith(ON_DEMAND_PREFIX):
        return environment.name
    return f"{environment.name}.{root}"


def _write_if_other(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        write_bytes(path, text.encode())
