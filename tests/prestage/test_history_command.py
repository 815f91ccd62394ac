"""`prestage history`: files in once, whole or not at all."""

import json

from contracts.exits import ExitCode
from prestage.failures import run

ROWS = "time,source,destination,value,unit\n" + "".join(
    f"2026-03-01T{hour:02}:00:00Z,fra,nyc,{hour},gbps\n" for hour in range(24)
)


def _json(capsys):
    return json.loads(capsys.readouterr().out)


def test_imported_twice_is_kept_once(project, capsys):
    (project / "traffic.csv").write_text(ROWS)
    for added, unchanged in ((24, 0), (0, 24)):
        assert run(["history", "import", "traffic.csv", "--table", "traffic", "--json"]) == 0
        counts = _json(capsys)["imports"][0]["counts"]
        assert (counts["added"], counts["unchanged"]) == (added, unchanged)
    assert run(["history", "show", "--json"]) == 0
    assert [(row["subject"], row["hours"]) for row in _json(capsys)["series"]] == [("fra->nyc", 24)]


def test_one_bad_file_keeps_all_of_them_out(project, capsys):
    (project / "good.csv").write_text(ROWS)
    (project / "bad.csv").write_text(ROWS.replace(",5,gbps", ",five,gbps"))
    assert run(["history", "import", "good.csv", "bad.csv", "--table", "traffic"]) == ExitCode.ERROR
    assert "bad.csv" in capsys.readouterr().err
    assert run(["history", "show", "--json"]) == 0
    assert _json(capsys)["series"] == []


def test_empty_history_says_what_to_type(project, capsys):
    assert run(["history", "show"]) == 0
    assert "prestage history import" in capsys.readouterr().out


def test_the_table_must_be_said(project, capsys):
    (project / "traffic.csv").write_text(ROWS)
    assert run(["history", "import", "traffic.csv"]) == ExitCode.USAGE
    assert "--table" in capsys.readouterr().err
