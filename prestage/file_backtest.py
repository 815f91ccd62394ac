"""A back-test of one file in long form: read, forecast window by window, score, write."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from contracts.file_backtest import FileBacktest
from contracts.files import write_document
from contracts.forecast import Treatment
from contracts.ports import Progress
from contracts.series import SeriesKind
from forecaster.engine import EngineSettings, Tier
from forecaster.file_scores import overall_scores, pit_distance, series_scores
from forecaster.long_engine import EngineForecaster
from forecaster.long_windows import Forecaster, Said, Window, WindowOrder, WindowPlan, plan_long_windows, window_rows
from forecaster.longform import LongTable, moment_of, tidy
from forecaster.models.catalogue import check_names
from forecaster.tally import Tally, tally_window
from prestage.long_files import Columns, LongFile, read_long_file
from prestage.long_output import file_digest, forecast_file
from prestage.long_runs import STEP, Run, said_in_windows
from prestage.memory import peak_mib
from prestage.report import write_report

FORECASTS, SCORES, REPORT = "forecasts.parquet", "scores.json", "report.html"
PIT_SEED = 0


class FileKind(StrEnum):
    """What the values of a file are."""

    AUTO = "auto"
    TRAFFIC = "traffic"
    COUNT = "count"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOrder:
    """What is back-tested.

    Attributes:
        file, columns: where the series are.
        out: folder of the results.
        wanted: names of series; all where there is none.
        horizon, windows, apart: of the windows, in steps of the series.
        first_cutoff: the last hour that the first window sees; naive ones are meant in the file's own zone.
        kind: of the values; found out by default.
        models, tier, seed: of the engine.
        jobs: processes at most.
    """

    file: Path
    out: Path
    columns: Columns = field(default_factory=Columns)
    wanted: frozenset[str] = frozenset()
    horizon: int = 168
    windows: int = 5
    apart: int = 168
    first_cutoff: datetime | None = None
    kind: FileKind = FileKind.AUTO
    models: tuple[str, ...] = ()
    tier: Tier = Tier.FULL
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """Everything that the windows need."""

    source: LongFile
    table: LongTable
    plan: WindowPlan
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """What came of the windows.

    Attributes:
        tally: sums of scores.
        models: what carried each series, window by window.
        thin: in how many windows each series' upper quantiles rest on too few scores.
        treatments: as keys, each once, in the order of the windows.
        memory_mib: of the processes beside this one.
    """

    tally: Tally
    models: Mapping[int, list[str]]
    thin: Mapping[int, int]
    treatments: Mapping[Treatment, None]
    memory_mib: float


def backtest_file(
    order: FileOrder, progress: Progress, forecaster_of: Callable[[EngineSettings], Forecaster] = EngineForecaster
) -> FileBacktest:
    """Forecasts every window, and writes forecasts, scores and report.

    Raises:
        FileRefused: the file cannot be read.
        NothingToForecast: no window has both a past and an actual.
        UnknownModel: a model was named that does not exist.
        OSError: the results cannot be written; those that were there are as they were.
    """
    begun = time.perf_counter()
    check_names(order.models)
    source = read_long_file(order.file, order.columns, order.wanted, progress)
    table = tidy(source.rows)
    counts = order.kind is FileKind.COUNT or (order.kind is FileKind.AUTO and table.looks_like_counts())
    plan = plan_long_windows(table, _windows(order, source, table))
    settings = EngineSettings(models=order.models, tier=order.tier, seed=order.seed, counts=counts)
    kind = SeriesKind.PEERING_REQUESTS if counts else SeriesKind.TRAFFIC
    run = Run(kind=kind, horizon=order.horizon, forecaster=forecaster_of(settings), jobs=order.jobs)
    work = Work(source=source, table=table, plan=plan, run=run)
    scored = _forecast(work, order.out / FORECASTS, progress)
    document = _document(order, table, plan, scored, counts)
    document = document.model_copy(
        update={
            "forecasts_digest": file_digest(order.out / FORECASTS),
            "notes": (*source.notes, *document.notes),
            "seconds": round(time.perf_counter() - begun, 3),
            "peak_memory_mib": round(peak_mib() + scored.memory_mib, 1),
        }
    )
    write_report(order.out / REPORT, order.out / FORECASTS, document, source, table)
    write_document(order.out / SCORES, document)  # last: it names the digest of the forecasts
    return document


def _windows(order: FileOrder, source: LongFile, table: LongTable) -> WindowOrder:
    first = order.first_cutoff
    return WindowOrder(
        horizon=order.horizon,
        windows=order.windows,
        apart=order.apart,
        first_cutoff=None if first is None else table.grid.step(int(_placed(first, source.time_type).timestamp())),
    )


def _placed(moment: datetime, times: pa.TimestampType) -> datetime:
    """A moment with its zone; a naive one is in the zone of the file's times, which are UTC where they name none."""
    if moment.tzinfo is not None:
        return moment
    zone = times.tz or "UTC"
    if zone[0] in "+-":
        hours, _, minutes = zone[1:].partition(":")
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset))
    return moment.replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone))


def _forecast(work: Work, path: Path, progress: Progress) -> Scored:
    """Runs the windows, writes each as it comes, and adds up its scores."""
    table, windows = work.table, work.plan.windows
    chance = np.random.default_rng(PIT_SEED)
    models, thin = defaultdict[int, list[str]](list), defaultdict[int, int](int)
    treatments: dict[Treatment, None] = {}
    tally: Tally | None = None
    memory = 0.0
    progress.start(STEP, len(windows))
    with forecast_file(path, work.source, table.grid) as written:
        outcomes = said_in_windows(table, windows, work.run, progress)
        for done, (window, (said, beside)) in enumerate(zip(windows, outcomes, strict=True), start=1):
            rows = window_rows(table, window, work.run.horizon, said)
            written.add(rows)
            found = tally_window(rows, len(table.names), chance)
            tally = tally.plus(found) if tally else found
            _remember(window, said, models, thin)
            treatments |= dict.fromkeys(said.treatments)
            memory = max(memory, beside)
            progress.advance(STEP, done, "windows")
    progress.finish(STEP, f"{len(windows)} windows")
    assert tally is not None, "a plan has at least one window"
    return Scored(tally=tally, models=models, thin=thin, treatments=treatments, memory_mib=memory)


def _remember(window: Window, said: Said, models: dict[int, list[str]], thin: dict[int, int]) -> None:
    for code, name, enough in zip(window.series.tolist(), said.model, said.enough, strict=True):
        models[code].append(name)
        thin[code] += not enough


def _document(order: FileOrder, table: LongTable, plan: WindowPlan, scored: Scored, counts: bool) -> FileBacktest:
    tally = scored.tally
    notes = (*table.notes, *plan.notes)
    if order.kind is FileKind.AUTO:
        notes = (*notes, f"taken as {'counts' if counts else 'continuous values'}: --kind says it otherwise")
    elif counts and not table.looks_like_counts():
        notes = (
            *notes,
            "forecast as rare counts, as --kind says: its values are not whole numbers that mostly are 0",
        )
    return FileBacktest(
        file=order.file.name,
        kind=FileKind.COUNT if counts else FileKind.TRAFFIC,
        granularity=table.grid.granularity,
        horizon=order.horizon,
        models=order.models,
        tier=order.tier,
        cutoffs=tuple(moment_of(table.grid, cutoff) for cutoff in sorted({one.cutoff for one in plan.windows})),
        overall=overall_scores(tally),
        pit=pit_distance(tally),
        finite=not tally.unfit[0],
        ordered=not tally.unfit[1],
        series=tuple(
            series_scores(tally, code, table.names[code], scored.models[code], scored.thin[code])
            for code in sorted(scored.models)
        ),
        notes=notes,
        treatments=tuple(_by_its_name(one) for one in scored.treatments),
    )


def _by_its_name(treatment: Treatment) -> Treatment:
    """With the series' name in the file instead of its key: `traffic:a->b` is `a->b`."""
    return treatment.model_copy(update={"series": treatment.series.partition(":")[2] or treatment.series})
