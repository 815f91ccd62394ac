"""`prestage history`: telemetry in, and what of it is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.scope import NoOptions, Scope, examples, scoped

if TYPE_CHECKING:
    from forecaster.sources.files import ImportOptions

TABLES = ("traffic", "requests", "utilisation", "telemetry", "blocks")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportArguments:
    """Files of one table, and what they do not say of themselves."""

    files: tuple[Path, ...]
    table: str
    unit: str | None
    timezone: str | None

    def reading(self) -> "ImportOptions":
        """As the reader wants them."""
        from forecaster.sources.files import ImportOptions
        from forecaster.sources.tables import Table

        return ImportOptions(table=Table(self.table), unit=self.unit, timezone=self.timezone)


@click.group(
    epilog=examples(
        "prestage history import traffic.csv --table traffic --unit Mbps",
        "prestage history import requests.csv --table requests --timezone Europe/Madrid",
        "prestage history show",
    )
)
def command() -> None:
    """Import telemetry; show what is kept."""


@command.command(
    "import",
    epilog=examples(
        "prestage history import traffic.csv --table traffic --unit Mbps",
        "prestage history import geant.parquet --table traffic --unit kbps --timezone UTC",
        "prestage history import use-*.csv --table utilisation --env dev --json",
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--table", required=True, type=click.Choice(TABLES), help="What the rows are.")
@click.option("--unit", help="Unit of the values where the file has no unit column: bps, Mbps, gbps, MBps, ...")
@click.option("--timezone", metavar="ZONE", help="Zone of times without an offset, e.g. UTC, Europe/Berlin.")
@scoped(ImportArguments)
def import_(scope: Scope, options: ImportArguments) -> int:
    """Import CSV or Parquet files: what was imported before is kept once."""
    from forecaster.sources.files import read_file
    from prestage.projects import open_history
    from prestage.views.history import import_document, import_text

    history = open_history(scope)
    reading = options.reading()
    batches = [(path, read_file(path, reading)) for path in options.files]  # all are read before any is kept
    reports = [(path, history.add(batch)) for path, batch in batches]
    scope.answer(import_document(reports), lambda: import_text(reports))
    return ExitCode.CLEAN


@command.command("show", epilog=examples("prestage history show", "prestage history show --json | jq '.series[0]'"))
@scoped(NoOptions)
def show(scope: Scope, _options: NoOptions) -> int:
    """Show which series are kept, from when to when, and their gaps."""
    from prestage.projects import open_history
    from prestage.views.history import summary_document, summary_text

    summaries = open_history(scope).summary()
    scope.answer(summary_document(summaries), lambda: summary_text(summaries))
    return ExitCode.CLEAN
