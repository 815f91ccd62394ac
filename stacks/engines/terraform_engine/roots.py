"""Roots: folders of one `main.tf.json` and one state file each. Rendering is pure; `Roots` keeps the files.

A key becomes a label that Terraform allows: `fra/block/staged/10.16.4.0-28` -> `fra__block__staged__10_16_4_0-28`.
"""

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.document import text_digest
from contracts.files import write_bytes
from stacks.declaration import Argument, Declaration, Ref
from stacks.engines.engine import AppliedResource
from stacks.engines.terraform_engine.state import mend_state, read_state
from stacks.estate.inventory import resource_id
from stacks.estate.terraform_source import SOURCE

MAIN, IMPORTS, PLANNED = "main.tf.json", "imports.tf.json", "plan.bin"
Json = Mapping[str, object]
PLAIN_KEY = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*(?:[./][a-zA-Z0-9-]+)*")  # can be read back from its label


def label_of(key: str) -> str:
    """The label of a key; keys that differ get labels that differ."""
    label = re.sub(r"[^a-zA-Z0-9_-]", "_", key.replace("/", "__"))
    return label if PLAIN_KEY.fullmatch(key) else f"_{label}_{text_digest(key)[-8:]}"


def address_of(type: str, key: str) -> str:
    """The address of a resource within its root."""
    return f"{type}.{label_of(key)}"


def render_root(declarations: Iterable[Declaration]) -> str:
    """The Terraform JSON of a root: sorted, indented, for people to read and diff."""
    content: dict[str, object] = {
        "terraform": {"required_providers": {"estate": {"source": SOURCE}}},
        "provider": {"estate": {}},
    }
    items = sorted(declarations, key=lambda item: item.key)
    types = {item.key: item.type for item in items}
    resources: dict[str, dict[str, Json]] = {}
    for item in items:
        resources.setdefault(item.type, {})[label_of(item.key)] = _block(item, types)
    if resources:
        content["resource"] = resources
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def render_imports(environment: str, adopted: Iterable[Declaration]) -> str:
    """Import blocks that take existing resources into the state."""
    blocks = [
        {"to": address_of(item.type, item.key), "id": resource_id(environment, item.key)}
        for item in sorted(adopted, key=lambda item: item.key)
    ]
    return json.dumps({"import": blocks}, indent=2) + "\n"


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
        return tuple(sorted(path.parent.name for path in self.folder.glob(f"*/{MAIN}")))

    def write(self, environment: str, root: str, declarations: Iterable[Declaration], adopt: frozenset[str]) -> None:
        """Brings a root's files to what is declared; writes only what differs."""
        declared = tuple(declarations)
        folder = self.path(root)
        _write_if_other(folder / MAIN, render_root(declared))
        adopted = [item for item in declared if item.key in adopt]
        if adopted:
            _write_if_other(folder / IMPORTS, render_imports(environment, adopted))
        else:
            (folder / IMPORTS).unlink(missing_ok=True)

    def drop(self, root: str) -> None:
        """Forgets a root and its state; its resources live on."""
        folder, gone = self.path(root), self.folder / f".dropped-{root}"
        shutil.rmtree(gone, ignore_errors=True)
        if folder.exists():
            folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def applied(self, root: str) -> tuple[AppliedResource, ...]:
        """What the state of a root says was applied last."""
        return read_state(self.path(root))

    def mend(self, root: str) -> str:
        """Makes a damaged state of a root usable; says what was done, or nothing."""
        return mend_state(self.path(root))


def _block(item: Declaration, types: Mapping[str, str]) -> Json:
    block: dict[str, object] = {name: _literal(value, types) for name, value in item.arguments.items()}
    if item.depends_on:
        block["depends_on"] = [address_of(types[key], key) for key in sorted(item.depends_on)]
    return block


def _literal(value: Argument, types: Mapping[str, str]) -> object:
    """A value as JSON: what it refers to as an expression, text that Terraform must not read as a template."""
    if isinstance(value, Ref):
        return f"${{{address_of(types[value.key], value.key)}.{value.attribute}}}"
    if isinstance(value, str):
        return value.replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, Mapping):
        return {name: _literal(item, types) for name, item in value.items()}
    return [_literal(item, types) for item in value] if isinstance(value, tuple) else value


def _write_if_other(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_bytes(path, text.encode())
