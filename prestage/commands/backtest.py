"""`prestage backtest`: how right each model would have been, on the environment's history or on a file."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.one_thread import on_one_thread
from prestage.scope import Scope, examples, scoped

if TYPE_CHECKING:
    from prestage.file_backtest import FileOrder

AUTO = "auto"


class Moment(click.ParamType[datetime]):
    """A time in ISO 8601, with an offset or without."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Reads it."""
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time in ISO 8601, such as 2005-02-06T15:00", param, ctx)


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them; `auto` is none."""

    name = "names"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Splits them."""
        return tuple(name for part in value.split(",") if (name := part.strip()) and name != AUTO)


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """What is back-tested: a file, or without one the environment's history up to when; by which models."""

    file: Path | None
    origin: datetime | None
    models: tuple[str, ...]
    named: tuple[str, ...]
    horizon: int
    windows: int
    step: int | None
    first_cutoff: datetime | None
    series: Path | None
    kind: str
    tier: str
    seed: int
    out: Path | None
    jobs: int | None
    sums: bool
    id_column: str
    time_column: str
    value_column: str

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of all models that were named."""
        return (*self.models, *self.named)

    def order(self, file: Path, out: Path) -> "FileOrder":
        """As the back-test of a file wants it."""
        from forecaster.engine import Tier
        from prestage.file_backtest import FileKind, FileOrder
        from prestage.long_files import Columns, read_names
        from prestage.long_runs import cores

        return FileOrder(
            file=file,
            out=out,
            columns=Columns(unique_id=self.id_column, ds=self.time_column, y=self.value_column),
            wanted=read_names(self.series) if self.series else frozenset(),
            horizon=self.horizon,
            windows=self.windows,
            apart=self.step or self.horizon,
            first_cutoff=self.first_cutoff,
            kind=FileKind(self.kind),
            models=self.chosen,
            tier=Tier(self.tier),
            seed=self.seed,
            jobs=self.jobs or cores(),
        )


@click.command(
    epilog=examples(
        "prestage backtest --env dev",
        "prestage backtest --model xgboost --model seasonal_naive_24 --json",
        "prestage backtest --sums",
        "prestage backtest traffic.parquet --horizon 168 --windows 5 --out results",
        "prestage backtest traffic.parquet --first-cutoff 2005-02-06T15:00 --step 168 --out results --json",
        "prestage backtest requests.parquet --kind count --horizon 24 --windows 14 --out results",
    )
)
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--origin", type=click.DateTime(), help="First moment not seen, UTC; the end of the history by default.")
@click.option("--model", "models", multiple=True, help="A model to try; all by default. May be repeated.")
@click.option("--models", "named", type=Names(), default=AUTO, metavar="auto|NAME,...", help="Models to try.")
@click.option("--horizon", type=click.IntRange(1, 2160), default=168, show_default=True, help="Steps ahead; of FILE.")
@click.option("--windows", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many; of FILE.")
@click.option("--step", type=click.IntRange(1), help="Steps between cutoffs; the horizon by default.")
@click.option(
    "--first-cutoff", type=Moment(), help="Last hour that the first window sees.  [default: windows end with the data]"
)
@click.option(
    "--series",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="NAMES",
    help="A text file: the series of FILE to read, one a line.",
)
@click.option(
    "--kind",
    type=click.Choice((AUTO, "traffic", "count")),
    default=AUTO,
    show_default=True,
    help="Continuous values, or counts that are mostly zero.",
)
@click.option(
    "--tier",
    type=click.Choice(("full", "fast")),
    default="full",
    show_default=True,
    help="How much work a forecast is worth.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="For models that draw numbers.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where forecasts.parquet, scores.json and report.html go; needed with FILE.",
)
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes at most; one a core by default.")
@click.option(
    "--sums",
    is_flag=True,
    help="Score sums of pairs too: in and out of regions, services. The whole forecast is made again at each origin.",
)
@click.option("--id-column", default="unique_id", show_default=True, help="Column of FILE that names the series.")
@click.option("--time-column", default="ds", show_default=True, help="Column of FILE with the times.")
@click.option("--value-column", default="y", show_default=True, help="Column of FILE with the values.")
@scoped(BacktestOptions)
def command(scope: Scope, options: BacktestOptions) -> int:
    """Score every model on windows that it has not seen, from rolling origins.

    With FILE (Parquet: unique_id, ds, y; hourly or daily), forecast its series from each cutoff, the last hour that is
    seen, and write forecasts, scores and a report with plots. No project is needed then.
    """
    on_one_thread()
    if options.file is not None:
        return _of_file(scope, options, options.file)
    if options.out or options.first_cutoff or options.series:
        raise click.UsageError("--out, --first-cutoff and --series are of a FILE: name it, or leave them away")
    return _of_environment(scope, options)


def _of_file(scope: Scope, options: BacktestOptions, file: Path) -> int:
    from prestage.file_backtest import backtest_file
    from prestage.views.file_backtest import file_backtest_text
    from prestage.watching import sigterm_as_interrupt

    if options.out is None:
        raise click.UsageError(f"say where the results go: --out {file.stem}-backtest")
    if options.origin is not None:
        raise click.UsageError("--origin is of an environment's history; of a FILE say --first-cutoff")
    if options.sums:
        raise click.UsageError("--sums is of an environment's history: a FILE does not say what adds up")
    order = options.order(file, options.out)
    with sigterm_as_interrupt():  # processes of windows end with this one
        document = backtest_file(order, scope.progress)
    scope.answer(document, lambda: file_backtest_text(document, scope.shown(order.out)))
    return ExitCode.CLEAN


def _of_environment(scope: Scope, options: BacktestOptions) -> int:
    from prestage.demo.folder import clock_of
    from prestage.forecasts import ForecastOrder, backtest_environment
    from prestage.projects import read_environment
    from prestage.views.backtest import backtest_text

    order = ForecastOrder(
        folder=scope.folder,
        environment=read_environment(scope),
        origin=options.origin and options.origin.replace(tzinfo=UTC),
        models=options.chosen,
    )
    report = backtest_environment(order, clock_of(scope.folder), scope.progress, sums=options.sums)
    scope.answer(report, lambda: backtest_text(report))
    return ExitCode.CLEAN
