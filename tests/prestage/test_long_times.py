"""Times of a file in text: the first that is wrong is named by its row and column, whatever batch it lies in."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.ports import Silent
from forecaster.errors import MalformedFile
from prestage import long_files
from prestage.long_files import Columns, read_long_file

ROWS = 50
TIMES = pd.date_range("2026-01-05", periods=ROWS, freq="h").strftime("%Y-%m-%dT%H:%M:%S")


def read(tmp_path, times: Sequence[str | None], kind: pa.DataType | None = None):
    table = pa.table({"unique_id": ["a"] * len(times), "hour": pa.array(times, kind), "y": np.arange(len(times))})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=20)
    return read_long_file(tmp_path / "in.parquet", Columns(ds="hour"), frozenset(), Silent())


@pytest.mark.parametrize("rows", [1, 7, 16, 1 << 17])
@pytest.mark.parametrize("bad", [0, 6, 7, 19, 20, 33, 49])
def test_a_time_that_cannot_be_read_is_named_by_its_row(tmp_path, monkeypatch, rows, bad):
    monkeypatch.setattr(long_files, "BATCH_ROWS", rows)
    for zone in ("", "Z"):
        times = [f"{time}{zone}" for time in TIMES]
        spoiled = [*times[:bad], "yesterday", *times[bad + 1 :]]
        spoiled[40] = "2026-13-01" if bad < 40 else spoiled[40]  # later ones are not named
        with pytest.raises(MalformedFile, match="'yesterday' is not a time") as refused:
            read(tmp_path, spoiled)
        assert refused.value.where == f"{tmp_path / 'in.parquet'}, row {bad + 1}, column 'hour'"


@pytest.mark.parametrize("rows", [1, 7, 16, 1 << 17])
@pytest.mark.parametrize("first", [1, 7, 16, 30])
@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [("", "Z", "names a zone, and none before it does"), ("+01:00", "", "names no zone, and times before it do")],
)
def test_zones_begin_or_end_in_no_batch(tmp_path, monkeypatch, rows, first, before, after, wrong):
    """All of a batch may agree, and yet not with those before."""
    monkeypatch.setattr(long_files, "BATCH_ROWS", rows)
    times = [f"{time}{before if at < first else after}" for at, time in enumerate(TIMES)]
    with pytest.raises(MalformedFile, match=wrong) as refused:
        read(tmp_path, times)
    assert f", row {first + 1}, column 'hour'" in refused.value.where


@pytest.mark.parametrize("kind", [pa.string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_rows_without_a_time_decide_nothing(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(long_files, "BATCH_ROWS", 4)
    times = [None] * 9 + [f"{time}Z" for time in TIMES]
    found = read(tmp_path, times, kind)
    assert found.notes == ("9 rows without a time: left out",)
    assert found.rows.seconds.tolist() == [1767571200 + 3600 * hour for hour in range(ROWS)]
