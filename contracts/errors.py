"""The root of every error that Prestage raises on purpose.

    PrestageError            what happened, where, what was expected, what to type next, and the exit code
    ├── DocumentError        a document cannot be used (exit 1)
    │   ├── MalformedDocument    not JSON, a missing or unknown field, a value out of range
    │   ├── NewerDocument        written by a later version of Prestage
    │   └── AlteredDocument      its bytes are not those that were sealed (exit 6)
    └── one root per room, in the room's own errors.py

Findings (policy results, refusals, drift) are values, never exceptions.
"""

from typing import ClassVar

from contracts.exits import ExitCode


class PrestageError(Exception):
    """An error that a person can act on.

    Args:
        what: what happened, with the numbers; a sentence without a full stop.
        where: file, line, column, key, region or resource.
        expected: what would have been right.
        next_step: the command to type, or the thing to change.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR

    def __init__(self, what: str, *, where: str = "", expected: str = "", next_step: str = "") -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.next_step = next_step
        super().__init__(self.render())

    def render(self) -> str:
        """The message as people read it: one line for each part that is known."""
        first = f"{self.where}: {self.what}" if self.where else self.what
        parts = [first]
        if self.expected:
            parts.append(f"  expected: {self.expected}")
        if self.next_step:
            parts.append(f"  next: {self.next_step}")
        return "\n".join(parts)


class DocumentError(PrestageError):
    """A document cannot be used."""


class MalformedDocument(DocumentError):
    """Not JSON, cut off, a missing or unknown field, or a value out of range."""


class NewerDocument(DocumentError):
    """Written by a later version of Prestage than this one."""


class AlteredDocument(DocumentError):
    """The bytes are not those that were sealed when the document was written."""

    exit_code = ExitCode.REFUSED
