"""Roots: folders of one `main.tf.json` each, with their state where that is kept beside it. `Roots` keeps the files."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from contracts.files import write_bytes
from stacks.engines.terraform_engine.labels import address_of, key_of, label_of
from stacks.engines.terraform_engine.render import render_content, render_root
from stacks.engines.terraform_engine.state import RootState, mend_state, read_state

__all__ = ["IMPORTS", "MAIN", "PLANNED", "Roots", "address_of", "key_of", "label_of", "render_content", "render_root"]

MAIN, IMPORTS, PLANNED = "main.tf.json", "imports.tf.json", "plan.bin"


@dataclass(frozen=True, slots=True)
class Roots:
    """The folder of all roots of an environment."""

    folder: Path

    def path(self, root: str) -> Path:
        return self.folder / root

    def names(self) -> tuple[str, ...]:
        """All roots that there are."""
        if not self.folder.is_dir():
            return ()
        return tuple(sorted(path.parent.name for path in self.folder.glob(f"[!.]*/{MAIN}")))

    def write(self, root: str, text: str, imports: str = "") -> None:
        """Brings a root's files to these texts; writes only what differs."""
        folder = self.path(root)
        write_if_other(folder / MAIN, text)
        if imports:
            write_if_other(folder / IMPORTS, imports)
        else:
            (folder / IMPORTS).unlink(missing_ok=True)

    def forget_plan(self, root: str) -> None:
        """Removes a saved plan: it is of use once, and holds what a state holds."""
        (self.path(root) / PLANNED).unlink(missing_ok=True)

    def drop(self, root: str) -> None:
        """Forgets a root and a state beside it; its resources live on."""
        folder, gone = self.path(root), self.folder / f".dropped-{root}"
        shutil.rmtree(gone, ignore_errors=True)
        if folder.exists():
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def state(self, root: str) -> RootState:
        """What a state that lies beside a root says was applied last."""
        return read_state(self.path(root))

    def mend(self, root: str) -> str:
        """Makes a damaged state of a root usable; says what was done, or nothing."""
        return mend_state(self.path(root))


def write_if_other(path: Path, text: str) -> None:
    """Writes a file that does not say just that."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_bytes(path, text.encode())
