"""What was there before Prestage is declared as it was found, whatever a target would have said. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pydantic import JsonValue

from contracts.environment import Environment
from stacks.declaration import Declaration, Value


def as_found(declarations: Iterable[Declaration], environment: Environment) -> Iterator[Declaration]:
    """The same declarations, with what the environment's `adopted` says in place of what the targets say."""
    adopted = {item.key: item.as_found for item in environment.adopted}
    for item in declarations:
        yield laid_over(item, adopted[item.key]) if adopted.get(item.key) else item


def is_adopted(environment: Environment, key: str) -> bool:
    """Whether something was there before: what nobody asked for is left as it was."""
    return any(item.key == key for item in environment.adopted)


def laid_over(item: Declaration, found: Mapping[str, JsonValue]) -> Declaration:
    """A declaration with values as they were found; what was not there is not declared."""
    kept = {name: value for name, value in item.arguments.items() if name not in found}
    said = {name: to_value(value) for name, value in found.items() if value is not None}
    return replace(item, arguments={**kept, **said})


def to_value(value: JsonValue) -> Value:
    """A value of a document as one of a declaration."""
    if isinstance(value, dict):
        return {name: to_value(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return tuple(to_value(item) for item in value if item is not None)
    return "" if value is None else value
