"""`prestage backtest FILE`: what it writes, from files of every shape, and that it sees nothing after a cutoff."""

import fcntl
import json
import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.exits import ExitCode
from contracts.file_backtest import FileBacktest
from contracts.files import read_document
from contracts.ports import Silent
from contracts.series import LEVELS
from forecaster.long_windows import Said
from forecaster.panel import fill
from prestage.failures import run
from prestage.file_backtest import FileKind, FileOrder, backtest_file
from prestage.long_output import file_digest
from tests.forecaster.long_tables import DayBefore, noisy

QUANTILES = [f"q{level:g}" for level in LEVELS]


@pytest.fixture(autouse=True)
def without_charts(monkeypatch):
    """Drawing takes a second each time: only one test draws."""
    monkeypatch.setattr("prestage.report.can_draw", lambda: False)


def frame(series, begin="2026-01-05", freq="h"):
    parts = [
        pd.DataFrame({"unique_id": name, "ds": pd.date_range(begin, periods=len(values), freq=freq), "y": values})
        for name, values in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


def two_series(hours=240):
    return frame({"a->b": noisy(hours), "b->a": noisy(hours, 1, 7.0)})


def order(tmp_path, content, **fields):
    path = tmp_path / "in.parquet"
    content.to_parquet(path)
    return FileOrder(file=path, out=tmp_path / "out", **{"horizon": 24, "windows": 2, "apart": 24, **fields})


def backtested(tmp_path, content, forecaster=DayBefore, **fields):
    """The document and the forecasts of a back-test by a stand-in."""
    asked = order(tmp_path, content, **fields)
    document = backtest_file(asked, Silent(), lambda settings: forecaster())
    assert read_document(FileBacktest, asked.out / "scores.json") == document
    assert document.forecasts_digest == file_digest(asked.out / "forecasts.parquet")
    assert sorted(path.name for path in asked.out.iterdir()) == ["forecasts.parquet", "report.html", "scores.json"]
    said = pd.read_parquet(asked.out / "forecasts.parquet")
    assert np.isfinite(said[QUANTILES].to_numpy()).all() and (np.diff(said[QUANTILES], axis=1) >= 0).all()
    return document, said


def test_what_is_written(tmp_path):
    content = two_series()
    content.loc[content.index[-3], "y"] = np.nan
    document, said = backtested(tmp_path, content)
    assert list(said.columns) == ["unique_id", "cutoff", "ds", "y", *QUANTILES]
    assert len(said) == 2 * 2 * 24 and said.y.isna().sum() == 1
    ends = content.ds.max()
    assert sorted(said.cutoff.unique()) == [ends - pd.Timedelta("48h"), ends - pd.Timedelta("24h")]
    assert (said.ds - said.cutoff).min() == pd.Timedelta("1h") and (said.ds - said.cutoff).max() == pd.Timedelta("24h")
    joined = said.merge(content, on=["unique_id", "ds"], suffixes=("", "_there"))
    assert len(joined) == len(said) and joined.y.equals(joined.y_there)
    assert document.overall.rows == 95 and document.overall.series_windows == 4
    assert [one.unique_id for one in document.series] == ["a->b", "b->a"]
    assert document.seconds > 0 and document.peak_memory_mib > 10


def test_the_first_cutoff_is_the_last_hour_seen(tmp_path):
    document, said = backtested(tmp_path, two_series(), first_cutoff=datetime(2026, 1, 10, 15), windows=3)
    assert said.cutoff.min() == pd.Timestamp("2026-01-10T15:00") and said.ds.min() == pd.Timestamp("2026-01-10T16:00")
    assert document.cutoffs == tuple(datetime(2026, 1, day, 15, tzinfo=UTC) for day in (10, 11, 12))


def test_same_input_same_bytes_whatever_the_order_of_rows(tmp_path):
    first, _ = backtested(tmp_path, two_series())
    page = (tmp_path / "out" / "report.html").read_bytes()
    shuffled = two_series().sample(frac=1.0, random_state=3)
    second, _ = backtested(tmp_path, shuffled)
    assert second.digest() == first.digest() and second.forecasts_digest == first.forecasts_digest
    assert (tmp_path / "out" / "report.html").read_bytes() == page


class Peeks(DayBefore):
    """A family with a leak: somewhere it keeps what it was never handed."""

    future: pd.DataFrame

    def __call__(self, panel, steps, progress):
        said = super().__call__(panel, steps, progress)
        later = self.future[self.future.ds >= panel.end.replace(tzinfo=None)]
        rows = [later[later.unique_id == key.subject].y.to_numpy()[:steps] for key in panel.keys]
        quantiles = said.quantiles * 0.9 + 0.1 * np.stack(rows)[:, :, None]
        return Said(quantiles=quantiles, model=said.model, enough=said.enough)


def itself(forecaster, settings):
    return forecaster


def leaks(tmp_path, content, forecaster_of):
    """Whether anything said at a cutoff changes when only what comes after it does."""
    later = content.copy()
    cutoff = later.ds.max() - pd.Timedelta("24h")
    later.loc[later.ds > cutoff, "y"] *= 3.0
    said = []
    for one in (content, later):
        asked, forecaster = order(tmp_path, one, windows=1), forecaster_of(one)
        backtest_file(asked, Silent(), partial(itself, forecaster))
        said.append(pd.read_parquet(asked.out / "forecasts.parquet")[QUANTILES])
    return not said[0].equals(said[1])


def test_nothing_is_seen_after_a_cutoff_and_a_planted_leak_is_found(tmp_path):
    def peeking(seen):
        Peeks.future = seen
        return Peeks()

    assert leaks(tmp_path, two_series(), peeking)
    assert not leaks(tmp_path, two_series(), lambda seen: DayBefore())


def test_the_engine_sees_nothing_after_a_cutoff(tmp_path):
    from forecaster.long_engine import EngineForecaster

    assert not leaks(tmp_path, two_series(), lambda seen: EngineForecaster())


SHAPES = {
    "one series": frame({"a": noisy(240)}),
    "whole numbers": frame({"a": np.arange(240), "b": np.arange(240) % 7}),
    "numbered series": frame({7: noisy(240), 12: noisy(240, 1)}),
    "category": two_series().astype({"unique_id": "category"}),
    "float32": two_series().astype({"y": "float32"}),
    "seconds": two_series().astype({"ds": "datetime64[s]"}),
    "nanoseconds": two_series().astype({"ds": "datetime64[ns]"}),
    "text times": two_series().assign(ds=lambda rows: rows.ds.dt.strftime("%Y-%m-%dT%H:%M:%S")),
    "utc": two_series().assign(ds=lambda rows: rows.ds.dt.tz_localize("UTC")),
    "berlin": two_series().assign(ds=lambda rows: rows.ds.dt.tz_localize("Europe/Berlin")),
    "offset": two_series().assign(ds=lambda rows: rows.ds.dt.tz_localize("UTC").dt.tz_convert("+05:30")),
    "half past": two_series().assign(ds=lambda rows: rows.ds + pd.Timedelta("30min")),
    "twice": pd.concat([two_series(), two_series().iloc[5:9]]),
    "gaps": two_series().drop(index=range(50, 80)),
    "late and early": frame({"a": noisy(240)}).pipe(
        lambda rows: pd.concat([rows, rows[120:].assign(unique_id="late"), rows[:225].assign(unique_id="early")])
    ),
    "infinite": two_series().replace({"y": {two_series().y[3]: np.inf}}),
    "negative": two_series().assign(y=lambda rows: np.where(rows.index % 50 == 0, -1.0, rows.y)),
    "daily": frame({"a": noisy(240)}, freq="D"),
    "tiny": frame({"a": noisy(240) * 1e-12}),
    "huge": frame({"a": noisy(240) * 1e15}),
    "zeros": frame({"a": np.zeros(240), "b": noisy(240)}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_files_of_many_shapes(tmp_path, shape):
    content = SHAPES[shape]
    document, said = backtested(tmp_path, content)
    types = {name: pq.read_schema(tmp_path / "out" / "forecasts.parquet").field(name).type for name in ("ds", "cutoff")}
    assert types["ds"] == types["cutoff"]
    if shape != "text times":
        left = content.drop_duplicates(["unique_id", "ds"]).astype({"unique_id": said.unique_id.dtype})
        joined = said.drop(columns="y").merge(left, on=["unique_id", "ds"])
        known = np.isfinite(joined.y.astype(float))
        assert known.sum() == np.isfinite(said.y).sum() > 0
    assert document.overall.rows > 0 and document.finite and document.ordered


def text_of(rows, ending=""):
    return rows.assign(ds=rows.ds.dt.strftime("%Y-%m-%dT%H:%M:%S") + ending)


@pytest.mark.parametrize(
    ("content", "views", "later"),
    [
        (text_of(two_series(), "Z"), False, 0),
        (text_of(two_series(), "+02:00"), False, -2),
        (text_of(two_series(), "Z").astype({"ds": "category", "unique_id": "category"}), False, 0),
        (text_of(two_series()), True, 0),
    ],
    ids=["zone", "offset", "categories", "views"],
)
def test_text_of_any_kind_is_read_as_the_moments_that_it_names(tmp_path, content, views, later):
    table = pa.Table.from_pandas(content, preserve_index=False)
    for column in ("unique_id", "ds") if views else ():
        at = table.schema.get_field_index(column)
        table = table.set_column(at, column, table[column].cast(pa.string_view()))
    asked = order(tmp_path, two_series())
    plain = backtest_file(asked, Silent(), lambda settings: DayBefore())
    pq.write_table(table, asked.file)
    document = backtest_file(asked, Silent(), lambda settings: DayBefore())
    assert document.overall == plain.overall
    assert [after - before for before, after in zip(plain.cutoffs, document.cutoffs, strict=True)] == [
        timedelta(hours=later)
    ] * 2


@pytest.mark.parametrize("hours", [2, 5, 30, 49])
def test_histories_of_less_than_two_days_by_the_real_engine(tmp_path, hours):
    asked = order(tmp_path, frame({"a": noisy(hours), "b": noisy(hours, 1)}), horizon=1, windows=1)
    document = backtest_file(asked, Silent())
    assert document.finite and document.ordered and len(document.series) == 2


def test_categories_that_no_row_has_are_no_series(tmp_path):
    content = two_series().astype({"unique_id": "category"})
    document, said = backtested(tmp_path, content[content.unique_id == "b->a"])
    assert set(said.unique_id) == {"b->a"} and not any("left out" in note for note in document.notes)


def test_counts_are_found_out_and_can_be_said(tmp_path):
    sparse = frame({"a": np.random.default_rng(1).poisson(0.1, 240), "b": np.random.default_rng(2).poisson(0.2, 240)})
    found, _ = backtested(tmp_path, sparse)
    assert found.kind == "count" and found.pit is not None and "--kind" in found.notes[-1]
    said, _ = backtested(tmp_path, sparse, kind=FileKind.TRAFFIC)
    assert said.kind == "traffic" and not said.notes
    assert not backtested(tmp_path, sparse, kind=FileKind.COUNT)[0].notes
    odd, _ = backtested(tmp_path, two_series(), kind=FileKind.COUNT)
    assert odd.kind == "count" and "not whole numbers" in odd.notes[-1]


def test_windows_in_processes_give_the_same_bytes(tmp_path):
    many = frame({f"s{at:02}": noisy(120, at) for at in range(20)})
    digests = set()
    for jobs in (1, 2):
        asked = order(tmp_path, many, jobs=jobs, models=("seasonal_naive_24",))
        digests.add(backtest_file(asked, Silent()).forecasts_digest)
    assert len(digests) == 1


def test_a_run_that_fails_leaves_what_was_there(tmp_path):
    backtested(tmp_path, two_series())
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def fails(panel, steps, progress):
        if panel.steps > 200:
            raise RuntimeError("half-way")
        return DayBefore()(panel, steps, progress)

    with pytest.raises(RuntimeError):
        backtest_file(order(tmp_path, two_series()), Silent(), lambda settings: fails)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def told(capsys, *arguments):
    code = run(["backtest", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_command_writes_and_answers(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    two_series().rename(columns={"unique_id": "link", "ds": "hour", "y": "mbps"}).to_parquet("in.parquet")
    (tmp_path / "names.txt").write_text("# of Monday\nb->a\n")
    asked = ["in.parquet", "--out", "out", "--horizon", "24", "--windows", "2", "--models", "seasonal_naive_24"]
    asked += ["--id-column", "link", "--time-column", "hour", "--value-column", "mbps", "--series", "names.txt"]
    code, out, err = told(capsys, *asked, "--first-cutoff", "2026-01-10T15:00", "--step", "48")
    assert code == ExitCode.CLEAN and "Back-test of in.parquet" in out and "out/forecasts.parquet" in out, err
    code, out, _ = told(capsys, *asked, "--json")
    scores = json.loads(out)
    assert code == ExitCode.CLEAN and scores["format"] == "prestage/file-backtest"
    assert [one["unique_id"] for one in scores["series"]] == ["b->a"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["in.parquet"], ExitCode.USAGE, "--out in-backtest"),
        (["nothing.parquet", "--out", "o"], ExitCode.USAGE, "does not exist"),
        (["--out", "o"], ExitCode.USAGE, "of a FILE"),
        (["in.parquet", "--out", "o", "--origin", "2026-01-10"], ExitCode.USAGE, "--first-cutoff"),
        (["in.parquet", "--out", "o", "--first-cutoff", "noon"], ExitCode.USAGE, "ISO 8601"),
        (["in.parquet", "--out", "o", "--horizon", "0"], ExitCode.USAGE, "--horizon"),
        (["in.parquet", "--out", "o", "--kind", "counts"], ExitCode.USAGE, "'count'"),
        (["in.parquet", "--out", "o", "--models", "xgbost"], ExitCode.ERROR, "did you mean 'xgboost'?"),
        (["in.parquet", "--out", "o", "--value-column", "z"], ExitCode.ERROR, "has no column 'z'"),
        (["in.parquet", "--out", "o", "--value-column", "ds"], ExitCode.ERROR, "run the same command again"),
        (["in.parquet", "--out", "o", "--time-column", "y"], ExitCode.ERROR, "expected: times"),
        (["in.parquet", "--out", "o", "--id-column", "y"], ExitCode.ERROR, "expected: names"),
        (["in.parquet", "--out", "o", "--series", "names.txt"], ExitCode.ERROR, "holds no series 'x'"),
        (["in.parquet", "--out", "o", "--series", "empty.txt"], ExitCode.ERROR, "names no series"),
        (["in.parquet", "--out", "o", "--horizon", "500"], ExitCode.ERROR, "--horizon 120 --windows 1"),
        (["in.parquet", "--out", "o", "--first-cutoff", "2030-01-01"], ExitCode.ERROR, "inside of the data"),
        (["empty.txt", "--out", "o"], ExitCode.ERROR, "cannot be read as Parquet"),
        (["norows.parquet", "--out", "o"], ExitCode.ERROR, "holds no row"),
        (["quarters.parquet", "--out", "o"], ExitCode.ERROR, "whole number of hours"),
        (["words.parquet", "--out", "o"], ExitCode.ERROR, "row 1, column 'ds': 'yesterday' is not a time"),
        (["zones.parquet", "--out", "o"], ExitCode.ERROR, "names a zone, and none before it does"),
        (["in.parquet", "--out", "names.txt"], ExitCode.USAGE, "is a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said(tmp_path, capsys, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    two_series().to_parquet("in.parquet")
    two_series()[:0].to_parquet("norows.parquet")
    frame({"a": noisy(240)}, freq="15min").to_parquet("quarters.parquet")
    two_series().assign(ds="yesterday").to_parquet("words.parquet")
    mixed = text_of(two_series()).ds.where(np.arange(480) != 7, "2026-01-05T07:00:00Z")
    two_series().assign(ds=mixed).to_parquet("zones.parquet")
    (tmp_path / "names.txt").write_text("x\n")
    (tmp_path / "empty.txt").write_text("\n")
    found, out, err = told(capsys, *arguments)
    assert (found, out) == (code, "") and message in err
    assert not (tmp_path / "o").exists() or not list((tmp_path / "o").iterdir())


def test_a_panel_is_filled_from_the_past_only():
    values = noisy(400)[None]
    values[0, [180, 200, 390]] = np.nan
    np.testing.assert_array_equal(fill(values, 24)[:, :201], fill(values[:, :201], 24))


def test_what_a_killed_run_left_is_removed_and_what_another_still_writes_is_not(tmp_path):
    asked = order(tmp_path, two_series())
    asked.out.mkdir()
    left, written, begun = (asked.out / f".forecasts.parquet.{name}" for name in ("killed", "going_on", "begun"))
    for file, age in ((left, 600), (written, 600), (begun, 0)):
        file.touch()
        os.utime(file, (time.time() - age,) * 2)
    with written.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        backtest_file(asked, Silent(), lambda settings: DayBefore())
    assert not left.exists() and written.exists() and begun.exists()
