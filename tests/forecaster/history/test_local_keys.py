"""Key files: their owner's alone, written once, never taken for another; a wrong one is named."""

import stat
from pathlib import Path

import pytest

from contracts.files import write_bytes
from forecaster.errors import KeyUnavailable, WrongKey
from forecaster.history.local_keys import LocalKeys
from forecaster.history.manifest import read_manifest
from forecaster.history.open_keys import KeyPlaces, open_keyring
from forecaster.history.upkeep import rotate
from tests.forecaster.history.keyrings import encrypted, traffic

SECRET = b"s" * 32


@pytest.fixture
def keys(tmp_path):
    return LocalKeys(tmp_path / "keys")


def key_files(keys):
    return sorted(keys.folder.glob("*.key"))


def test_the_first_key_is_made_for_its_owner_alone(keys):
    wrapped = keys.wrap(SECRET, "a")
    assert keys.unwrap(wrapped, "a") == SECRET
    [path] = key_files(keys)
    assert path.name == f"{wrapped.version}.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700
    assert SECRET.hex() not in wrapped.text and len(list(keys.folder.iterdir())) == 1


def test_a_new_version_leaves_the_old_ones(keys):
    first = keys.wrap(SECRET, "a")
    before = key_files(keys)[0].read_bytes()
    assert keys.renew().startswith("2-")
    second = keys.wrap(SECRET, "a")
    assert (first.version[0], second.version[0]) == ("1", "2")
    assert keys.unwrap(first, "a") == keys.unwrap(second, "a") == SECRET
    assert key_files(keys)[0].read_bytes() == before


def test_a_tenth_version_comes_after_the_ninth(keys):
    for _ in range(10):
        keys.renew()
    assert keys.wrap(SECRET, "a").version.startswith("10-")


@pytest.mark.parametrize(("of", "mode"), [("file", 0o640), ("file", 0o604), ("folder", 0o750), ("folder", 0o701)])
def test_keys_that_others_can_get_at_are_refused(keys, of, mode):
    wrapped = keys.wrap(SECRET, "a")
    path = keys.folder if of == "folder" else key_files(keys)[0]
    path.chmod(mode)
    with pytest.raises(KeyUnavailable, match=f"open to others \\(mode {mode:04o}\\)") as refused:
        keys.unwrap(wrapped, "a")
    assert refused.value.next_step == f"chmod {'700' if of == 'folder' else '600'} {path}"
    with pytest.raises(KeyUnavailable):
        keys.wrap(SECRET, "a")


def test_another_context_does_not_open(keys):
    with pytest.raises(WrongKey, match="another history"):
        keys.unwrap(keys.wrap(SECRET, "a"), "b")


def test_altered_wrapping_does_not_open(keys):
    wrapped = keys.wrap(SECRET, "a")
    for text in (
        "",
        "!",
        wrapped.text[:-8],
        "A" + wrapped.text[1:] if wrapped.text[0] != "A" else "B" + wrapped.text[1:],
    ):
        with pytest.raises(WrongKey):
            keys.unwrap(wrapped.model_copy(update={"text": text}), "a")


def test_a_key_under_the_name_of_another_is_found(keys, tmp_path):
    wrapped = keys.wrap(SECRET, "a")
    other = LocalKeys(tmp_path / "other")
    other.renew()
    [path] = key_files(keys)
    write_bytes(path, key_files(other)[0].read_bytes())
    path.chmod(0o600)
    with pytest.raises(WrongKey, match="holds key") as refused:
        keys.unwrap(wrapped, "a")
    assert refused.value.where == str(path) and wrapped.version in refused.value.expected


@pytest.mark.parametrize("content", [b"", b"????", b"c2hvcnQ="])
def test_a_damaged_key_is_told(keys, content):
    wrapped = keys.wrap(SECRET, "a")
    key_files(keys)[0].write_bytes(content)
    with pytest.raises(KeyUnavailable, match="damaged"):
        keys.unwrap(wrapped, "a")


def test_a_history_names_key_and_file_when_the_key_is_wrong_or_gone(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    version = encrypted(tmp_path / "elsewhere", traffic([1.0])).vault.look().manifest.key
    mine = history.vault.look().manifest.key
    assert version and mine
    [path] = (tmp_path / "keys").glob("*.key")
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(KeyUnavailable) as gone:
        history.load()
    other = tmp_path / "elsewhere" / "keys" / f"{version.version}.key"
    other.rename(tmp_path / "keys" / other.name)
    with pytest.raises(WrongKey) as wrong:
        history.load()
    for refused in (gone.value, wrong.value):
        assert refused.where == str(history.folder / "manifest.json")
        assert str(tmp_path / "keys") in refused.what and mine.version in refused.expected and refused.next_step
    assert version.version in wrong.value.what
    path.write_bytes(kept)
    path.chmod(0o600)
    assert len(history.load().measurements) == 1


def test_settings_name_keys(tmp_path):
    places = KeyPlaces(project=tmp_path, state=tmp_path / ".prestage/dev")
    assert open_keyring("", places) is None
    local, elsewhere = open_keyring("local", places), open_keyring("local:safe", places)
    aws = open_keyring("awskms:arn:aws:kms:eu-west-1:1:key/k", places)
    assert local and elsewhere and aws
    assert (local.kms.where, local.memory) == (str(places.state / "keys"), places.state / "keys" / "seen.json")
    assert elsewhere.kms.where == str(tmp_path / "safe") and elsewhere.memory.parent == tmp_path / "safe"
    assert aws.kms.where == "awskms:arn:aws:kms:eu-west-1:1:key/k"
    for odd in ("locl", "awskms", "gcpkms:", "gcpkms:key", "vault:x"):
        with pytest.raises(KeyUnavailable, match="names no key"):
            open_keyring(odd, places)


def test_a_key_of_another_kind_says_how_to_move(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    aws = open_keyring("awskms:alias/prestage", KeyPlaces(project=tmp_path, state=tmp_path))
    assert aws
    history.vault.keys = aws
    with pytest.raises(WrongKey) as refused:
        history.load()
    assert "rotate --from local" in refused.value.next_step and "local key 1-" in refused.value.what


def test_rotation_moves_to_other_keys(tmp_path):
    history = encrypted(tmp_path, traffic([1.0]))
    old = history.vault.keys
    assert old
    new = open_keyring("local:safe", KeyPlaces(project=tmp_path, state=tmp_path))
    history.vault.keys = new
    rotate(history, previous=old.kms)
    assert read_manifest(history.folder).key
    for path in Path(old.kms.where).glob("*.key"):
        path.unlink()
    assert history.load().measurements.value.tolist() == [1.0]
