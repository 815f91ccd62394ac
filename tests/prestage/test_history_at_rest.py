"""`prestage history keys|encrypt|rotate|compact|verify`, and encryption from the first import of a new project on."""

import json
import shutil

import pytest

from contracts.exits import ExitCode
from prestage.failures import run

ROWS = "time,source,destination,value,unit\n" + "".join(
    f"2026-0{month}-01T{hour:02}:00:00Z,fra,nyc,{hour},gbps\n" for month in (1, 2, 3) for hour in range(24)
)


@pytest.fixture
def own(tmp_path, monkeypatch, capsys):
    """A new project with three months of traffic."""
    monkeypatch.chdir(tmp_path)
    assert run(["init", "own"]) == 0
    assert "keep a copy of .prestage/dev/keys" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "own")
    (tmp_path / "own" / "traffic.csv").write_text(ROWS)
    assert run(["history", "import", "traffic.csv", "--table", "traffic"]) == 0
    assert "without it, nothing can be read" in capsys.readouterr().out
    return tmp_path / "own"


def told(capsys, *arguments, code=0):
    assert run(["history", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def said(capsys, *arguments, code=0):
    assert run(["history", *arguments]) == code
    captured = capsys.readouterr()
    return captured.out + captured.err


def files(project):
    return sorted((project / ".prestage/dev/history/traffic").iterdir())


def test_a_new_project_is_encrypted(own, capsys):
    assert [path.read_bytes()[:4] for path in files(own)] == [b"PARE"] * 3
    keys = told(capsys, "keys")
    assert keys["encrypted"] and keys["key"]["kind"] == "local" and keys["files"] == 3
    assert (own / ".prestage/dev/keys" / f"{keys['key']['version']}.key").stat().st_mode & 0o777 == 0o600
    assert keys["key"]["version"] in said(capsys, "keys")
    assert told(capsys, "verify") == {"encrypted": True, "counter": 1, "files": 3, "findings": []}
    assert "as it was written: 3 files, encrypted" in said(capsys, "verify")
    assert told(capsys, "show")["series"][0]["hours"] == 72


def test_keys_are_rotated_and_files_compacted(own, capsys):
    before = [path.read_bytes() for path in files(own)]
    assert told(capsys, "rotate")["key"].startswith("2-")
    assert "3 files: keys wrapped anew, under 3-" in said(capsys, "rotate")
    assert [path.read_bytes() for path in files(own)] == before
    assert told(capsys, "compact") == {"files_before": 3, "files_after": 2, "forgotten": {}}
    out = said(capsys, "compact", "--keep", "traffic=1")
    assert "2 files before, 0 now" in out and "traffic: 72 rows too old, forgotten" in out
    assert told(capsys, "show")["series"] == []


def test_the_environment_says_how_long_things_are_kept(own, capsys):
    settings = own / "environments/dev.yaml"
    settings.write_text(settings.read_text().replace("  key: local", "  keep_days: {traffic: 1}\n  key: local"))
    assert told(capsys, "compact")["forgotten"] == {"traffic": 72}
    settings.write_text(settings.read_text().replace("{traffic: 1}", "{trafic: 1}"))
    assert "trafic" in said(capsys, "compact", code=ExitCode.ERROR)


@pytest.mark.parametrize("keep", ["trafic=1", "traffic", "traffic=0", "traffic=x"])
def test_a_wrong_keep_is_wrong_usage(capsys, keep):
    assert "traffic" in said(capsys, "compact", "--keep", keep, code=ExitCode.USAGE)


def test_what_was_altered_is_named(own, capsys):
    one, two, _ = files(own)
    one.write_bytes(two.read_bytes())
    two.unlink()
    found = told(capsys, "verify", code=ExitCode.ERROR)["findings"]
    assert [finding["where"] for finding in found] == [str(one), str(two)]
    assert "2 findings" in said(capsys, "verify", code=ExitCode.ERROR)
    assert "is not what was written" in said(capsys, "show", code=ExitCode.ERROR)


def test_a_roll_back_is_told_and_accepted(own, capsys):
    shutil.copytree(own / ".prestage/dev/history", own / "backup")
    said(capsys, "rotate")
    shutil.rmtree(own / ".prestage/dev/history")
    shutil.copytree(own / "backup", own / ".prestage/dev/history")
    assert "prestage history verify --accept" in said(capsys, "show", code=ExitCode.ERROR)
    assert run(["forecast"]) == ExitCode.ERROR
    assert "rolled back" in capsys.readouterr().err
    assert told(capsys, "verify", "--accept")["counter"] == 3
    assert told(capsys, "show")["series"][0]["hours"] == 72


def test_without_its_key_nothing_is_read(own, capsys):
    shutil.rmtree(own / ".prestage/dev/keys")
    out = said(capsys, "show", code=ExitCode.ERROR)
    assert ".prestage/dev/keys" in out and "manifest.json" in out and "1-" in out
    assert "holds no key" in said(capsys, "import", "traffic.csv", "--table", "traffic", code=ExitCode.ERROR)
    assert not (own / ".prestage/dev/keys").exists()  # none is made in its place


def test_a_project_without_a_key_is_told_how(own, capsys):
    settings = own / "environments/dev.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("  key: local", "  keep_days: {}"))
    out = said(capsys, "show", code=ExitCode.ERROR)
    assert "no key is named" in out and "history: {key: local}" in out
    shutil.rmtree(own / ".prestage/dev/history")
    said(capsys, "import", "traffic.csv", "--table", "traffic")
    assert "3 files, not encrypted" in said(capsys, "keys")
    shutil.rmtree(own / ".prestage/dev/keys")
    settings.write_text(text)
    assert "prestage history encrypt" in said(capsys, "keys")
    assert "3 files encrypted" in said(capsys, "encrypt")
    assert "nothing to encrypt" in said(capsys, "encrypt")
    assert told(capsys, "verify")["encrypted"]
