"""Strategies that make any document from its model: what the model allows, the tests see."""

import importlib
import math
import pkgutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from hypothesis import reject
from hypothesis import strategies as st
from pydantic import AfterValidator, AwareDatetime, BaseModel, JsonValue, ValidationError
from pydantic.fields import FieldInfo

import contracts
from contracts.document import Document
from contracts.names import region_name

TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
JSON = st.recursive(WORDS | st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=2))
REGIONS = st.sampled_from(("fra", "ams", "us-east-1", "r2"))


def document_types() -> list[type[Document]]:
    """Every document that contracts define, by the name of its format."""
    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"contracts.{module.name}")
    return sorted(_below(Document), key=lambda kind: kind.FORMAT)


def documents(kind: type[Document]) -> st.SearchStrategy[Document]:
    return _model(kind)


def _below(kind: type[Document]) -> Iterator[type[Document]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith("contracts."):
            yield below
        yield from _below(below)


def _model(kind: type[BaseModel]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({name: _field(field) for name, field in kind.model_fields.items()}).map(
        lambda values: _made(kind, values)
    )


def _made(kind: type[BaseModel], values: dict[str, Any]) -> BaseModel:
    """What was drawn; where it breaks a rule between fields, what has to be there and defaults."""
    try:
        return kind(**values)
    except ValidationError:
        needed = {name: values[name] for name, field in kind.model_fields.items() if field.is_required()}
        try:
            return kind(**needed)
        except ValidationError:
            reject()


def _field(field: FieldInfo) -> st.SearchStrategy[Any]:
    return _of(field.annotation, tuple(field.metadata))


def _of(annotation: Any, limits: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if any(isinstance(limit, AfterValidator) and limit.func is region_name for limit in limits):
        return REGIONS
    if origin is Annotated:
        return _of(inner[0], (*limits, *inner[1:]))
    if origin in (Union, UnionType):
        return st.one_of([_of(part, limits) for part in inner])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (tuple, Sequence):
        least = next((limit.min_length for limit in limits if isinstance(limit, MinLen)), 0)
        return st.lists(_of(inner[0]), min_size=least, max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(_of(inner[0]), _of(inner[1]), max_size=2)
    return _plain(annotation, limits)


def _plain(annotation: Any, limits: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if annotation is JsonValue:
        return JSON
    if annotation is NoneType:
        return st.none()
    if annotation is AwareDatetime or annotation is datetime:
        return TIMES
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        beyond = any(isinstance(limit, Gt) for limit in limits)
        return st.integers(math.floor(_lowest(limits)) + beyond, math.ceil(_highest(limits)))
    if annotation is float:
        return st.floats(
            _lowest(limits),
            _highest(limits),
            exclude_min=any(isinstance(limit, Gt) for limit in limits),
            exclude_max=any(isinstance(limit, Lt) for limit in limits),
        )
    if annotation is str:
        return _text(limits)
    if issubclass(annotation, Enum):
        return st.sampled_from(list(annotation))
    return _model(annotation)


def _text(limits: tuple[Any, ...]) -> st.SearchStrategy[str]:
    for limit in limits:
        pattern = getattr(limit, "pattern", None)
        if pattern:
            return st.from_regex(pattern, fullmatch=True).filter(lambda text: len(text) <= 64)
    least = next((limit.min_length for limit in limits if isinstance(limit, MinLen)), 0)
    most = next((limit.max_length for limit in limits if isinstance(limit, MaxLen)), 12)
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=min(most, least + 12))


def _lowest(limits: tuple[Any, ...]) -> float:
    bounds: list[Any] = [limit.ge for limit in limits if isinstance(limit, Ge)]
    bounds += [limit.gt for limit in limits if isinstance(limit, Gt)]
    return float(bounds[0]) if bounds else -1e9


def _highest(limits: tuple[Any, ...]) -> float:
    bounds: list[Any] = [limit.le for limit in limits if isinstance(limit, Le)]
    bounds += [limit.lt for limit in limits if isinstance(limit, Lt)]
    return float(bounds[0]) if bounds else 1e9
