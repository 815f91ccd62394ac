"""A root's state file: what was applied last, also when a run was killed while it wrote that down.

Terraform and OpenTofu write local state in place: SIGKILL or a full disk in the middle leaves it empty or cut off. The
backup that they make before a run's first write is whole then. It lacks what the run made since, which is no loss:
creating what exists adopts it, and what a plan destroys without any state knowing it is a stray (`stacks.strays`).
"""

import json
from collections.abc import Mapping
from pathlib import Path

from contracts.files import write_bytes
from stacks.declaration import Value
from stacks.engines.engine import AppliedResource

STATE, BACKUP, DAMAGED = "terraform.tfstate", "terraform.tfstate.backup", "terraform.tfstate.damaged"


def read_state(folder: Path) -> tuple[AppliedResource, ...]:
    """What the state in a root's folder holds; its backup where the state is damaged; nothing where both are."""
    for name in (STATE, BACKUP):
        path = folder / name
        if not path.exists():
            return ()
        try:
            return _parse(path.read_bytes(), folder.name)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return ()


def mend_state(folder: Path) -> str:
    """Puts the backup in the place of a damaged state, or nothing where that is no better. Says what it did.

    The damaged file is kept beside it.
    """
    state, backup = folder / STATE, folder / BACKUP
    if not state.exists() or _is_whole(state):
        return ""
    state.replace(folder / DAMAGED)
    if not _is_whole(backup):
        return "its state was damaged, without a whole backup: what exists is adopted"
    write_bytes(state, backup.read_bytes())
    return "its state was damaged: restored from its backup, what was made since is adopted"


def _is_whole(path: Path) -> bool:
    try:
        _parse(path.read_bytes(), "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def _parse(text: bytes, root: str) -> tuple[AppliedResource, ...]:
    return tuple(
        _applied(item["type"], root, instance["attributes"])
        for item in json.loads(text)["resources"]
        for instance in item["instances"]
        if instance.get("attributes")
    )


def _applied(type: str, root: str, attributes: Mapping[str, Value | None]) -> AppliedResource:
    known = {name: value for name, value in attributes.items() if value is not None and name not in ("id", "state")}
    return AppliedResource(type=type, key=str(known["key"]), root=root, arguments=known)
