"""What an import brought, and what is kept."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prestage.views.paper import dim, moment, number, plural, table, title, warn

if TYPE_CHECKING:
    from forecaster.history.store import ImportReport, SeriesSummary

LONGEST = 40
"""Series listed for people; `--json` has all."""

Imports = Sequence[tuple[Path, "ImportReport"]]


def import_document(imports: Imports) -> dict[str, object]:
    """The reports as JSON."""
    return {"imports": [{"file": str(path), **dataclasses.asdict(report)} for path, report in imports]}


def import_text(imports: Imports) -> str:
    """A line a file: rows read, what of them was new; then what was found and treated."""
    head = ("file", "rows", "new", "replaced", "known")
    rows = [(str(path), *(number(count) for count in _counts(report))) for path, report in imports]
    notes = [warn(f"  {path}: {note}") for path, report in imports for note in report.notes]
    return "\n".join([title("Imported"), table(rows, head=head, right=range(1, 5)), *notes])


def summary_document(summaries: "Sequence[SeriesSummary]", foreign: Sequence[str]) -> dict[str, object]:
    """The series as JSON, times in ISO 8601; `foreign` are regions that the environment does not have."""
    rows = [dataclasses.asdict(item) for item in summaries]
    series = [{**row, "first": row["first"].isoformat(), "last": row["last"].isoformat()} for row in rows]
    return {"series": series, "foreign_regions": list(foreign)}


def summary_text(summaries: "Sequence[SeriesSummary]", foreign: Sequence[str]) -> str:
    """A line a series; then what of them is not forecast, because the environment does not have its regions."""
    if not summaries:
        return "No history yet.\n" + dim("next: ") + "prestage history import traffic.csv --table traffic --unit gbps"
    head = ("series", "hours", "missing", "first", "last")
    rows = [
        (
            f"{item.kind}:{item.subject}",
            number(item.hours),
            warn(number(item.missing_hours)) if item.missing_hours else "-",
            moment(item.first),
            moment(item.last),
        )
        for item in summaries[:LONGEST]
    ]
    lines = [title("History", plural(len(summaries), "subject")), table(rows, head=head, right=(1, 2))]
    if len(summaries) > LONGEST:
        lines.append(dim(f"  and {len(summaries) - LONGEST} more: --json has them all"))
    if foreign:
        from forecaster.reach import told_foreign

        lines.append(warn(f"  {told_foreign(foreign)}"))
    return "\n".join(lines)


def _counts(report: "ImportReport") -> tuple[int, ...]:
    counts = report.counts
    return report.rows_read, counts.added, counts.replaced, counts.unchanged + counts.kept
