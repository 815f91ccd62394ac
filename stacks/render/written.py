"""What one engine's pages are: the files and what is missing in them, and the words that all pages share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stacks.engines.cloudformation.entries import Unexpressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one engine's renderer says of a plan.

    Attributes:
        files: text by path below the folder that they are written to.
        resources: how many declarations the files hold.
        unexpressed: what the engine has no words for, with the reasons.
    """

    files: Mapping[str, str]
    resources: int
    unexpressed: tuple[Unexpressed, ...] = ()


def page(*parts: str) -> str:
    """Paragraphs, tables and blocks as one Markdown page; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shell(*lines: str) -> str:
    """Commands to copy."""
    return "\n".join(["```sh", *lines, "```"])


def count(number: int, noun: str) -> str:
    """`1 resource`, `2 resources`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
