"""State files: read, also when a killed run left them cut off, and mended before the program sees them."""

import json

import pytest

from stacks.engines.terraform_engine.state import BACKUP, DAMAGED, STATE, RootState, mend_state, read_state

ATTRIBUTES = {"id": "dev/fra/link", "state": "ready", "key": "fra/link", "owner": "net", "network": None}
HALF_MADE = {"attributes": None}  # a create that failed
WHOLE = json.dumps({"resources": [{"type": "estate_link", "instances": [{"attributes": ATTRIBUTES}, HALF_MADE]}]})
BROKEN = ["", "[]", "null", WHOLE[:40], '{"resources": [{}]}', '{"resources": [{"type": "t", "instances": 3}]}']


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "fra"
    folder.mkdir()
    return folder


def test_the_state_says_what_was_applied(folder):
    (folder / STATE).write_text(WHOLE)
    (found,) = read_state(folder).resources
    assert (found.type, found.key, found.root) == ("estate_link", "fra/link", "fra")
    assert found.arguments == {"key": "fra/link", "owner": "net"}
    assert mend_state(folder) == "" and not (folder / DAMAGED).exists()


def test_without_a_state_nothing_was_applied_whatever_the_backup_says(folder):
    (folder / BACKUP).write_text(WHOLE)
    assert read_state(folder) == RootState() and mend_state(folder) == ""
    assert not (folder / STATE).exists()


@pytest.mark.parametrize("text", BROKEN)
def test_a_damaged_state_gives_way_to_its_backup(folder, text):
    (folder / STATE).write_text(text)
    (folder / BACKUP).write_text(WHOLE)
    before = read_state(folder)
    assert [item.key for item in before.resources] == ["fra/link"]
    assert (folder / STATE).read_text() == text  # reading mends nothing
    assert "restored from its backup" in mend_state(folder)
    assert (folder / STATE).read_text() == WHOLE and (folder / DAMAGED).read_text() == text
    assert read_state(folder) == before


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("backup", [None, *BROKEN])
def test_without_a_whole_backup_it_begins_anew(folder, text, backup):
    (folder / STATE).write_text(text)
    if backup is not None:
        (folder / BACKUP).write_text(backup)
    assert read_state(folder) == RootState()
    assert "what exists is adopted" in mend_state(folder)
    assert not (folder / STATE).exists() and (folder / DAMAGED).read_text() == text
