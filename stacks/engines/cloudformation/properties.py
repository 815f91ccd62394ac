"""One declaration as CloudFormation resources: its own, and the companions that it takes. Pure.

What a reference becomes is the caller's to say: it depends on the template that the other resource is in.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from contracts.document import text_digest
from stacks.declaration import Argument, Declaration, Ref, SecretRef
from stacks.engines.cloudformation.shapes import Companion, Form, Place, Shape, camel

Json = Mapping[str, object]
Spell = Callable[[Ref | SecretRef], object]
_PLAIN = re.compile(r"[a-z][a-z0-9]*(/[a-z][a-z0-9]*)*")  # its capitals say where the slashes were


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource of a template.

    Attributes:
        needs: what its properties refer to, of this template or of others.
    """

    id: str
    type: str
    key: str
    properties: Json
    needs: tuple[Ref, ...]


def logical_id(key: str) -> str:
    """What a key is called in a template: letters and digits, another for each key."""
    words = "".join(camel(word) for word in re.split(r"[^a-zA-Z0-9]", key))
    return words if _PLAIN.fullmatch(key) else f"{words}{text_digest(key)[-6:]}"


def resources_of(item: Declaration, shape: Shape, spell: Spell) -> tuple[Resource, ...]:
    """The resource of a declaration, and its companions after it."""
    own = logical_id(item.key)
    there = [companion for companion in shape.companions if companion.argument in item.arguments]
    moved = {companion.argument for companion in there}
    kept = {name: value for name, value in item.arguments.items() if name not in moved}
    main = Resource(
        id=own,
        type=shape.type,
        key=item.key,
        properties={**shape.fixed, **properties_of(kept, shape, spell)},
        needs=tuple(_refs(kept)),
    )
    return (main, *(_companion(item, companion, own, spell) for companion in there))


def properties_of(arguments: Mapping[str, Argument], shape: Shape, spell: Spell) -> dict[str, object]:
    """What arguments become; `within` names another resource and is no property of this one."""
    wanted = {name: value for name, value in arguments.items() if name != shape.within}
    return _block(wanted, shape, spell, above="")


def _companion(item: Declaration, companion: Companion, owner: str, spell: Spell) -> Resource:
    value = item.arguments[companion.argument]
    return Resource(
        id=f"{owner}{companion.suffix}",
        type=companion.type,
        key=item.key,
        properties={companion.owner: {"Ref": owner}, **_content(companion, value, spell)},
        needs=tuple(_refs(value)),
    )


def _content(companion: Companion, value: Argument, spell: Spell) -> Json:
    if companion.property:
        return {companion.property: _plain(value, spell)}
    assert isinstance(value, Mapping)
    return {camel(name): _plain(inner, spell) for name, inner in sorted(value.items())}


def _block(arguments: Mapping[str, Argument], shape: Shape, spell: Spell, *, above: str) -> dict[str, object]:
    made: dict[str, object] = {}
    for name, value in sorted(arguments.items()):
        path = f"{above}{name}"
        if path in shape.dropped:
            continue
        place = shape.places.get(path) or Place(camel(name))
        if place.form is Form.IN_ZONE:
            _put(made, place.path, _in_zone(value, arguments[place.of], spell))
        else:
            _put(made, place.path, _formed(value, place, shape, spell, path))
    return made


def _put(made: dict[str, object], path: str, value: object) -> None:
    """Puts a value at a path; a number in it is a place in a list, and no path at all the block itself."""
    if not path:
        assert isinstance(value, Mapping)
        made.update(value)
        return
    name, _, rest = path.partition(".")
    number, _, below = rest.partition(".")
    if not rest:
        made[name] = value
    elif number.isdecimal():
        items = made.setdefault(name, [])
        assert isinstance(items, list)
        items += [{} for _ in range(len(items), int(number) + 1)]
        _put(items[int(number)], below, value)
    else:
        block = made.setdefault(name, {})
        assert isinstance(block, dict)
        _put(block, rest, value)


def _formed(value: Argument, place: Place, shape: Shape, spell: Spell, path: str) -> object:
    match place.form:
        case Form.PAIRS:
            return _pairs(value, "Key", spell)
        case Form.NAMED:
            return _pairs(value, "Name", spell)
        case Form.SPECIFICATION:
            return [{"ResourceType": place.of, "Tags": _pairs(value, "Key", spell)}]
        case Form.DOCUMENT:
            return json.loads(value) if isinstance(value, str) else _value(value, shape, spell, path)
        case Form.LIST:
            items = value if isinstance(value, tuple) else (value,)
            return [_value(item, shape, spell, path) for item in items]
        case Form.PLAIN | Form.IN_ZONE:
            return _value(value, shape, spell, path)


def _in_zone(name: Argument, zone: Argument, spell: Spell) -> object:
    """A name with the domain of its zone behind it, which Terraform looks up and CloudFormation is told."""
    return {"Fn::Join": [".", [_plain(name, spell), spell(Ref(key=f"zone {zone}", attribute="domain"))]]}


def _pairs(value: Argument, name: str, spell: Spell) -> list[object]:
    assert isinstance(value, Mapping)
    return [{name: key, "Value": _plain(inner, spell)} for key, inner in sorted(value.items())]


def _value(value: Argument, shape: Shape, spell: Spell, path: str) -> object:
    if isinstance(value, Mapping):
        return _block(value, shape, spell, above=f"{path}.")
    if isinstance(value, tuple):
        return [_value(item, shape, spell, path) for item in value]
    return _plain(value, spell)


def _plain(value: Argument, spell: Spell) -> object:
    if isinstance(value, Ref | SecretRef):
        return spell(value)
    if isinstance(value, Mapping):
        return {camel(name): _plain(inner, spell) for name, inner in sorted(value.items())}
    return [_plain(item, spell) for item in value] if isinstance(value, tuple) else value


def _refs(value: Argument) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _refs(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _refs(inner)
