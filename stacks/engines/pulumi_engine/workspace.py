"""Where Pulumi keeps things in a project: backend, project name, stacks by layout, and a working folder of our own.

`prestage apply` and a bare `pulumi up` share one backend (that of `Pulumi.yaml`) and, in the layout `environment`, one
stack. `prestage apply` works from `.prestage/<environment>/pulumi/`, so that stacks a region leave no `Pulumi.*.yaml`
in the project's folder.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import yaml

from contracts.engines import Backend, BackendKind, Layout
from contracts.environment import Environment
from contracts.files import write_bytes
from contracts.resources import ON_DEMAND_PREFIX, root_of
from contracts.yaml_plain import plain_text
from stacks.engines.launch import lean
from stacks.engines.pulumi_engine.states import FileStates
from stacks.errors import InvalidArgument

PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
FILE_SCHEME, HOME = "file://", "PULUMI_HOME"
# Without it each state file has one of attributes beside it, which is not written whole: a kill -9 in between leaves
# it empty, and the stack unreadable ("failed to load checkpoint: EOF").
NO_ATTRIBUTES = "metadata=skip"
BACKEND = f"{FILE_SCHEME}.prestage/pulumi?{NO_ATTRIBUTES}"
PULUMI_CLOUD = "https://api.pulumi.com"
PROJECT = "prestage"
SECRETS = "prestage:"  # the part of a stack's config that holds them


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
        """PULUMI_BACKEND_URL, else that of Pulumi.yaml, else the environment's. A path in it is absolute."""
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

    def lean_variables(self) -> Mapping[str, str]:
        """For commands on premises alone, with states in a folder: they need nothing of Pulumi's home.

        There each command writes all that it does to a log of its own, and first looks at every log of the last week
        (pkg/logging/rotation.go, 3.259): of thousands, a third of a clean preview. In a home where `logs` is no folder
        it goes without. A home that a person names stays.
        """
        if self.backend_folder is None or HOME in os.environ:
            return lean()
        home = self.work / "home"
        _write_if_other(home / "logs", "")
        return {**lean(), HOME: str(home.resolve())}

    def prepare(self, stacks: Iterable[str]) -> None:
        """Writes the working folder and the backend's, where they are not there yet."""
        if folder := self.backend_folder:
            folder.mkdir(parents=True, exist_ok=True)
        project = {"name": self.project, "runtime": "python", "description": "Written by prestage: do not edit."}
        _write_if_other(self.work / "Pulumi.yaml", plain_text(project, sort_keys=True))
        for stack in stacks:
            _write_if_other(self.work / f"Pulumi.{stack}.yaml", plain_text(self._stack_settings(stack), sort_keys=True))

    @property
    def file_states(self) -> FileStates | None:
        """The states, where the backend is a folder."""
        folder = self.backend_folder
        return FileStates(folder / ".pulumi", self.project) if folder else None

    def own(self, stacks: Iterable[str]) -> tuple[str, ...]:
        """Those that are this environment's; on demand last, so that what was adopted counts as such."""
        name = self.environment.name
        ours = (stack for stack in stacks if stack == name or stack.startswith(f"{name}."))
        return tuple(sorted(ours, key=lambda stack: (stack.startswith(f"{name}.{ON_DEMAND_PREFIX}"), stack)))

    def named(self, stack: str) -> str:
        """What commands call a stack: in Pulumi Cloud with its organisation."""
        organisation = self.environment.backend.organisation
        return f"{organisation}/{stack}" if organisation and self.in_pulumi_cloud else stack

    def full_name(self, stack: str) -> str:
        """What other stacks refer to it by; every backend but Pulumi Cloud has one organisation of this name."""
        organisation = self.environment.backend.organisation if self.in_pulumi_cloud else ""
        return f"{organisation or 'organization'}/{self.project}/{stack}"

    @property
    def accounts(self) -> Mapping[str, str]:
        """By region, the account that it lies in."""
        return accounts_of(self.environment)

    @property
    def in_pulumi_cloud(self) -> bool:
        return self.backend_url.startswith(("https://", "http://"))

    def locks(self, stack: str) -> tuple[Path, ...]:
        """Lock files of a stack in a backend of files."""
        if (folder := self.backend_folder) is None:
            return ()
        return tuple(sorted((folder / ".pulumi/locks/organization" / self.project / stack).glob("*.json")))

    def secrets(self, stack: str) -> frozenset[str]:
        """Names of the secrets that people set for a stack."""
        config = _read(self.folder / f"Pulumi.{stack}.yaml").get("config")
        values = config.items() if isinstance(config, dict) else ()
        return frozenset(name.removeprefix(SECRETS) for name, value in values if _is_secret(name, value))

    @property
    def project_backend(self) -> str:
        """What Pulumi.yaml itself says of the backend; empty where it says nothing."""
        backend = self._settings().get("backend")
        url = backend.get("url") if isinstance(backend, dict) else None
        return str(url or "")

    def _configured_backend(self) -> str:
        return self.project_backend or backend_url(self.environment.backend)

    def _settings(self) -> Mapping[str, object]:
        return _read(self.folder / "Pulumi.yaml")

    def _stack_settings(self, stack: str) -> Mapping[str, object]:
        """What was there, under the project's own settings of the stack: one salt for both ways of running it."""
        before = _read(self.work / f"Pulumi.{stack}.yaml")
        project = _read(self.folder / f"Pulumi.{stack}.yaml")
        given = project.get("config")
        config = given if isinstance(given, dict) else {}
        kept = {name: value for name, value in config.items() if name.startswith("estate:") or _is_secret(name, value)}
        return {**before, **project, "config": {**kept, "estate:inventory": self.inventory_setting}}


def stack_of(environment: Environment, root: str) -> str:
    """The stack that a root of an environment lives in, by its layout; what is made on demand has one of its own."""
    if environment.layout is Layout.ENVIRONMENT and not root.startswith(ON_DEMAND_PREFIX):
        return environment.name
    return f"{environment.name}.{root}"


def accounts_of(environment: Environment) -> Mapping[str, str]:
    """By region in a cloud, the account that it lies in; in the environment's own order."""
    found = ((region.name, environment.account(region.name)) for region in environment.regions)
    return {region: account.name for region, account in found if account}


def backend_url(backend: Backend) -> str:
    """What Pulumi calls a backend; one of files is relative to the project's folder.

    Raises:
        InvalidArgument: the bucket is not named.
    """
    if backend.kind in (BackendKind.S3, BackendKind.GCS) and not backend.bucket:
        raise InvalidArgument("the backend names no bucket", where="backend of the environment")
    match backend.kind:
        case BackendKind.LOCAL:
            return BACKEND
        case BackendKind.PULUMI_CLOUD:
            return backend.endpoint or PULUMI_CLOUD
        case BackendKind.GCS:
            return f"gs://{backend.bucket}/{backend.prefix}"
        case BackendKind.S3:
            endpoint = {"endpoint": backend.endpoint, "s3ForcePathStyle": "true"} if backend.endpoint else {}
            settings = {"region": backend.location} if backend.location else {}
            query = urlencode({**settings, **endpoint, "awssdk": "v2"})
            return f"s3://{backend.bucket}/{backend.prefix}?{query}"


def _is_secret(name: str, value: object) -> bool:
    return name.startswith(SECRETS) and isinstance(value, dict) and "secure" in value


def _read(path: Path) -> Mapping[str, object]:
    found = yaml.safe_load(path.read_text()) if path.exists() else None
    return found if isinstance(found, dict) else {}


def _write_if_other(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        write_bytes(path, text.encode())
