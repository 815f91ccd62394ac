"""A root's state: what was applied last, also when a run was killed while it wrote that down.

Terraform and OpenTofu write local state in place: SIGKILL or a full disk in the middle leaves it empty or cut off. The
backup that they make before a run's first write is whole then. It lacks what the run made since, which is no loss:
creating what exists adopts it, and what a plan destroys without any state knowing it is a stray (`stacks.strays`).
Secrets that a state holds stay in it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from contracts.files import write_bytes
from stacks.declaration import Value
from stacks.engines.engine import AppliedResource
from stacks.engines.terraform_engine.backends import LOCAL_STATE
from stacks.engines.terraform_engine.labels import ESTATE_TYPES, address_of, key_of

STATE, BACKUP, DAMAGED = LOCAL_STATE, f"{LOCAL_STATE}.backup", f"{LOCAL_STATE}.damaged"
BROKEN = (ValueError, KeyError, TypeError, AttributeError)
_OF_THE_ESTATE = frozenset({"id", "state"})  # computed, and the same for all: not anybody's to declare


class Instance(TypedDict, total=False):
    """A resource as a state file (version 4) has it."""

    attributes: Mapping[str, Value | None] | None
    sensitive_attributes: Sequence[Sequence[Mapping[str, str]]] | None  # paths, a step each


@dataclass(frozen=True, slots=True, kw_only=True)
class RootState:
    """What a state says.

    Attributes:
        resources: that it holds.
        outputs: names of what the root exports, with a digestible spelling of each value.
        providers: the configurations that made its resources, as the state names them.
    """

    resources: tuple[AppliedResource, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    providers: frozenset[str] = frozenset()

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(item.key for item in self.resources)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where each resource is found in its root."""
        return tuple(address_of(item.type, item.key) for item in self.resources)


def read_state(folder: Path) -> RootState:
    """What the state in a root's folder holds; its backup where the state is damaged; nothing where both are."""
    for name in (STATE, BACKUP):
        path = folder / name
        if not path.exists():
            return RootState()
        try:
            return parse_state(path.read_bytes(), folder.name)
        except BROKEN:
            continue
    return RootState()


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


def parse_state(text: bytes | str, root: str) -> RootState:
    """What a state says.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is damaged.
    """
    content = json.loads(text)
    managed = [item for item in content["resources"] if item.get("mode", "managed") == "managed" and item["instances"]]
    return RootState(
        resources=tuple(
            _applied(item["type"], item.get("name", ""), root, _shown(instance))
            for item in managed
            for instance in item["instances"]
            if instance.get("attributes")
        ),
        outputs={
            name: json.dumps(output["value"], sort_keys=True)
            for name, output in (content.get("outputs") or {}).items()
            if output["value"] is not None
        },
        providers=frozenset(item["provider"] for item in managed if item.get("provider")),
    )


def known(value: Value | None) -> Value:
    """A JSON value as ours: lists as tuples, without what is null."""
    if isinstance(value, Mapping):
        return {name: known(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return tuple(known(item) for item in value if item is not None)
    return "" if value is None else value


def _is_whole(path: Path) -> bool:
    try:
        parse_state(path.read_bytes(), "")
    except (OSError, *BROKEN):
        return False
    return True


def _shown(instance: "Instance") -> Mapping[str, Value]:
    """The attributes of an instance, without those that have a secret in them."""
    secret = {path[0]["value"] for path in instance.get("sensitive_attributes") or () if path}
    attributes = (instance["attributes"] or {}).items()
    return {name: known(value) for name, value in attributes if value is not None and name not in secret}


def _applied(type: str, label: str, root: str, attributes: Mapping[str, Value]) -> AppliedResource:
    id = str(attributes.get("id", ""))
    if type.startswith(ESTATE_TYPES):
        arguments = {name: value for name, value in attributes.items() if name not in _OF_THE_ESTATE}
        return AppliedResource(type=type, key=str(attributes["key"]), root=root, arguments=arguments, id=id)
    return AppliedResource(type=type, key=key_of(label), root=root, arguments=attributes, id=id)
