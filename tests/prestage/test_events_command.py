"""`prestage events`: files in once, whole or not at all; what is known now."""

import json

import pytest

from contracts.exits import ExitCode
from prestage.failures import run

FEED = json.dumps(
    [
        {"id": "final", "name": "Final", "kind": "sports", "region": "fra", "uplift": "+40%", "duration_hours": 3}
        | {"start": "2030-01-05T18:00:00Z"},
        {"id": "sale", "name": "Sale", "kind": "campaign", "start": "2030-01-07", "status": "cancelled"},
    ]
)


def _json(capsys):
    return json.loads(capsys.readouterr().out)


def test_imported_twice_is_kept_once(project, capsys):
    (project / "feed.json").write_text(FEED)
    for new in (1, 0):
        assert run(["events", "import", "feed.json", "--json"]) == 0
        (kept,) = _json(capsys)["imports"]
        assert (kept["events"], kept["new"], kept["cancelled"]) == (1, new, 0)
    assert run(["events", "show", "--days-ahead", "4000", "--json"]) == 0
    (event,) = _json(capsys)["events"]
    assert (event["id"], event["uplift"], event["regions"]) == ("final", 1.4, ["fra"])
    assert run(["events", "show", "--days-ahead", "4000"]) == 0
    assert "+40%" in capsys.readouterr().out


def test_what_is_cancelled_later_is_gone(project, capsys):
    (project / "feed.json").write_text(FEED)
    assert run(["events", "import", "feed.json"]) == 0
    (project / "feed.json").write_text(FEED.replace('"kind": "sports"', '"status": "cancelled"'))
    capsys.readouterr()
    assert run(["events", "import", "feed.json", "--json"]) == 0
    assert _json(capsys)["imports"][0]["cancelled"] == 1
    assert run(["events", "show", "--days-ahead", "4000"]) == 0
    assert "No events known" in capsys.readouterr().out


def test_a_service_that_nothing_is_forecast_for_is_told(project, capsys):
    (project / "users.csv").write_text("time,service,region,metric,value\n2026-03-01T00:00:00Z,web,fra,users,7\n")
    assert run(["history", "import", "users.csv", "--table", "telemetry"]) == 0
    (project / "feed.json").write_text(FEED)
    capsys.readouterr()
    for service, told in (("web", False), ("wbe", True)):
        assert run(["events", "import", "feed.json", "--service", service, "--json"]) == 0
        notes = " ".join(_json(capsys)["imports"][0]["notes"])
        assert ("nothing is forecast for the service 'wbe' (1 of 1 events)" in notes) is told, notes
        assert ("did you mean 'web'?" in notes) is told


def test_events_are_imported_where_nobody_can_say_what_is_forecast(project, capsys):
    (project / "users.csv").write_text("time,service,region,metric,value\n2026-03-01T00:00:00Z,web,fra,users,7\n")
    assert run(["history", "import", "users.csv", "--table", "telemetry"]) == 0
    for file in project.rglob("history/**/*.parquet"):
        file.write_bytes(b"")
    (project / "feed.json").write_text(FEED)
    capsys.readouterr()
    assert run(["events", "import", "feed.json", "--service", "web", "--json"]) == 0
    notes = " ".join(_json(capsys)["imports"][0]["notes"])
    assert "whether anything is forecast for web could not be looked up: " in notes


def test_one_bad_file_keeps_all_of_them_out(project, capsys):
    (project / "good.json").write_text(FEED)
    (project / "bad.json").write_text(FEED.replace('"fra"', '"fraa"'))
    assert run(["events", "import", "good.json", "bad.json"]) == ExitCode.ERROR
    told = capsys.readouterr().err
    assert "bad.json, event 1" in told and "did you mean 'fra'?" in told
    assert run(["events", "show", "--days-ahead", "4000", "--json"]) == 0
    assert _json(capsys)["events"] == []


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [("--timezone", "Europe/Berln", "Europe/Berlin"), ("--uplift", "much", "per cent"), ("--region", "fr", "fra")],
)
def test_what_the_command_says_is_checked(project, capsys, option, value, told):
    (project / "feed.json").write_text(FEED)
    assert run(["events", "import", "feed.json", option, value]) == ExitCode.ERROR
    assert told in capsys.readouterr().err


def test_public_holidays_are_shown_where_a_region_names_its_country(project, capsys):
    path = project / "environments" / "dev.yaml"
    path.write_text(path.read_text().replace("name: fra,", "name: fra, country: DE-HE, timezone: Europe/Berlin,", 1))
    assert "country" in path.read_text()
    assert run(["events", "show", "--days-back", "700", "--json"]) == 0
    assert {event["kind"] for event in _json(capsys)["events"]} == {"holiday"}
