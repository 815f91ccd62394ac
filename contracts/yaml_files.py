"""Documents that people write by hand, in YAML: environments, catalogs, inventories, exemptions.

A typo must not cost an hour: every finding names file, line, column and key, and the likely key or value. Only the
plain part of YAML is read (the scalars of YAML 1.2's core schema; no aliases, no tags, no second document), so that
a region called `no` stays a region and a file cannot grow when it is read.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args  # Any: YAML values, at this boundary only

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from contracts.document import Document
from contracts.errors import MalformedDocument, NewerDocument
from contracts.files import read_text
from contracts.spelling import likely
from contracts.yaml_plain import plain_mapping, scalar

D = TypeVar("D", bound=Document)
KeyPath = tuple[str | int, ...]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # only its parser is used: a node tree, no objects
_QUOTED = re.compile(r"'([^']*)'")


def read_yaml_document(kind: type[D], path: Path) -> D:
    """Reads a document that a person wrote.

    Raises:
        MalformedDocument: no such file, not YAML, another format, an unknown or missing key, a wrong type or range.
        NewerDocument: written for a later version of Prestage.
    """
    if not path.exists():
        next_step = "write it, or correct the name where it is named, then prestage doctor"
        raise MalformedDocument("no such file", where=str(path), next_step=next_step)
    return parse_yaml_document(kind, read_text(path), where=str(path))


def parse_yaml_document(kind: type[D], text: str, *, where: str) -> D:
    """As `read_yaml_document`, of a text; `where` is the file's name for messages."""
    return _at_once(kind, text) or _with_places(kind, text, where)


def _at_once(kind: type[D], text: str) -> D | None:
    """The document where nothing is wrong with it."""
    raw = plain_mapping(text) or {}
    found, version = raw.pop("format", None), raw.pop("version", None)
    if found != kind.FORMAT or type(version) is not int or not 1 <= version <= kind.VERSION:
        return None
    try:
        return kind.model_validate_json(json.dumps(raw), strict=True)
    except ValidationError:
        return None


def _with_places(kind: type[D], text: str, where: str) -> D:
    """The document, or all that is wrong with it, by line and column."""
    source = _Source(where, text)
    marks: dict[KeyPath, yaml.Mark] = {}
    raw = source.value(source.tree(), (), marks)
    if not isinstance(raw, dict):
        source.refuse("holds no keys", marks.get(()), expected=f"`format: {kind.FORMAT}` and what follows")
    source.check_header(kind, raw, marks)
    content = {key: value for key, value in raw.items() if key not in ("format", "version")}
    try:
        return kind.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        raise _malformed(kind, error, where, marks) from error


@dataclass(frozen=True, slots=True)
class _Source:
    """A YAML text and the name of its file."""

    where: str
    text: str

    def tree(self) -> yaml.Node:
        """The parsed nodes, with their places."""
        try:
            node = yaml.compose(self.text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            self._refuse_syntax(error)
        except (yaml.YAMLError, RecursionError) as error:
            self.refuse(f"is not YAML ({error})", None)
        if node is None:
            self.refuse("is empty", None, next_step="restore it from version control, or write it again")
        return node

    def value(self, node: yaml.Node, path: KeyPath, marks: dict[KeyPath, yaml.Mark]) -> Any:
        """The plain value of a node; notes in `marks` where every key and item stands."""
        marks.setdefault(path, node.start_mark)
        match node:
            case yaml.ScalarNode():
                return scalar(node.value, quoted=bool(node.style))
            case yaml.SequenceNode():
                return [self._inside(item, (*path, index), marks) for index, item in enumerate(node.value)]
            case yaml.MappingNode():
                return self._mapping(node, path, marks)
        self.refuse("is of no plain kind", node.start_mark)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath, marks: dict[KeyPath, yaml.Mark]) -> dict[str, Any]:
        content: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse("a key is not a plain word", key.start_mark)
            name, inner = key.value, (*path, key.value)
            if name in content:
                first = marks[inner].line + 1
                self.refuse(f"{_dotted(inner)}: given twice, first in line {first}", key.start_mark)
            marks[inner] = key.start_mark
            content[name] = self._inside(value, inner, marks)
        return content

    def _inside(self, node: yaml.Node, path: KeyPath, marks: dict[KeyPath, yaml.Mark]) -> Any:
        # An alias yields the very node of its anchor, which then begins before the key or item that holds it.
        before = marks.get(path) or marks[path[:-1]]
        if node.start_mark.index < before.index:
            self.refuse(f"{_dotted(path)}: is an alias", before, expected="the value itself, written out")
        return self.value(node, path, marks)

    def check_header(self, kind: type[Document], raw: dict[str, Any], marks: dict[KeyPath, yaml.Mark]) -> None:
        """Format and version."""
        found, version = raw.get("format"), raw.get("version")
        if found != kind.FORMAT:
            told = "has no `format`" if found is None else f"format: is {found!r}"
            self.refuse(told, marks.get(("format",)), expected=f"`format: {kind.FORMAT}`")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            told = "has no `version`" if version is None else f"version: is {version!r}"
            self.refuse(told, marks.get(("version",)), expected=f"a whole number, `version: {kind.VERSION}`")
        if version > kind.VERSION:
            raise NewerDocument(
                f"is version {version} of {kind.FORMAT}",
                where=_place(self.where, marks[("version",)]),
                expected=f"version {kind.VERSION} or earlier",
                next_step="install a later Prestage",
            )

    def _refuse_syntax(self, error: yaml.MarkedYAMLError) -> NoReturn:
        mark = error.problem_mark or error.context_mark
        told = " ".join(part for part in (error.context, error.problem) if part)
        next_step = ""
        if mark is not None and self.text[mark.index : mark.index + 1] == "\t":
            told, next_step = "a tab where YAML wants spaces", "indent with spaces"
        elif mark is not None and not self.text[mark.index :].strip():
            next_step = "the file may be cut off: restore it from version control"
        self.refuse(f"is not YAML: {told}", mark, next_step=next_step)

    def refuse(self, what: str, mark: yaml.Mark | None, *, expected: str = "", next_step: str = "") -> NoReturn:
        """Raises `MalformedDocument` at a place of the file."""
        raise MalformedDocument(what, where=_place(self.where, mark), expected=expected, next_step=next_step)


def _place(where: str, mark: yaml.Mark | None) -> str:
    return where if mark is None else f"{where}:{mark.line + 1}:{mark.column + 1}"


def _dotted(path: KeyPath) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "(top)"


def _malformed(
    kind: type[Document], error: ValidationError, where: str, marks: dict[KeyPath, yaml.Mark]
) -> MalformedDocument:
    """All findings of pydantic in one error: the first one's place leads, the others follow with theirs."""
    told = [_finding(kind, item, marks) for item in error.errors()]
    (what, mark), others = told[0], told[1:8]
    lines = [what, *(f"  {_place(where, mark)}: {what}" for what, mark in others)]
    if len(told) > 8:
        lines.append(f"  and {len(told) - 8} more")
    return MalformedDocument("\n".join(lines), where=_place(where, mark), next_step="correct it, then prestage doctor")


def _finding(kind: type[Document], item: ErrorDetails, marks: dict[KeyPath, yaml.Mark]) -> tuple[str, yaml.Mark | None]:
    """One finding in words, and the place of the key, or of the nearest thing around it that is there."""
    path = tuple(part for part in item["loc"] if part != "[key]")
    near = next((marks[path[:end]] for end in range(len(path), -1, -1) if path[:end] in marks), None)
    key, message = _dotted(path), item["msg"]
    match item["type"]:
        case "extra_forbidden":
            message = f"unknown key; {likely(str(path[-1]), _keys_at(kind, path[:-1]))}".rstrip("; ")
        case "missing":
            message = "is missing"
        case "enum" | "literal_error":
            expected = item.get("ctx", {}).get("expected", "")
            hint = likely(str(item["input"]), tuple(_QUOTED.findall(expected)))
            message = f"is {item['input']!r}, not one of {expected}; {hint}".rstrip("; ")
        case "value_error":
            message = message.removeprefix("Value error, ")
        case _:
            shown = item["input"] if isinstance(item["input"], str | int | float | None) else "a group of values"
            message = f"{message[:1].lower()}{message[1:]} (it is {shown!r})"
    return f"{key}: {message}", near


def _keys_at(kind: type[BaseModel], path: KeyPath) -> tuple[str, ...]:
    """The keys that a model takes at a path into it."""
    model: type[BaseModel] | None = kind
    for part in path:
        if isinstance(part, int) or model is None:
            continue  # an item of a sequence: the annotation was looked through already
        field = model.model_fields.get(part)
        model = next(_models_in(field.annotation), None) if field else None
    return tuple(model.model_fields) if model else ()


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
