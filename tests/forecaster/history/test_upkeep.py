"""Rotation touches no value, compaction changes none, what is too old is forgotten."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from contracts.ledger import RequestRecord
from forecaster.batch import batch_of_requests
from forecaster.errors import HistoryRolledBack, HistoryUnwritable, KeyUnavailable, WrongKey
from forecaster.history import vault
from forecaster.history.store import History
from forecaster.history.upkeep import Keeping, compact, encrypt, rotate
from forecaster.history.verify import verify
from tests.forecaster.estates import BEGIN, series
from tests.forecaster.history.keyrings import batch, encrypted, local, traffic

NOW = datetime(2026, 12, 1, tzinfo=UTC)
MONTHS = 24 * 150  # from 5 January into June


def names(history):
    return sorted(path.name.partition(".")[0] for path in history.folder.glob("traffic/*"))


def contents(history):
    return {path: path.read_bytes() for path in history.folder.glob("*/*")}


def test_rotation_changes_no_file_and_every_key(tmp_path):
    history = encrypted(tmp_path, traffic(range(MONTHS)))
    digest, files, before = history.load().digest, contents(history), history.vault.look()
    report = rotate(history)
    after = history.vault.look()
    assert before.manifest.key and before.envelope and after.manifest.key and after.envelope and report.version
    assert (report.files, report.version) == (6, after.manifest.key.version)
    assert report.version.startswith("2-")
    assert contents(history) == files
    assert after.envelope.secret != before.envelope.secret
    assert not {part.key for part in after.parts} & {part.key for part in before.parts}
    assert history.load().digest == digest and not verify(history).findings
    (tmp_path / "keys" / f"{before.manifest.key.version}.key").unlink()  # the old master key opens nothing any more
    assert history.load().digest == digest


def test_rotation_without_keys_or_history_is_told(tmp_path):
    with pytest.raises(KeyUnavailable, match="no key is named"):
        rotate(History(tmp_path))
    with pytest.raises(KeyUnavailable, match="no key is named"):
        History(tmp_path).add(traffic([1.0]))
        encrypt(History(tmp_path))
    assert rotate(encrypted(tmp_path / "none")).version is None


def test_rotation_under_a_wrong_key_changes_nothing(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    manifest = (history.folder / "manifest.json").read_bytes()
    other = local(tmp_path / "other")
    other.kms.renew()
    with pytest.raises(WrongKey):
        rotate(history, previous=other.kms)
    assert (history.folder / "manifest.json").read_bytes() == manifest


@pytest.mark.parametrize("keyed", [True, False])
def test_compaction_keeps_every_value(tmp_path, keyed):
    history = History(tmp_path / "history", local(tmp_path) if keyed else None)
    history.add(batch(series("traffic", "fra->ams", range(MONTHS)), series("cpu", "fra", range(MONTHS))))
    digest = history.load().digest
    report = compact(history, Keeping(now=NOW))
    assert (report.files_before, report.files_after, report.forgotten) == (12, 4, ())
    assert names(history) == ["2026-01_2026-05", "2026-06"]
    assert history.load().digest == digest and not verify(history).findings
    before = contents(history)
    assert compact(history, Keeping(now=NOW)).files_after == 4
    assert contents(history) == before


def test_late_rows_go_into_the_file_that_has_their_month(tmp_path):
    history = encrypted(tmp_path, traffic(range(MONTHS)))
    compact(history, Keeping(now=NOW))
    report = history.add(traffic([-1.0, -2.0], BEGIN + timedelta(hours=1000)))
    assert report.counts.replaced == 2
    assert names(history) == ["2026-01_2026-05", "2026-06"]
    assert history.load().measurements.value.tolist()[999:1003] == [999, -1, -2, 1002]
    history.add(traffic(range(24 * 30), BEGIN + timedelta(hours=MONTHS)))
    assert names(history) == ["2026-01_2026-05", "2026-06", "2026-07"]
    compact(history, Keeping(now=NOW))
    assert names(history) == ["2026-01_2026-06", "2026-07"]


def test_files_have_their_size(tmp_path):
    history = encrypted(tmp_path, traffic(range(MONTHS)))
    compact(history, Keeping(now=NOW, rows_a_file=1500))
    assert names(history) == ["2026-01_2026-02", "2026-03_2026-04", "2026-05", "2026-06"]


def test_what_is_too_old_is_forgotten_kind_by_kind(tmp_path):
    history = encrypted(tmp_path, traffic(range(MONTHS)))
    history.add(batch(series("cpu", "fra", range(100))))
    history.add(batch_of_requests([RequestRecord(at=BEGIN, source="fra", destination="ams", vcpu=4)]))
    now = BEGIN + timedelta(days=110)
    report = compact(history, Keeping(now=now, days={"traffic": 10, "requests": 110}))
    assert report.forgotten == (("traffic", 2400),)
    view = history.load()
    kept = view.measurements[view.measurements.kind == "traffic"]
    assert kept.time.min() == now - timedelta(days=10) and kept.value.tolist() == list(range(2400, MONTHS))
    assert len(view.measurements) - len(kept) == 100 and len(view.requests) == 1
    report = compact(history, Keeping(now=now + timedelta(days=365), days={"traffic": 10, "requests": 10}))
    assert report.forgotten == (("requests", 1), ("traffic", 1200))
    assert len(history.load().measurements) == 100 and names(history) == []


def test_compaction_encrypts_what_is_not(tmp_path):
    plain = History(tmp_path / "history")
    plain.add(traffic(range(MONTHS)))
    digest = plain.load().digest
    history = encrypted(tmp_path)
    compact(history, Keeping(now=NOW))
    assert verify(history).encrypted and history.load().digest == digest
    assert all(path.read_bytes()[:4] == b"PARE" for path in history.folder.glob("*/*"))


@pytest.mark.parametrize("act", [rotate, encrypt, lambda history: compact(history, Keeping(now=NOW))])
def test_a_full_disk_is_said_and_changes_nothing(tmp_path, monkeypatch, act):
    plain = History(tmp_path / "history")
    plain.add(traffic(range(MONTHS)))
    history = encrypted(tmp_path) if act is encrypt else encrypted(tmp_path, traffic(range(MONTHS)))
    digest = history.load().digest

    def full(path, payload):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(vault, "write_bytes", full)
    with pytest.raises(HistoryUnwritable, match=r"No space left on device.*it is as it was"):
        act(history)
    monkeypatch.undo()
    assert history.load().digest == digest


def test_a_memory_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    history = encrypted(tmp_path, traffic([1.0]))

    def full(path, manifest):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(vault, "remember", full)
    with pytest.raises(HistoryUnwritable, match="a roll-back would go unseen"):
        history.add(traffic([2.0]))
    monkeypatch.undo()
    assert history.load().measurements.value.tolist() == [2.0]
    history.vault.folder.joinpath("manifest.json").unlink()
    with pytest.raises(HistoryRolledBack):
        history.load()
