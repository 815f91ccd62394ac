"""What `init` does, done once: providers installed for all roots that require the same, backends made ready.

Roots that live in the estate alone need none of it. One folder a set of providers is initialised
(`.providers-<digest>`), and its data is what roots with a state beside them use (TF_DATA_DIR: it is only read); those
with a state in a bucket keep data of their own, with the same providers linked into it. All share one lock file.
Where programs come from is the caller's to say (TF_CLI_CONFIG_FILE). A state is never moved from one backend to another
here: that is for a person to do, who knows which of the two is right.
"""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.document import text_digest
from stacks.engines.launch import lean
from stacks.engines.terraform_engine.command import Commands, Ended, IsFlagged
from stacks.engines.terraform_engine.failures import engine_failed
from stacks.engines.terraform_engine.render import RootContent
from stacks.engines.terraform_engine.roots import MAIN, Roots, write_if_other
from stacks.errors import EngineFailed

DATA, LOCK_FILE, READY = ".terraform", ".terraform.lock.hcl", "prestage-ready"
BACKEND = "terraform.tfstate"  # what an init remembers of a backend, among its data


@dataclass(frozen=True, slots=True)
class _Installed:
    """A set of providers that is installed: its data folder, and the lock file that names what was chosen."""

    data: Path
    lock_file: Path


class Preparation:
    """Makes roots ready to be planned; remembers on the disk what is. One for all threads of a session."""

    def __init__(self, roots: Roots, commands: Commands, program: str) -> None:
        self._roots, self._commands, self._program = roots, commands, program
        self._guard = threading.Lock()
        self._installed: dict[str, _Installed] = {}

    def prepare(self, content: RootContent, *, anew: bool = False) -> Mapping[str, str]:
        """Makes a root that is written ready; `anew` also if it seems to be.

        Returns:
            The variables that its commands need.

        Raises:
            StacksError: a provider is not to be had, a backend does not answer, credentials are missing.
        """
        cloud, remote = content.providers.clouds, content.place.remote
        folder = self._roots.path(content.root)
        if not remote and (folder / DATA / BACKEND).exists():
            raise _left_behind(folder)
        if not cloud and not remote:
            (folder / LOCK_FILE).unlink(missing_ok=True)  # of what it held: nothing that it names is installed for it
            return lean()
        installed = self._install(content, anew=anew) if cloud else None
        if installed:
            write_if_other(folder / LOCK_FILE, installed.lock_file.read_text(encoding="utf-8"))
        if not remote:
            return {"TF_DATA_DIR": str(installed.data)} if installed else {}
        self._initialise(folder, content, installed, anew=anew)
        return {}

    def _install(self, content: RootContent, *, anew: bool) -> _Installed:
        """Installs the providers of a root, unless it was done for another one."""
        required = {name: item for name, item in content.providers.requirements().items() if name != "estate"}
        text = json.dumps({"terraform": {"required_providers": required}}, indent=2, sort_keys=True) + "\n"
        digest = text_digest(f"{self._program} {os.environ.get('TF_CLI_CONFIG_FILE', '')} {text}")[-12:]
        with self._guard:
            if anew or digest not in self._installed:
                folder = self._roots.folder / f".providers-{digest}"
                write_if_other(folder / MAIN, text)
                self._init(folder, digest, anew=anew)
                self._installed[digest] = _Installed(folder / DATA, folder / LOCK_FILE)
            return self._installed[digest]

    def _initialise(self, folder: Path, content: RootContent, installed: _Installed | None, *, anew: bool) -> None:
        """Makes the backend of a root ready."""
        data = folder / DATA
        data.mkdir(parents=True, exist_ok=True)
        link = data / "providers"
        wanted = installed.data / "providers" if installed else None
        if wanted and (not link.is_symlink() or link.resolve() != wanted.resolve()):
            if link.is_symlink():
                link.unlink()
            link.symlink_to(wanted.resolve())
        said = json.dumps([content.place.block(content.root), content.providers.requirements(), self._program])
        self._init(folder, text_digest(said), anew=anew)

    def _init(self, folder: Path, digest: str, *, anew: bool) -> None:
        ready = folder / DATA / READY
        if not anew and ready.exists() and ready.read_text(encoding="utf-8") == digest:
            return
        ended = self._run(folder, upgrade=False)
        if ended.code and "dependency lock file" in ended.everything:
            ended = self._run(folder, upgrade=True)  # of other versions than are wanted now
        if ended.code:
            raise engine_failed(ended.everything, ended.last_words, where=f"init of {folder.name}")
        write_if_other(ready, digest)

    def _run(self, folder: Path, *, upgrade: bool) -> Ended:
        return self._commands.run(
            folder,
            "init",
            variables={"TF_DATA_DIR": DATA},
            no_color=IsFlagged,
            input=False,
            upgrade=IsFlagged if upgrade else None,
        )


def _left_behind(folder: Path) -> EngineFailed:
    return EngineFailed(
        "its state was kept in a bucket, and the environment names none now",
        where=f"root {folder.name}",
        next_step=f"name the backend again, or bring its state here: init -migrate-state in {folder}",
    )
