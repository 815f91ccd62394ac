"""`prestage history`: telemetry in, and what of it is kept."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.commands.history_vault import AT_REST
from prestage.scope import NoOptions, Scope, examples, scoped

if TYPE_CHECKING:
    from contracts.sources import AnySource, Sources
    from forecaster.sources.files import ImportOptions
    from forecaster.sources.pull import Puller

TABLES = ("traffic", "requests", "utilisation", "telemetry", "blocks")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportArguments:
    """Files of one table and what they do not say of themselves; or sources, and how often they are read."""

    files: tuple[Path, ...]
    table: str | None
    unit: str | None
    timezone: str | None
    source: tuple[str, ...]
    config: Path | None
    since: datetime | None
    watch: bool
    every: float | None
    times: int | None
    ledger: bool

    def reading(self) -> "ImportOptions":
        """As the reader of files wants them."""
        from forecaster.sources.files import ImportOptions
        from forecaster.sources.tables import Table

        assert self.table is not None  # `check` saw to it
        return ImportOptions(table=Table(self.table), unit=self.unit, timezone=self.timezone)

    @property
    def of_sources(self) -> bool:
        return bool(self.source or self.config or self.watch or self.since)

    def check(self) -> None:
        """Files and sources are two ways: options of one mean nothing to the other.

        Raises:
            click.UsageError: they are mixed, or neither is named.
        """
        if self.ledger and (self.of_sources or self.files or self.table or self.unit or self.timezone):
            raise click.UsageError("--ledger stands alone: it is neither files nor sources")
        if self.ledger:
            return
        if self.of_sources and (self.files or self.table or self.unit or self.timezone):
            raise click.UsageError("name files, or sources: --table, --unit and --timezone are of files")
        if not self.of_sources and not self.files:
            raise click.UsageError("name files with their --table, or sources: --source NAME")
        if self.files and self.table is None:
            raise click.UsageError(f"say what the rows are: --table {'|'.join(TABLES)}")
        if (self.every or self.times) and not self.watch:
            raise click.UsageError("--every and --times go with --watch")


@click.group(
    commands=AT_REST,
    epilog=examples(
        "prestage history import traffic.csv --table traffic --unit Mbps",
        "prestage history import requests.csv --table requests --timezone Europe/Madrid",
        "prestage history import --source prometheus --watch",
        "prestage history show",
    ),
)
def command() -> None:
    """Import telemetry; show what is kept."""


@command.command(
    "import",
    epilog=examples(
        "prestage history import traffic.csv --table traffic --unit Mbps",
        "prestage history import geant.parquet --table traffic --unit kbps --timezone UTC",
        "prestage history import use-*.csv --table utilisation --env dev --json",
        "prestage history import --source prometheus",
        "prestage history import --source flows --config sources/lab.yaml --since 2026-03-01",
        "prestage history import --watch --every 900",
        "prestage history import --ledger",
        "",
        "Sources stand in sources/ENVIRONMENT.yaml. Exit code 1: one of them failed; the others are kept.",
    ),
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--table", type=click.Choice(TABLES), help="What the rows of the files are.")
@click.option("--unit", help="Unit of the values where the file has no unit column: bps, Mbps, gbps, MBps, ...")
@click.option("--timezone", metavar="ZONE", help="Zone of times without an offset, e.g. UTC, Europe/Berlin.")
@click.option(
    "--source",
    multiple=True,
    metavar="NAME",
    help="A source by its name, or all of a kind: prometheus, cloudwatch, monitoring, flows, feed. Repeatable.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of the sources; sources/ENVIRONMENT.yaml by default.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%SZ"]),
    metavar="TIME",
    help="Read sources from there whatever was read before: 2026-03-01, 2026-03-01T14:00 (UTC).",
)
@click.option(
    "--ledger", is_flag=True, help="Peering and address requests that were answered here, as the ledger has them."
)
@click.option("--watch", is_flag=True, help="Read sources again and again; SIGTERM or Ctrl-C ends it.")
@click.option("--every", type=click.FloatRange(min=1), metavar="SECONDS", help="With --watch; the file's by default.")
@click.option("--times", type=click.IntRange(min=1), metavar="N", help="With --watch, end after N readings.")
@scoped(ImportArguments)
def import_(scope: Scope, options: ImportArguments) -> int:
    """Import files of one table, or read sources: what is known is kept once."""
    options.check()
    if options.ledger:
        return _import_ledger(scope)
    return _import_sources(scope, options) if options.of_sources else _import_files(scope, options)


def _import_files(scope: Scope, options: ImportArguments) -> int:
    from forecaster.sources.files import read_file
    from forecaster.sources.pull import with_foreign_regions, with_hours_to_come
    from prestage.demo.folder import clock_of
    from prestage.projects import history_of, read_environment
    from prestage.views.history import import_document, import_text

    environment = read_environment(scope)
    regions = frozenset(region.name for region in environment.regions)
    history = history_of(scope.folder, environment)
    reading = options.reading()
    batches = [(path, read_file(path, reading)) for path in options.files]  # all are read before any is kept
    now = clock_of(scope.folder)()
    told = [(path, with_hours_to_come(with_foreign_regions(batch, regions), now)) for path, batch in batches]
    reports = [(path, history.add(batch)) for path, batch in told]
    scope.answer(import_document(reports), lambda: import_text(reports))
    return ExitCode.CLEAN


def _import_ledger(scope: Scope) -> int:
    """What was asked for and answered joins what is known; importing it again adds what came since."""
    from coordinator.ledger import requests
    from forecaster.batch import batch_of_addresses, batch_of_requests
    from prestage.projects import open_history, open_project
    from prestage.views.history import import_document, import_text

    project = open_project(scope)
    with project.ledger.read() as tx:
        batches = (
            batch_of_requests(requests.records(tx), origin="ledger: peerings"),
            batch_of_addresses(requests.address_records(tx), origin="ledger: addresses"),
        )
    history = open_history(scope)
    reports = [(Path(batch.origin), history.add(batch)) for batch in batches]
    scope.answer(import_document(reports), lambda: import_text(reports))
    return ExitCode.CLEAN


def _import_sources(scope: Scope, options: ImportArguments) -> int:
    from prestage.sources import chosen, read_sources

    path = options.config or scope.folder / "sources" / f"{scope.environment}.yaml"
    settings = read_sources(path)
    sources = chosen(settings, options.source, where=str(path))
    puller = _puller(scope)
    if options.watch:
        return _watch(scope, options, puller, (settings, sources))
    return ExitCode.CLEAN if _pull(scope, options, puller, sources) else ExitCode.ERROR


def _watch(
    scope: Scope, options: ImportArguments, puller: "Puller", read: "tuple[Sources, tuple[AnySource, ...]]"
) -> int:
    from prestage.watching import again_and_again

    settings, sources = read
    every = options.every or settings.interval_minutes * 60
    well = again_and_again(
        lambda: _pull(scope, options, puller, sources), time.sleep, every_s=every, times=options.times
    )
    return ExitCode.CLEAN if well else ExitCode.ERROR


def _pull(scope: Scope, options: ImportArguments, puller: "Puller", sources: "tuple[AnySource, ...]") -> bool:
    """One reading of all sources, told; whether each of them was kept."""
    from datetime import UTC

    from prestage.views.sources import pulled_document, pulled_text

    since = options.since.replace(tzinfo=UTC) if options.since else None
    pulled = puller.pull(sources, since)
    document = pulled_document(pulled, puller.clock())
    if scope.as_json and options.watch:
        click.echo(_line(document))
    else:
        scope.answer(document, lambda: pulled_text(pulled, puller.clock()))
    return all(item.failure is None for item in pulled)


def _line(document: dict[str, object]) -> str:
    """With --watch, --json is one document a line."""
    import json

    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def _puller(scope: Scope) -> "Puller":
    from forecaster.sources.pull import Puller
    from prestage.demo.folder import clock_of
    from prestage.projects import open_history, read_environment
    from prestage.sources import SourceReader, process_variables

    environment = read_environment(scope)
    state = scope.folder / environment.state_dir
    clock = clock_of(scope.folder)
    reader = SourceReader(
        environment=environment, folder=scope.folder, state=state, clock=clock, variables=process_variables()
    )
    return Puller(
        read=reader,
        keep=open_history(scope).add,
        left=state / "sources.json",
        clock=clock,
        regions=frozenset(region.name for region in environment.regions),
        progress=scope.progress,
        settle=reader.settle,
    )


@command.command("show", epilog=examples("prestage history show", "prestage history show --json | jq '.series[0]'"))
@scoped(NoOptions)
def show(scope: Scope, _options: NoOptions) -> int:
    """Show which series are kept, from when to when, and their gaps."""
    from forecaster.reach import foreign_among
    from prestage.projects import history_of, read_environment
    from prestage.views.history import summary_document, summary_text

    environment = read_environment(scope)
    summaries = history_of(scope.folder, environment).summary()
    foreign = foreign_among((item.subject for item in summaries), {region.name for region in environment.regions})
    scope.answer(summary_document(summaries, foreign), lambda: summary_text(summaries, foreign))
    return ExitCode.CLEAN
