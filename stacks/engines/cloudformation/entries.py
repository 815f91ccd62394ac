"""What a template can hold of a set of declarations: sorted into entries, one a resource, and what has no place. Pure.

Terraform says some of a bucket in resources of their own; in CloudFormation they are properties of the bucket.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contracts.accounts import TargetName
from contracts.environment import Environment
from stacks.declaration import Declaration, Ref
from stacks.engines.cloudformation.shapes import Shape
from stacks.engines.cloudformation.types import ACCEPTED, INEXPRESSIBLE, SHAPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexpressed:
    """A declaration that no template holds, and why."""

    key: str
    type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource of CloudFormation and all declarations that it stands for."""

    item: Declaration
    shape: Shape
    parts: tuple[Declaration, ...] = ()

    @property
    def all(self) -> tuple[Declaration, ...]:
        return (self.item, *self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """All entries by key, in its order.

    Attributes:
        found: by the key of the declaration that the entry is named after.
        stands_for: by the key of a declaration without an entry of its own, the key of the entry that is meant by it.
        left: what is not expressed.
    """

    found: Mapping[str, Entry]
    stands_for: Mapping[str, str]
    left: tuple[Unexpressed, ...]

    def meant(self, key: str) -> str:
        """The key of what a reference leads to: past what is a part of another, or accepts it."""
        while key in self.stands_for:
            key = self.stands_for[key]
        return key

    def entry(self, key: str) -> Entry | None:
        """The entry that a reference to a key leads to."""
        return self.found.get(self.meant(key))


def sort_out(declarations: Iterable[Declaration], environment: Environment) -> Entries:
    """Entries of all that lies in AWS; what lies elsewhere is left out without a word."""
    there = {
        item.key: item
        for item in sorted(declarations, key=lambda item: item.key)
        if environment.target_of(item.provider) is TargetName.AWS
    }
    stands_for: dict[str, str] = {}
    left: list[Unexpressed] = []
    for key, item in there.items():
        reason = _reason(item, there)
        if reason:
            left.append(Unexpressed(key=key, type=item.type, reason=reason))
        if host := _meant_by(item):
            stands_for[key] = host
    gone = {unexpressed.key for unexpressed in left}
    parts: dict[str, list[Declaration]] = {}
    for key, host in stands_for.items():
        if key not in gone:
            parts.setdefault(host, []).append(there[key])
    found = {
        key: Entry(item=item, shape=SHAPES[item.type], parts=tuple(parts.get(key, ())))
        for key, item in there.items()
        if key not in gone and key not in stands_for
    }
    return Entries(found=found, stands_for=stands_for, left=tuple(left))


def _meant_by(item: Declaration) -> str:
    """The key of what a declaration is a part of, or accepts; empty where it stands for itself."""
    shape = SHAPES.get(item.type)
    argument = item.arguments.get(shape.within if shape else ACCEPTED.get(item.type, ""))
    return argument.key if isinstance(argument, Ref) else ""


def _reason(item: Declaration, there: Mapping[str, Declaration]) -> str:
    if item.type in INEXPRESSIBLE:
        return INEXPRESSIBLE[item.type]
    if item.type not in SHAPES:
        return f"Prestage knows no resource of CloudFormation for {item.type}"
    within = SHAPES[item.type].within
    if not within:
        return ""
    host = there.get(_meant_by(item))
    if host is None or (host.root, host.provider) != (item.root, item.provider):
        return f"it is a part of its {within}, which is in another template"
    return ""
