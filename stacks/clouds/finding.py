"""What every cloud's `find` does alike: keys that two resources bear, references filled in, parents before children."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stacks.clouds.cloud import Attributes, CloudResource
from stacks.declaration import Declaration, Ref, SecretRef, Value
from stacks.errors import TwoOfOne

AT_ONCE = 8
"""Regions that are read at a time: each has API limits of its own, and answers take longer than asking."""

Item = TypeVar("Item")
Found = TypeVar("Found")


def by_key(resources: Iterable[CloudResource]) -> Mapping[tuple[str, str], CloudResource]:
    """Resources by type and key.

    Raises:
        TwoOfOne: two of them bear one key; names both.
    """
    found: dict[tuple[str, str], CloudResource] = {}
    for item in resources:
        other = found.setdefault((item.type, item.key), item)
        if other.id != item.id:
            raise two_of_one(item.type, item.key, (other, item))
    return found


def two_of_one(type: str, key: str, both: Sequence[CloudResource]) -> TwoOfOne:
    """The error of a key that two resources bear."""
    names = " and ".join(sorted(item.id for item in both))
    return TwoOfOne(
        f"two resources are {key}: {names} ({type})",
        where=both[0].place,
        expected="one resource a key",
        next_step="keep the one that is in use, delete the other or take its tag prestage:key away; then run it again",
    )


def filled_in(declaration: Declaration, known: Mapping[str, Attributes]) -> Attributes | None:
    """A declaration's arguments with everything they refer to filled in; None while that is not known."""
    if any(_attribute(ref, known) is None for ref in declaration.refs()):
        return None
    return declaration.resolved(lambda ref: _value(ref, known))


def together(items: Sequence[Item], act: Callable[[Item], Found]) -> list[Found]:
    """Acts on all items, some at a time, and answers in their order."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(act, items))


def by_provider(declarations: Iterable[Declaration]) -> Mapping[str, tuple[Declaration, ...]]:
    """Declarations by the provider that makes them: the region they are made in."""
    found: dict[str, list[Declaration]] = defaultdict(list)
    for item in declarations:
        found[item.provider].append(item)
    return {name: tuple(items) for name, items in sorted(found.items())}


def _value(ref: Ref | SecretRef, known: Mapping[str, Attributes]) -> Value:
    if isinstance(ref, SecretRef):
        return ""  # no natural key is a secret
    found = _attribute(ref, known)
    return "" if found is None else found


def _attribute(ref: Ref, known: Mapping[str, Attributes]) -> Value | None:
    """The attribute that a reference names, however deep; None where that is not known."""
    value: Value | None = known.get(ref.key)
    for part in ref.attribute.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, tuple | list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
