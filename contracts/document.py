"""What all documents share: strictness, one canonical JSON form, a digest and a seal.

A sealed file is the canonical content, indented for people to diff, plus a `digest` key. Reading it back checks the
digest and that the bytes are exactly those that Prestage would write, so that an edit of a single byte is found.
"""

import hashlib
import io
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, Self, runtime_checkable  # Any: JSON values, at this boundary only

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.errors import AlteredDocument, MalformedDocument, NewerDocument

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_INDENTED = json.JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)


class Model(BaseModel):
    """A frozen value that refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")


@runtime_checkable
class Written(Protocol):
    """A value of a document's field that tells its own canonical JSON, because it is large."""

    def written(self) -> Iterator[str]:
        """The text in pieces."""


class Document(Model):
    """A value that can be written to a file and read back equal.

    Subclasses name their `FORMAT` and `VERSION`. Fields named in `VOLATILE` (such as the time something was read) are
    left out of the digest, so that two documents that say the same have the same digest.
    """

    FORMAT: ClassVar[str]
    VERSION: ClassVar[int] = 1
    VOLATILE: ClassVar[frozenset[str]] = frozenset()

    def content(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """The JSON content, format and version included, but for some fields."""
        return {"format": self.FORMAT, "version": self.VERSION, **self.model_dump(mode="json", exclude=set(without))}

    def canonical(self) -> str:
        """The one canonical JSON text that the digest is taken of: sorted keys, no spaces, no volatile field."""
        return "".join(self._pieces())

    def digest(self) -> str:
        """`sha256:` and 64 hexadecimal digits of the canonical text, of which there is never more than a piece."""
        return _pieces_digest(self._pieces())

    def _pieces(self) -> Iterator[str]:
        large = {name: value for name, value in self if isinstance(value, Written) and value}
        return _canonical({**self.content(without={*large, *self.VOLATILE}), **large}, self.VOLATILE)

    def sealed(self) -> str:
        """The text of the file: content and digest, indented, keys sorted, a newline at the end."""
        content = self.content()
        content["digest"] = _pieces_digest(_canonical(content, self.VOLATILE))
        text = io.StringIO()
        for piece in _INDENTED.iterencode(content):  # a list of all pieces would take ten times the text
            text.write(piece)
        return text.getvalue() + "\n"

    @classmethod
    def unseal(cls, text: str, *, where: str) -> Self:
        """Reads a sealed text.

        Args:
            text: the whole file.
            where: the file's name, for messages.

        Raises:
            MalformedDocument: not JSON, another format, a missing or unknown field.
            NewerDocument: written by a later version.
            AlteredDocument: the content is readable but is not what was sealed.
        """
        document = cls.parse(text, where=where)
        if document.sealed() != text:
            raise AlteredDocument(
                "altered: its bytes are not those that Prestage sealed",
                where=where,
                expected=f"the file as written, digest {document.digest()}",
                next_step="restore the file from version control, or make it again",
            )
        return document

    @classmethod
    def parse(cls, text: str, *, where: str) -> Self:
        """Reads content, sealed or not, without asking whether it was altered."""
        raw = _object(text, where)
        raw.pop("digest", None)
        found, version = raw.pop("format", None), raw.pop("version", None)
        if found != cls.FORMAT:
            raise MalformedDocument(f"holds {found!r}", where=where, expected=f"a document of format {cls.FORMAT!r}")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise MalformedDocument(f"version is {version!r}", where=where, expected="a whole number from 1")
        if version > cls.VERSION:
            raise NewerDocument(
                f"is version {version} of {cls.FORMAT}",
                where=where,
                expected=f"version {cls.VERSION} or earlier",
                next_step="install a later Prestage",
            )
        content = json.dumps(raw)
        raw.clear()
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise malformed(error, where) from error


def unsaid(value: object) -> bool:
    """Whether a field that came later says nothing: left out then, so that earlier documents keep bytes and digest."""
    return not value


def malformed(error: ValidationError, where: str) -> MalformedDocument:
    """Pydantic's findings as one message: each key, what is wrong with it."""
    lines = [f"{'.'.join(str(part) for part in item['loc']) or '(top)'}: {item['msg']}" for item in error.errors()[:8]]
    return MalformedDocument("; ".join(lines), where=where, expected=f"{error.title} as `prestage schema` prints it")


def _canonical(content: Mapping[str, object], volatile: Collection[str]) -> Iterator[str]:
    """Canonical JSON of what is not volatile, in pieces."""
    comma = "{"
    for key in sorted(content.keys() - volatile):
        value = content[key]
        yield f"{comma}{json.dumps(key, ensure_ascii=False)}:"
        yield from value.written() if isinstance(value, Written) else (_CANONICAL.encode(value),)
        comma = ","
    yield "}"


def _pieces_digest(pieces: Iterable[str]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece.encode())
    return f"sha256:{found.hexdigest()}"


def text_digest(text: str) -> str:
    """`sha256:` and the hexadecimal digest of a text in UTF-8."""
    return bytes_digest(text.encode())


def bytes_digest(payload: bytes) -> str:
    """`sha256:` and the hexadecimal digest of some bytes."""
    return "sha256:" + hashlib.sha256(payload).hexdigest()


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise MalformedDocument(
            f"is not JSON ({error})", where=where, next_step="the file may be cut off: restore it or make it again"
        ) from error
    if not isinstance(raw, dict):
        raise MalformedDocument(f"holds a {type(raw).__name__}", where=where, expected="a JSON object")
    return raw
