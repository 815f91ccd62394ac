"""States of all roots, wherever they lie: read from the file beside a root, or pulled from the bucket by the engine.

A state is pulled in a folder of its own (`.states/<root>`) that says nothing but where it lies: no provider is needed,
and the root's own folder is left alone.
"""

import shutil
import threading
from pathlib import Path

from stacks.engines.terraform_engine.backends import StatePlace
from stacks.engines.terraform_engine.command import Commands
from stacks.engines.terraform_engine.failures import engine_failed
from stacks.engines.terraform_engine.render import render_backend
from stacks.engines.terraform_engine.roots import MAIN, Roots, write_if_other
from stacks.engines.terraform_engine.state import BROKEN, RootState, parse_state
from stacks.errors import EngineFailed

VARIABLES = {"TF_DATA_DIR": ".terraform", "OPENTOFU_STATEFILE_PROVIDER_ADDRESS_TRANSLATION": "0"}
"""OpenTofu would look for providers that only a state names under another host than the state does."""
FOLDER = ".states"


class States:
    """Reads each root's state; what lies in a bucket is pulled once, until `changed` says that it is another."""

    def __init__(self, roots: Roots, place: StatePlace, commands: Commands) -> None:
        self._roots, self._place, self._commands = roots, place, commands
        self._pulled: dict[str, RootState] = {}
        self._guard = threading.Lock()

    def of(self, root: str) -> RootState:
        """What the state of a root holds.

        Raises:
            StacksError: the bucket does not answer, or what it has is no state.
        """
        if not self._place.remote:
            return self._roots.state(root)
        with self._guard:
            found = self._pulled.get(root)
        if found is None:
            found = self._pull(root)
            with self._guard:
                self._pulled[root] = found
        return found

    def changed(self, root: str) -> None:
        """A root was applied."""
        with self._guard:
            self._pulled.pop(root, None)

    def forget(self, root: str) -> None:
        """Empties the state of a root where it lies in a bucket; the resources live on."""
        if not self._place.remote:
            return
        state = self.of(root)
        if state.addresses:
            self._run(root, "state rm", *state.addresses)
        self.changed(root)

    def _pull(self, root: str) -> RootState:
        text = self._run(root, "state pull")
        try:
            return parse_state(text, root) if text.strip() else RootState()
        except BROKEN as error:
            raise EngineFailed(f"its state is damaged: {error}", where=f"root {root}") from error

    def _run(self, root: str, command: str, *args: str) -> str:
        folder = self._roots.folder / FOLDER / root
        text = render_backend(self._place, root)
        data = folder / ".terraform"
        if not data.exists() or (folder / MAIN).read_text(encoding="utf-8") != text:
            write_if_other(folder / MAIN, text)
            self._step(folder, "init", "-reconfigure", "-input=false", "-no-color")
        return self._step(folder, command, *args)

    def _step(self, folder: Path, command: str, *args: str) -> str:
        ended = self._commands.run(folder, command, *args, variables=VARIABLES)
        if ended.code and command == "init":
            shutil.rmtree(folder)
        if ended.code:
            raise engine_failed(ended.everything, ended.last_words, where=f"state of root {folder.name}")
        return ended.stdout
