"""Encrypted and signed: nothing is readable, every altered byte, file and name is found, an older state too."""

import fcntl
import json
import os
import shutil

import pytest

from contracts.document import bytes_digest
from contracts.errors import NewerDocument
from forecaster.errors import HistoryDamaged, HistoryRolledBack, KeyUnavailable
from forecaster.history.manifest import read_manifest
from forecaster.history.memory import recall
from forecaster.history.store import History
from forecaster.history.upkeep import encrypt, rotate
from forecaster.history.verify import accept, verify
from tests.forecaster.history.keyrings import encrypted, local, traffic

PAIR = b"fra->ams"


def files(history):
    return sorted(history.folder.glob("*/*.parquet"))


def test_the_view_is_the_same_and_nothing_is_readable(tmp_path):
    plain = History(tmp_path / "plain")
    plain.add(traffic(range(1000)))
    history = encrypted(tmp_path, traffic(range(1000)))
    assert history.load().digest == plain.load().digest
    assert history.load().measurements.equals(plain.load().measurements)
    assert [PAIR in path.read_bytes() for path in files(plain)] == [True, True]
    for path in files(history):
        payload = path.read_bytes()
        assert payload[:4] == payload[-4:] == b"PARE"  # the footer is encrypted too
        assert not [word for word in (PAIR, b"subject", b"covered", b"pandas") if word in payload]


def test_imported_twice_changes_no_file(tmp_path):
    history = encrypted(tmp_path, traffic(range(1000)))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    history.add(traffic(range(1000)))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def altered(payload):
    """The same bytes but for one bit, at each place in turn."""
    for at, byte in enumerate(payload):
        yield payload[:at] + bytes([byte ^ 1]) + payload[at + 1 :]


def test_every_altered_byte_of_a_file_is_found(tmp_path):
    history = encrypted(tmp_path, traffic([1.0, 2.0, 3.0]))
    [path] = files(history)
    contents = history.vault.look()
    [part] = contents.parts
    payload = path.read_bytes()
    for wrong in altered(payload):
        path.write_bytes(wrong)
        with pytest.raises(HistoryDamaged):
            history.vault.read(contents, part)
    path.write_bytes(payload)
    assert history.load().measurements.value.tolist() == [1, 2, 3]


def test_pages_are_authenticated_beside_the_digest(tmp_path):
    """What only the encryption sees: with a digest that fits, all but the magic number at the beginning."""
    history = encrypted(tmp_path, traffic([1.0, 2.0, 3.0]))
    [path] = files(history)
    contents = history.vault.look()
    [part] = contents.parts
    for wrong in list(altered(path.read_bytes()))[4::7]:
        path.write_bytes(wrong)
        with pytest.raises(HistoryDamaged, match="does not open"):
            history.vault.read(contents, part.model_copy(update={"digest": bytes_digest(wrong)}))


def test_every_altered_byte_of_the_manifest_is_found(tmp_path):
    history = encrypted(tmp_path, traffic([1.0, 2.0, 3.0]))
    path = history.folder / "manifest.json"
    payload = path.read_bytes()
    for wrong in altered(payload):
        path.write_bytes(wrong)
        with pytest.raises((HistoryDamaged, NewerDocument)):
            history.vault.look()
    path.write_bytes(payload)
    history.load()


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_file_cut_off_is_found(tmp_path, left):
    history = encrypted(tmp_path, traffic([1.0, 2.0, 3.0]))
    for path in (*files(history), history.folder / "manifest.json"):
        payload = path.read_bytes()
        path.write_bytes(payload[:left])
        with pytest.raises(HistoryDamaged):
            history.load()
        path.write_bytes(payload)


def test_removed_renamed_and_swapped_files_are_found(tmp_path):
    history = encrypted(tmp_path, traffic(range(1000)))
    one, two = files(history)
    kept = one.read_bytes(), two.read_bytes()
    one.rename(one.with_name("2026-01.0000000000000000.parquet"))
    with pytest.raises(HistoryDamaged, match="No such file"):
        history.load()
    assert len(verify(history).findings) == 2  # one that is missing, one that nobody wrote
    one.with_name("2026-01.0000000000000000.parquet").rename(one)
    one.write_bytes(kept[1])
    two.write_bytes(kept[0])
    with pytest.raises(HistoryDamaged, match="not what was written"):
        history.load()
    assert len(verify(history).findings) == 2


def test_an_older_version_of_a_file_is_found(tmp_path):
    history = encrypted(tmp_path, traffic([1.0, 2.0]))
    older = files(history)[0].read_bytes()
    history.add(traffic([3.0, 4.0]))
    files(history)[0].write_bytes(older)
    with pytest.raises(HistoryDamaged, match="not what was written"):
        history.load()


@pytest.mark.parametrize("name", ["manifest.json", "traffic"])
def test_another_name_for_manifest_or_folder_is_found(tmp_path, name):
    history = encrypted(tmp_path, traffic([1.0]))
    (history.folder / name).rename(history.folder / f"{name}.old")
    with pytest.raises(HistoryDamaged):
        history.load()


def test_an_added_file_is_never_read_and_is_found(tmp_path):
    history = encrypted(tmp_path, traffic(range(10)))
    shutil.copy(files(history)[0], history.folder / "traffic" / "2026-02.0000000000000000.parquet")
    assert len(history.load().measurements) == 10
    assert [finding.next_step for finding in verify(history).findings] == ["prestage history compact"]
    history.add(traffic([11.0]))
    assert not verify(history).findings


def resigned(history, change):
    """A manifest with other content and a digest that fits: what somebody without the key can make."""
    path = history.folder / "manifest.json"
    manifest = read_manifest(history.folder)
    path.write_text(manifest.model_copy(update=change(manifest)).sealed())


def test_a_manifest_made_without_the_key_is_refused(tmp_path):
    history = encrypted(tmp_path, traffic(range(1000)))
    resigned(history, lambda manifest: {"parts": manifest.parts[:1], "counter": manifest.counter + 1})
    with pytest.raises(HistoryDamaged, match="signature"):
        history.load()


def test_files_that_change_their_places_are_found_even_with_their_digests(tmp_path):
    """The signature apart: a file's key and its every page are bound to its name."""
    history = encrypted(tmp_path, traffic(range(1000)))
    contents = history.vault.look()
    one, two = contents.parts
    one_path, two_path = (history.folder / part.file for part in (one, two))
    swapped = one_path.read_bytes()
    two_path.write_bytes(swapped)
    impostor = two.model_copy(update={"digest": bytes_digest(swapped), "key": one.key})
    with pytest.raises(HistoryDamaged, match="does not open"):
        history.vault.read(contents, impostor)
    assert contents.envelope
    key = contents.envelope.file_key(one.file, one.key).key
    with pytest.raises(HistoryDamaged, match="does not open"):
        history.vault.read(contents, impostor.model_copy(update={"key": contents.envelope.wrap(two.file, key)}))


def test_a_roll_back_is_found_and_can_be_accepted(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    shutil.copytree(history.folder, tmp_path / "old")
    for value in (2.0, 3.0):
        history.add(traffic([value]))
    shutil.copytree(history.folder, tmp_path / "new")
    roll_back(history, tmp_path / "old")
    for act in (history.load, lambda: history.add(traffic([4.0]))):
        with pytest.raises(HistoryRolledBack, match="at change 1, and change 3 was seen") as refused:
            act()
    assert "prestage history verify --accept" in refused.value.next_step
    assert len(verify(history).findings) == 1
    accept(history)
    assert history.load().measurements.value.tolist() == [1.0]
    roll_back(history, tmp_path / "new")  # what was given up does not come back unseen
    with pytest.raises(HistoryRolledBack):
        history.load()


def roll_back(history, kept):
    shutil.rmtree(history.folder)
    shutil.copytree(kept, history.folder)


def test_a_history_that_is_gone_or_no_longer_encrypted_is_found(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    shutil.rmtree(history.folder)
    with pytest.raises(HistoryRolledBack, match="is gone"):
        history.load()
    History(history.folder).add(traffic([9.0]))
    with pytest.raises(HistoryRolledBack, match="not encrypted"):
        history.load()
    shutil.rmtree(history.folder)
    accept(history)
    history.add(traffic([2.0]))
    assert history.load().measurements.value.tolist() == [2.0]


def test_another_history_under_the_same_key_is_found(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    other = History(tmp_path / "other", local(tmp_path).__class__(kms=local(tmp_path).kms, memory=tmp_path / "m.json"))
    other.add(traffic([2.0]))
    roll_back(history, other.folder)
    with pytest.raises(HistoryRolledBack, match="another history"):
        history.load()


def test_a_fork_at_the_same_change_is_found(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}-fork")
    fork = History(
        tmp_path.parent / f"{tmp_path.name}-fork" / "history", local(tmp_path.parent / f"{tmp_path.name}-fork")
    )
    history.add(traffic([2.0]))
    fork.add(traffic([3.0]))
    roll_back(history, fork.folder)
    with pytest.raises(HistoryRolledBack, match="another change 2"):
        history.load()


def test_what_was_seen_first_elsewhere_is_remembered(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    assert history.vault.keys
    memory = history.vault.keys.memory
    seen = recall(memory)
    memory.unlink()
    history.load()
    assert recall(memory) == seen
    memory.write_text(memory.read_text().replace('"counter": 1', '"counter": 0'))
    with pytest.raises(HistoryDamaged, match="altered"):
        history.load()
    accept(history)
    assert not verify(history).findings


def test_a_history_without_keys_is_read_and_encrypted_by_the_next_import(tmp_path):
    plain = History(tmp_path / "history")
    plain.add(traffic(range(1000)))
    digest = plain.load().digest
    history = encrypted(tmp_path)
    assert history.load().digest == digest
    assert verify(history).encrypted is False
    report = history.add(traffic(range(3)))
    assert "was not encrypted; its 2 file(s) are now" in report.notes[0]
    assert history.load().digest == digest
    assert all(path.read_bytes()[:4] == b"PARE" for path in files(history))
    assert len(files(history)) == 2
    with pytest.raises(KeyUnavailable, match="no key is named"):
        plain.load()


def test_a_history_of_version_1_is_read_and_encrypted(tmp_path):
    plain = History(tmp_path / "history")
    plain.add(traffic(range(1000)))
    digest = plain.load().digest
    first_version(plain.folder / "manifest.json")
    assert plain.load().digest == digest
    history = encrypted(tmp_path)
    assert encrypt(history) == 2
    assert history.load().digest == digest and verify(history).encrypted


def first_version(path):
    """The manifest as version 1 wrote it."""
    told = json.loads(path.read_text())
    parts = [
        {"month": part["first"], **{k: part[k] for k in ("kind", "file", "rows", "digest")}} for part in told["parts"]
    ]
    content = {"format": "prestage/history", "version": 1, "parts": parts}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    path.write_text(json.dumps(content | {"digest": bytes_digest(text.encode())}, sort_keys=True, indent=2) + "\n")


def test_who_may_only_read_a_history_holds_its_lock_too(tmp_path, monkeypatch):
    history, real = encrypted(tmp_path, traffic(range(3))), os.open
    _, seal = history.opened()

    def only_read(path, flags, mode=0o777):
        if flags & (os.O_RDWR | os.O_WRONLY):
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode)

    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda path, mode: mode != os.W_OK)
        patched.setattr(os, "open", only_read)
        with history.held(seal) as held, (history.folder / "lock").open() as lock:
            assert held is seal
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    rotate(history)
    with history.held(seal) as held:
        assert held == history.opened()[1] != seal
