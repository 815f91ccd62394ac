"""One way to say what three engines were told, without any table of theirs: names as words, values as text.

A resource is a set of facts: a path of names and a value, or what the value refers to. Names are compared without
their spelling (`vpc_zone_identifier`, `vpcZoneIdentifiers`, `VPCZoneIdentifier`), a list of one as its only item, a
list of `Key` and `Value` as a map, JSON in a text as what it says.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """An attribute of another resource, by that one's key."""

    key: str
    attribute: str


Facts = Mapping[Path, str | Reference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A resource as one engine was told of it.

    Attributes:
        type: as the engine calls it.
        place: the cloud's region, where the engine is told.
        facts: by path of names.
    """

    type: str
    place: str = ""
    facts: Facts = field(default_factory=dict)


View = Mapping[str, Seen]
"""What an engine was told, by key."""


def words(name: str) -> tuple[str, ...]:
    """`vpcZoneIdentifiers` -> vpc, zone, identifier."""
    return tuple(_singular(word.lower()) for word in _WORD.findall(name))


def joined(name: str) -> str:
    """The words of a name without what is between them."""
    return "".join(words(name))


def facts_of(value: object, *, texts: bool = True) -> Facts:
    """All facts of a nested value. `texts`: JSON in a text is read."""
    return dict(_facts(_plain(value, texts=texts), ()))


def without_order(view: View) -> View:
    """The same, whatever the order of lists: a provider plans sets in an order of its own."""
    return {key: replace(seen, facts=_without_order(seen.facts)) for key, seen in view.items()}


def told(view: View) -> View:
    """References to what another resource is told, such as its name, as what it is told."""
    return {
        key: replace(seen, facts={path: _told(value, view) for path, value in seen.facts.items()})
        for key, seen in view.items()
    }


def _told(value: str | Reference, view: View) -> str | Reference:
    if isinstance(value, Reference) and value.key in view:
        return view[value.key].facts.get((value.attribute,), value)
    return value


def _without_order(facts: Facts) -> Facts:
    by_path: dict[Path, list[str | Reference]] = {}
    for path, value in facts.items():
        by_path.setdefault(tuple(name for name in path if not name.isdecimal()), []).append(value)
    return {
        (*path, str(number)): value
        for path, values in by_path.items()
        for number, value in enumerate(sorted(values, key=str))
    }


def _facts(value: object, path: Path) -> Iterator[tuple[Path, str | Reference]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _facts(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _facts(item, (*path, str(number)) if len(value) > 1 else path)
    elif isinstance(value, str | Reference):
        yield path, value


def _plain(value: object, *, texts: bool) -> object:
    if isinstance(value, Mapping):
        told = {str(name): _plain(item, texts=texts) for name, item in value.items()}
        return {joined(name): item for name, item in told.items() if item not in (None, {}, [])}
    if isinstance(value, list | tuple):
        items = [_plain(item, texts=texts) for item in value]
        return _pairs(items) if _is_pairs(items) else items
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(int(value)) if float(value).is_integer() else str(value)
    if isinstance(value, str) and texts and value[:1] in ("{", "["):
        return _plain(json.loads(value), texts=texts)
    return value


def _is_pairs(items: list[object]) -> bool:
    return bool(items) and all(
        isinstance(item, dict) and set(item) in ({"key", "value"}, {"name", "value"}) for item in items
    )


def _pairs(items: list[object]) -> dict[str, object]:
    return {joined(str(item.get("key", item.get("name")))): item["value"] for item in items if isinstance(item, dict)}


def _singular(word: str) -> str:
    if word.endswith("ies"):
        word = f"{word[:-3]}y"
    elif word.endswith("ses"):
        word = word[:-2]
    return word.rstrip("s") if len(word) > 2 else word
