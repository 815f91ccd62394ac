"""Checks of what is declared, before the inventory is asked. Pure."""

from collections.abc import Mapping
from difflib import get_close_matches

from stacks.declaration import Value
from stacks.errors import InvalidArgument, NotInPlace
from stacks.estate.kinds import KINDS, Field, FieldType, Kind

_PYTHON_TYPES: Mapping[FieldType, tuple[type, ...]] = {
    FieldType.STRING: (str,),
    FieldType.INTEGER: (int,),
    FieldType.NUMBER: (int, float),
}


def kind_of(type: str) -> Kind:
    """The kind of a type.

    Raises:
        InvalidArgument: there is none of that name.
    """
    if kind := KINDS.get(type):
        return kind
    raise InvalidArgument(f"no type {type!r} in the estate", expected=_suggestion(type, list(KINDS)))


def check_arguments(kind: Kind, key: str, arguments: Mapping[str, Value]) -> None:
    """Whether each argument is known, of its type and in its range, and none is missing.

    Raises:
        InvalidArgument: naming the first that is wrong.
    """
    names = [field.name for field in kind.declared]
    for name in arguments:
        if name not in names:
            raise InvalidArgument(f"{kind.type} has no argument {name!r}", where=key, expected=_suggestion(name, names))
    for field in kind.declared:
        if field.name in arguments:
            _check_value(kind, key, field, arguments[field.name])
        elif field.required:
            raise InvalidArgument(f"{kind.type} needs the argument {field.name!r}", where=key)


def check_in_place(kind: Kind, key: str, before: Mapping[str, Value], after: Mapping[str, Value]) -> None:
    """Whether `before` can become `after` without a replacement.

    Raises:
        NotInPlace: naming the first field that cannot.
    """
    for field in kind.declared:
        old, new = before.get(field.name), after.get(field.name)
        if field.replaces and old != new:
            raise NotInPlace(
                f"{field.name} cannot change in place from {old!r} to {new!r}",
                where=key,
                expected="a replacement: delete it and create it anew",
            )


def _check_value(kind: Kind, key: str, field: Field, value: Value) -> None:
    name = f"{kind.type}.{field.name}"
    if not isinstance(value, _PYTHON_TYPES[field.type]) or isinstance(value, bool):
        raise InvalidArgument(f"{name} is {value!r}", where=key, expected=f"a value of type {field.type}")
    if value == "":
        raise InvalidArgument(f"{name} is empty", where=key)
    if not isinstance(value, int | float):
        return
    if field.minimum is not None and value < field.minimum:
        raise InvalidArgument(f"{name} is {value:g}", where=key, expected=f"at least {field.minimum:g}")
    if field.maximum is not None and value > field.maximum:
        raise InvalidArgument(f"{name} is {value:g}", where=key, expected=f"at most {field.maximum:g}")


def _suggestion(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"{near[0]!r}" if near else "one of " + ", ".join(known)
