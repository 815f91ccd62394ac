"""What a reading of sources brought, and which of them failed."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from contracts.errors import PrestageError
from prestage.views.paper import bad, moment, number, plural, table, title, warn

if TYPE_CHECKING:
    from forecaster.sources.pull import Pulled


def pulled_document(pulled: "Sequence[Pulled]", now: datetime) -> dict[str, object]:
    """The readings as JSON."""
    return {"at": now.isoformat(), "sources": [_reading(item) for item in pulled]}


def pulled_text(pulled: "Sequence[Pulled]", now: datetime) -> str:
    """A line a source: hours read, what of them was new; then what was found, then what failed and why."""
    head = ("source", "from", "until", "rows", "new", "replaced", "known")
    kept = [(item, item.report) for item in pulled if item.report is not None]
    rows = [
        (
            item.name,
            moment(item.window.first),
            moment(item.window.last),
            number(report.rows_read),
            number(report.counts.added),
            number(report.counts.replaced),
            number(report.counts.unchanged + report.counts.kept),
        )
        for item, report in kept
    ]
    lines = [title("Read", f"{plural(len(kept), 'source')} at {moment(now)}")]
    lines += [table(rows, head=head, right=range(3, 7))] if rows else []
    lines += [warn(f"  {item.name}: {note}") for item, report in kept for note in report.notes]
    lines += [_failed(item.name, item.failure) for item in pulled if item.failure is not None]
    return "\n".join(lines)


def _failed(name: str, failure: PrestageError) -> str:
    told = failure.render().replace("\n", "\n  ")
    return f"  {bad(f'{name}: nothing was kept')}: {told}"


def _reading(item: "Pulled") -> dict[str, object]:
    found: dict[str, object] = {
        "source": item.name,
        "from": item.window.first.isoformat(),
        "until": item.window.last.isoformat(),
    }
    if item.report is not None:
        found |= {"report": dataclasses.asdict(item.report)}
    if item.failure is not None:
        error = item.failure
        parts = {"what": error.what, "where": error.where, "expected": error.expected, "next_step": error.next_step}
        found |= {"failure": {"error": type(error).__name__, **parts}}
    return found
