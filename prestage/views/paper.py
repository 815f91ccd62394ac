"""What all views are drawn with: aligned tables, marks, numbers, times.

Click takes the colours out where none is wanted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import click

WIDTH = 96
"""Columns that a text view keeps within, so that it fits a terminal and a code block in a pull request."""


def title(text: str, note: str = "") -> str:
    """The first line of a section."""
    return click.style(text, bold=True) + (f"  {dim(note)}" if note else "")


def dim(text: str) -> str:
    """Text of lesser weight."""
    return click.style(text, dim=True) if text else ""


def good(text: str) -> str:
    """Text that says that all is well."""
    return click.style(text, fg="green")


def warn(text: str) -> str:
    """Text that asks for attention."""
    return click.style(text, fg="yellow")


def bad(text: str) -> str:
    """Text that says that something failed or is refused."""
    return click.style(text, fg="red")


def next_steps(*commands: str) -> str:
    """What to type next."""
    return "\n".join(f"{dim('next:' if position == 0 else '     ')} {line}" for position, line in enumerate(commands))


def table(
    rows: Iterable[Sequence[str]], *, head: Sequence[str] = (), right: Iterable[int] = (), indent: int = 2
) -> str:
    """Columns padded to their widest cell, those named in `right` aligned to the right; long last cells are cut."""
    cells = [tuple(row) for row in rows]
    every = [tuple(head), *cells] if head else cells
    if not every:
        return ""
    widths = [max(len(click.unstyle(row[column])) for row in every) for column in range(len(every[0]))]
    to_right = set(right)
    lines = [" " * indent + _line(row, widths, to_right, indent) for row in cells]
    if head:
        lines.insert(0, dim(" " * indent + _line(tuple(head), widths, to_right, indent)))
    return "\n".join(lines)


def number(value: float, digits: int = 1) -> str:
    """A number with thousands separated, whole ones without a fraction."""
    value += 0.0  # no "-0"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{digits}f}"


def usd(value: float) -> str:
    """USD per hour, cents kept."""
    return f"{value:,.2f}"


def signed_usd(value: float) -> str:
    """A difference in USD per hour, with its sign."""
    return "-" if abs(value) < 0.00005 else f"{value:+,.2f}" if abs(value) >= 0.005 else f"{value:+,.4f}"


def moment(at: datetime) -> str:
    """A time to the minute, UTC."""
    return f"{at:%Y-%m-%d %H:%M}Z"


def short(digest: str) -> str:
    """The first digits of a digest: enough to tell two apart."""
    return digest.removeprefix("sha256:")[:12]


def plural(count: int, noun: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _line(row: Sequence[str], widths: Sequence[int], right: set[int], indent: int) -> str:
    parts = []
    used = indent
    for column, cell in enumerate(row):
        last = column == len(row) - 1
        if last and column not in right:
            parts.append(cut(cell, max(20, WIDTH - used)))
            continue
        pad = " " * (widths[column] - len(click.unstyle(cell)))
        parts.append(pad + cell if column in right else cell + pad)
        used += widths[column] + 2
    return "  ".join(parts).rstrip()


def cut(cell: str, room: int) -> str:
    """At most `room` columns of a text; what is cut leaves its colour too."""
    plain = click.unstyle(cell)
    return cell if len(plain) <= room else plain[: room - 1] + "…"
