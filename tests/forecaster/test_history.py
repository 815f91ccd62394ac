"""The store: twice is once, later counts, killed in between loses nothing, two at once wait for each other."""

import multiprocessing
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.files import write_bytes
from contracts.ledger import RequestRecord
from forecaster.batch import Batch, batch_of_requests, no_requests
from forecaster.errors import HistoryDamaged, HistoryUnwritable
from forecaster.history import vault
from forecaster.history.merge import Counts
from forecaster.history.store import History
from tests.forecaster.estates import BEGIN, series


def batch(*frames: pd.DataFrame, origin: str = "test") -> Batch:
    measured = pd.concat(frames, ignore_index=True)
    return Batch(origin=origin, rows_read=len(measured), measurements=measured, requests=no_requests())


def traffic(values, begin=BEGIN, pair="fra->ams") -> Batch:
    return batch(series("traffic", pair, values, begin))


def test_imported_twice_is_once(tmp_path):
    history = History(tmp_path / "history")
    first = history.add(traffic(range(1000)))
    before = {path: path.stat().st_mtime_ns for path in sorted(history.folder.rglob("*")) if path.is_file()}
    digest = history.load().digest
    again = history.add(traffic(range(1000)))
    assert (first.counts, again.counts) == (Counts(added=1000), Counts(unchanged=1000))
    assert history.load().digest == digest
    assert {path: path.stat().st_mtime_ns for path in sorted(history.folder.rglob("*")) if path.is_file()} == before


def test_months_are_files_and_a_later_value_replaces(tmp_path):
    history = History(tmp_path)
    history.add(traffic(range(1000)))  # 5 January to 15 February
    assert sorted(path.parent.name + path.name[:8] for path in tmp_path.glob("*/*")) == [
        "traffic2026-01.",
        "traffic2026-02.",
    ]
    report = history.add(traffic([0, 7, 2]))
    assert report.counts == Counts(replaced=1, unchanged=2)
    assert history.load().measurements.value.tolist()[:3] == [0, 7, 2]
    assert len(list(tmp_path.glob("*/*"))) == 2  # what no manifest names is gone


def test_an_hour_that_is_covered_less_does_not_replace(tmp_path):
    history = History(tmp_path)
    history.add(traffic([8.0]))
    part = series("traffic", "fra->ams", [3.0]).assign(covered=0.25)
    assert history.add(batch(part)).counts == Counts(kept=1)
    assert history.load().measurements.value.tolist() == [8.0]


def test_requests_of_a_ledger(tmp_path):
    at = datetime(2026, 1, 5, 10, 37, tzinfo=UTC)
    records = [RequestRecord(at=at, source="fra", destination="ams", vcpu=vcpu) for vcpu in (4, 2)]
    history = History(tmp_path)
    assert history.add(batch_of_requests(records)).counts == Counts(added=2)
    assert history.add(batch_of_requests(records[::-1])).counts == Counts(unchanged=2)
    assert history.summary()[0].kind == "requests" and history.summary()[0].hours == 2


def test_summary_counts_missing_hours(tmp_path):
    history = History(tmp_path)
    history.add(traffic([1, np.nan, np.nan, 4]))
    line = history.summary()[0]
    assert (line.kind, line.subject, line.hours, line.missing_hours) == ("traffic", "fra->ams", 2, 2)
    assert line.last - line.first == timedelta(hours=3)


values = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1500), values), min_size=1, max_size=4))
def test_the_store_is_a_dictionary(tmp_path_factory, imports):
    """Whatever is imported in whatever order: the later value of each hour, and the digest of just that."""
    folder = tmp_path_factory.mktemp("law")
    history = History(folder / "one")
    oracle: dict[datetime, float] = {}
    for hour, numbers in imports:
        begin = BEGIN + timedelta(hours=hour)
        history.add(traffic(numbers, begin))
        oracle |= {begin + timedelta(hours=index): number for index, number in enumerate(numbers)}
    view = history.load()
    assert dict(zip(view.measurements.time, view.measurements.value, strict=True)) == oracle
    whole = pd.DataFrame({"time": sorted(oracle), "value": [oracle[time] for time in sorted(oracle)]})
    whole["time"] = whole["time"].astype(view.measurements.time.dtype)
    whole = whole.assign(kind="traffic", subject="fra->ams", covered=1.0)[list(view.measurements.columns)]
    other = History(folder / "other")
    other.add(batch(whole))
    assert other.load().digest == view.digest


@pytest.mark.parametrize("write", [1, 2, 3])
def test_killed_at_any_write_loses_nothing(tmp_path, monkeypatch, write):
    history = History(tmp_path)
    history.add(traffic([1.0]))
    before = history.load()
    done = 0

    def dies(path: Path, payload: bytes) -> None:
        nonlocal done
        done += 1
        if done == write:
            raise KeyboardInterrupt
        real(path, payload)

    real = write_bytes
    monkeypatch.setattr(vault, "write_bytes", dies)
    with pytest.raises(KeyboardInterrupt):
        history.add(traffic(range(100, 1100)))  # two months and the manifest
    monkeypatch.undo()
    assert history.load().digest == before.digest
    history.add(traffic(range(100, 1100)))
    assert history.load().measurements.value.tolist() == list(range(100, 1100))
    assert len(list(tmp_path.glob("*/*"))) == 2


def test_a_full_disk_is_said_and_changes_nothing(tmp_path, monkeypatch):
    history = History(tmp_path)
    history.add(traffic([1.0]))
    digest = history.load().digest

    def full(path: Path, payload: bytes) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(vault, "write_bytes", full)
    with pytest.raises(HistoryUnwritable, match=r"No space left on device.*nothing was imported"):
        history.add(traffic([2.0]))
    assert history.load().digest == digest


def test_damage_is_found(tmp_path):
    history = History(tmp_path)
    history.add(traffic(range(10)))
    part = next(tmp_path.glob("traffic/*"))
    payload = bytearray(part.read_bytes())
    payload[40] ^= 1
    part.write_bytes(payload)
    with pytest.raises(HistoryDamaged, match="not what was written"):
        history.load()
    part.unlink()
    with pytest.raises(HistoryDamaged, match="No such file"):
        history.load()
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(HistoryDamaged, match="not JSON"):
        history.load()


def _import(folder: Path, number: int) -> None:
    for part in range(4):
        History(folder).add(traffic([1.0 + number], BEGIN + timedelta(hours=10 * number + part)))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_two_importers_at_once(tmp_path):
    processes = [multiprocessing.get_context("fork").Process(target=_import, args=(tmp_path, n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert sorted(History(tmp_path).load().measurements.value) == [1.0] * 4 + [2.0] * 4 + [3.0] * 4
