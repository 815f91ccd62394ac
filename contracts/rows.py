"""`Rows`: many small models of one kind, kept as columns; one is made when somebody asks for it.

A snapshot of 200 regions has 300,000 offers. As models they take 300 MB, as columns 6. To those who read them, rows are
the sequence that a tuple of the models is: equal to it, of the same hash, written to the same bytes.
"""

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar, overload  # Any: pydantic's schemas and a model's values

import numpy as np
from numpy.typing import NDArray
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from contracts.document import Model

M = TypeVar("M", bound=Model)

CHUNK = 4096
"""Rows that are made or written at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A column of texts: `words[codes[row]]`, each word once."""

    codes: NDArray[np.integer]
    words: tuple[str, ...]

    def cut(self, where: "slice | NDArray[np.int64]") -> "Texts":
        return Texts(self.codes[where], self.words)

    def values(self, where: slice = slice(None)) -> list[str]:
        words = self.words
        return [words[code] for code in self.codes[where].tolist()]

    def as_json(self) -> "Texts":
        """The same, every word as JSON writes it."""
        return Texts(self.codes, tuple(json.dumps(word, ensure_ascii=False) for word in self.words))

    def places(self, wanted: Sequence[str]) -> NDArray[np.int64]:
        """By row, where its text stands among those that are wanted; -1 where it does not."""
        place = {word: at for at, word in enumerate(wanted)}
        found: NDArray[np.int64] = np.array([place.get(word, -1) for word in self.words], dtype=np.int64)[self.codes]
        return found

    def ranks(self) -> NDArray[np.int64]:
        """By row, where its text stands among all words in order."""
        return self.places(sorted(self.words))


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """A column of whole numbers, or of others."""

    array: NDArray[np.int64] | NDArray[np.float64]

    def cut(self, where: "slice | NDArray[np.int64]") -> "Numbers":
        return Numbers(self.array[where])

    def values(self, where: slice = slice(None)) -> list[float]:
        found: list[float] = self.array[where].tolist()
        return found

    def as_json(self) -> "Numbers":
        """The same: numbers are formatted as JSON writes them."""
        return self


Column = Texts | Numbers

_FORMAT = {Texts: "s", Numbers: "r"}


class Rows(Sequence[M], Generic[M]):
    """Models of one kind, of which every field is a text, a word of an enum or a number."""

    __slots__ = ("_columns", "_length", "_model")

    def __init__(self, model: type[M], columns: Mapping[str, Column], length: int) -> None:
        self._model, self._columns, self._length = model, columns, length

    @classmethod
    def of(cls, model: type[M], items: Iterable[M]) -> Self:
        """The rows of some models; of rows, themselves. Models are let go of one by one."""
        if isinstance(items, cls):
            return items
        gathered: dict[str, tuple[array[Any], dict[str, int] | None]] = {
            name: (array(code), {} if code == "i" else None) for name, code in _codes(model).items()
        }
        length = 0
        for item in items:
            length += 1
            for name, (values, words) in gathered.items():
                value = getattr(item, name)
                values.append(value if words is None else words.setdefault(value, len(words)))
        return cls(model, {name: _column(*told) for name, told in gathered.items()}, length)

    @classmethod
    def joined(cls, model: type[M], parts: Iterable[Sequence[M]]) -> Self:
        """The rows of some sequences, one after the other."""
        rows = [cls.of(model, part) for part in parts]
        columns = {name: _joined([part._columns[name] for part in rows]) for name in _codes(model)} if rows else {}
        return cls(model, columns, sum(map(len, rows))) if rows else cls.of(model, ())

    def texts(self, field: str) -> Texts:
        """A column of texts or of words of an enum."""
        found = self._columns[field]
        assert isinstance(found, Texts)
        return found

    def numbers(self, field: str) -> NDArray[np.float64]:
        """(rows,) a column of numbers."""
        found = self._columns[field]
        assert isinstance(found, Numbers)
        return np.asarray(found.array, dtype=np.float64)

    def ordered(self, *fields: str) -> Self:
        """Sorted by texts, the first field first; equal ones stay in their order."""
        ranks = [self.texts(field).ranks() for field in reversed(fields)]
        return self._cut(np.lexsort(ranks), self._length)

    def written(self) -> Iterator[str]:
        """The canonical JSON of the rows as an array, in pieces: sorted keys, no spaces."""
        columns = {name: self._columns[name].as_json() for name in sorted(self._columns)}
        template = "{" + ",".join(f"{json.dumps(name)}:%{_FORMAT[type(it)]}" for name, it in columns.items()) + "}"
        yield "["
        for part in self._chunks():
            rows = zip(*(column.values(part) for column in columns.values()), strict=True)
            yield ("," if part.start else "") + ",".join(template % row for row in rows)
        yield "]"

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> M: ...
    @overload
    def __getitem__(self, at: slice) -> Self: ...
    def __getitem__(self, at: int | slice) -> M | Self:
        if isinstance(at, slice):
            return self._cut(at, len(range(*at.indices(self._length))))
        row = range(self._length)[at]
        return next(self._made(slice(row, row + 1)))

    def __iter__(self) -> Iterator[M]:
        for part in self._chunks():
            yield from self._made(part)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows | tuple):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Rows({self._model.__name__}, {self._length})"

    def _chunks(self) -> Iterator[slice]:
        for start in range(0, self._length, CHUNK):
            yield slice(start, min(start + CHUNK, self._length))

    def _made(self, part: slice) -> Iterator[M]:
        names = tuple(self._columns)
        for row in zip(*(column.values(part) for column in self._columns.values()), strict=True):
            yield self._model(**dict(zip(names, row, strict=True)))

    def _cut(self, where: "slice | NDArray[np.int64]", length: int) -> Self:
        return type(self)(self._model, {name: column.cut(where) for name, column in self._columns.items()}, length)


@dataclass(frozen=True, slots=True)
class AsRows:
    """Annotates a field `Sequence[...]` of a model: what is read or given is kept as `Rows`."""

    model: type[Model]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        model = self.model
        plain = core_schema.tuple_variable_schema(handler.generate_schema(model))

        def kept(value: object, read: core_schema.ValidatorFunctionWrapHandler) -> object:
            if isinstance(value, Rows) and value._model is model:
                return value
            items = read(value)
            try:
                return Rows.of(model, items)
            except OverflowError:  # a whole number that no column holds
                return items

        def dumped(value: Sequence[Model], write: core_schema.SerializerFunctionWrapHandler) -> object:
            return write(tuple(value))

        return core_schema.no_info_wrap_validator_function(
            kept, plain, serialization=core_schema.wrap_serializer_function_ser_schema(dumped, schema=plain)
        )


def _codes(model: type[Model]) -> dict[str, str]:
    """By field, the type code of the array that gathers it: `i` for texts, `q` and `d` for numbers."""
    found = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        text = isinstance(kind, type) and issubclass(kind, str)
        if field.exclude_if is not None or not (text or kind in (int, float)):
            raise TypeError(f"{model.__name__}.{name} is no column")
        found[name] = "i" if text else "q" if kind is int else "d"
    return found


def _column(values: "array[Any]", words: dict[str, int] | None) -> Column:
    if words is None:
        return Numbers(_frozen(np.array(values)))
    return Texts(_codes_of(values, words), tuple(str(word) for word in words))


def _joined(columns: list[Column]) -> Column:
    if isinstance(columns[0], Numbers):
        return Numbers(_frozen(np.concatenate([part.array for part in columns if isinstance(part, Numbers)])))
    words: dict[str, int] = {}
    codes = []
    for part in columns:
        assert isinstance(part, Texts)
        known = np.array([words.setdefault(word, len(words)) for word in part.words], dtype=np.int32)
        codes.append(known[part.codes])
    return Texts(_codes_of(np.concatenate(codes), words), tuple(words))


def _codes_of(values: "array[Any] | NDArray[np.int32]", words: Sized) -> NDArray[np.integer]:
    """In as few bytes as hold them."""
    kind = next(kind for kind in (np.int8, np.int16, np.int32) if len(words) <= np.iinfo(kind).max)
    return _frozen(np.array(values, dtype=kind))


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values
