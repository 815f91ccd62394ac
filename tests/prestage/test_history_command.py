"""`prestage history`: files in once, whole or not at all."""

import json
from datetime import UTC, datetime

import pytest

from contracts.exits import ExitCode
from contracts.requests import AddressRequest, Decision, Outcome, PeeringRequest, Requirements
from coordinator.ledger import requests
from coordinator.project import Project
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


def test_values_of_a_day_are_told_as_such(project, capsys):
    days = "".join(f"2026-03-{day:02}T00:00:00Z,fra,nyc,{day},gbps\n" for day in range(1, 20))
    (project / "daily.csv").write_text(ROWS.splitlines(keepends=True)[0] + days)
    (project / "hourly.csv").write_text(ROWS)
    assert run(["history", "import", "daily.csv", "hourly.csv", "--table", "traffic", "--json"]) == 0
    daily, hourly = (one["notes"] for one in _json(capsys)["imports"])
    assert "traffic:fra->nyc, which has a value every 24 hours" in daily[0] and hourly == []


def test_regions_that_are_not_there_are_told(project, capsys):
    (project / "traffic.csv").write_text(ROWS + ROWS.partition("\n")[2].replace("fra", "xxx"))
    assert run(["history", "import", "traffic.csv", "--table", "traffic"]) == 0
    told = "not among the environment's regions: xxx; kept, and not forecast"
    assert told in capsys.readouterr().out
    for command in (["history", "show"], ["doctor"], ["forecast"]):  # and not only once, when it came
        run(command)
        assert told in " ".join(capsys.readouterr().out.split())
    assert run(["history", "show", "--json"]) == 0
    assert _json(capsys)["foreign_regions"] == ["xxx"]


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


def test_what_was_answered_becomes_history_once(project, capsys):
    """Peerings are requests of a pair, addresses of a region; what was never answered is none yet."""
    now = datetime(2026, 3, 2, 10, 37, tzinfo=UTC)
    asked = (
        PeeringRequest(
            id="p1",
            customer="acme",
            source="fra",
            destination="ams",
            requirements=Requirements(vcpu=4, gbps=1),
            duration_hours=24,
        ),
        AddressRequest(id="a1", customer="acme", region="fra", prefix_length=28),
    )
    opened = Project.open(project, "dev", clock=lambda: now)
    with opened.ledger.write() as tx:
        for request in asked:
            kind = requests.kind_of(request)
            decision = Decision(
                request=request.id, kind=kind, customer="acme", outcome=Outcome.REFUSED, decided_at=now, ms=1
            )
            requests.answer(tx, request, decision)
        requests.receive(tx, AddressRequest(id="a2", customer="acme", region="ams", prefix_length=30))
    opened.close()
    for added in (1, 0):
        assert run(["history", "import", "--ledger", "--json"]) == ExitCode.CLEAN
        assert [one["counts"]["added"] for one in _json(capsys)["imports"]] == [added, added]
    assert run(["history", "show", "--json"]) == ExitCode.CLEAN
    assert [row["subject"] for row in _json(capsys)["series"]] == ["fra->ams", "fra->fra"]


def test_hours_that_are_yet_to_come_are_told(project, capsys):
    (project / "traffic.csv").write_text(ROWS + "2137-03-01T00:00:00Z,fra,nyc,1,gbps\n")
    assert run(["history", "import", "traffic.csv", "--table", "traffic", "--json"]) == 0
    (note,) = (note for note in _json(capsys)["imports"][0]["notes"] if "now" in note)
    assert note.startswith("traffic:fra->nyc: 1 values after now (") and "2137-03-01T00:00Z: set aside" in note


@pytest.mark.parametrize("others", [["traffic.csv"], ["--source", "prometheus"], ["--unit", "gbps"]])
def test_the_ledger_stands_alone(project, capsys, others):
    assert run(["history", "import", "--ledger", *others]) == ExitCode.USAGE
    assert "--ledger stands alone" in capsys.readouterr().err
