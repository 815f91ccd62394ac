"""A refreshing plan, as `show -json` prints it, in three views: applied last, live, wanted. Pure.

Last is what the state said before the refresh, live what it says after it, wanted what the plan makes of it. What is
null in one view and empty in another is the same. Secrets are left out of all three.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Literal, TypeAlias, TypedDict

from stacks.declaration import Value
from stacks.engines.engine import Action, Observed
from stacks.engines.terraform_engine.labels import ESTATE_TYPES, key_at
from stacks.engines.terraform_engine.render import UNKNOWN
from stacks.engines.terraform_engine.state import known

_ACTIONS = {
    ("create",): Action.CREATE,
    ("update",): Action.UPDATE,
    ("delete",): Action.DELETE,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
}
_OF_THE_ESTATE = ("id", "state")  # as in `terraform_engine.state`: computed, and nobody's to declare

View: TypeAlias = Mapping[str, Value]
Marks: TypeAlias = "bool | Sequence[Marks] | Mapping[str, Marks]"  # true where a value is secret, or not known yet


class Change(TypedDict, total=False):
    """A change of one resource, as the engine writes it (format 1.2)."""

    actions: list[str]
    before: View | None
    after: View | None
    after_unknown: Mapping[str, Marks]
    before_sensitive: Mapping[str, Marks] | bool
    after_sensitive: Mapping[str, Marks] | bool
    importing: Mapping[str, str]


class Changed(TypedDict, total=False):
    """A resource and its change."""

    address: str
    previous_address: str
    mode: str
    type: str
    change: Change


def observed(text: str, root: str, keys: Mapping[str, str]) -> Iterator[Observed]:
    """Every resource that a plan knows: declared, or held by the state, or gone from outside.

    Args:
        text: what `show -json` printed of the plan.
        root: whose it is.
        keys: key by address, where the address does not say it.
    """
    plan = json.loads(text)
    drifts, changes = _managed(plan.get("resource_drift")), _managed(plan.get("resource_changes"))
    for address, item in sorted({**drifts, **changes}.items()):
        if address != UNKNOWN:
            before = item.get("previous_address", address)
            key = keys.get(address) or key_at(address)
            yield _three_ways(item, drifts.get(address) or drifts.get(before), root, key)


def _managed(items: Iterable[Changed] | None) -> dict[str, Changed]:
    return {item["address"]: item for item in items or () if item.get("mode") == "managed"}


def _three_ways(item: Changed, drift: Changed | None, root: str, key: str) -> Observed:
    change, moved = item["change"], drift["change"] if drift else None
    last = _view(moved or change, "before", item["type"]) if moved or not change.get("importing") else None
    live = _view(moved, "after", item["type"]) if moved else _view(change, "before", item["type"])
    wanted = None if item is drift else _view(change, "after", item["type"])
    views = tuple(view for view in (last, live, wanted) if view is not None)
    idle = {name for view in views for name in view if all(not other.get(name) for other in views)}
    return Observed(
        type=item["type"],
        key=key,
        root=root,
        last=_without(last, idle),
        live=_without(live, idle),
        wanted=_without(wanted, idle),
        action=None if item is drift else _action(change),
    )


def _action(change: Change) -> Action | None:
    return _ACTIONS.get(tuple(change["actions"])) or (Action.ADOPT if change.get("importing") else None)


def _view(change: Change, side: Literal["before", "after"], type: str) -> View | None:
    """One side of a change, without what is null, secret or not known yet."""
    attributes = change.get(side)
    if attributes is None:
        return None
    secret = change.get("before_sensitive") if side == "before" else change.get("after_sensitive")
    unknown = change.get("after_unknown") if side == "after" else None
    hidden = {*_marked(secret), *_marked(unknown), *(_OF_THE_ESTATE if type.startswith(ESTATE_TYPES) else ())}
    return {
        name: _without_empty(known(value))
        for name, value in attributes.items()
        if value is not None and name not in hidden
    }


def _marked(marks: "Marks | None") -> Iterator[str]:
    return (name for name, mark in marks.items() if _says(mark)) if isinstance(marks, Mapping) else iter(())


def _says(mark: Marks) -> bool:
    """Whether anything in it is true."""
    if isinstance(mark, bool):
        return mark
    return any(_says(item) for item in (mark.values() if isinstance(mark, Mapping) else mark))


def _without(view: View | None, names: Set[str]) -> View | None:
    return None if view is None else {name: value for name, value in view.items() if name not in names}


def _without_empty(value: Value) -> Value:
    """A block without what is empty in it."""
    if isinstance(value, Mapping):
        return {name: _without_empty(item) for name, item in value.items() if item not in ("", (), {})}
    return tuple(_without_empty(item) for item in value) if isinstance(value, tuple) else value
