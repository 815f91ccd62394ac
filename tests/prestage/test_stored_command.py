"""A volume that serves is never replaced: what `plan`, `explain`, `review` and `apply` say and end with."""

import pytest

from contracts.exits import ExitCode
from prestage.failures import run
from tests.coordinator.world import write_project
from tests.prestage.estate_engine import in_memory

PLAN, VOLUME = "plans/dev.json", "fra/storage/serving/standard"
PARTS = "storage:\n  - {name: hot, share: 0.5}\n  - {name: cold, share: 0.5}\n"
SAFER = "storage:\n  - {least_durability: 0.99999}\n"


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A project of three regions whose first plan is applied, on an engine in memory."""
    in_memory(monkeypatch)
    write_project(tmp_path)
    catalog = tmp_path / "estate" / "catalog.yaml"
    text = catalog.read_text().replace("{name: fast, replicated: true}", "{name: fast, durability: 0.99999}")
    catalog.write_text(text.replace("{name: standard}", "{name: standard, durability: 0.998}"))
    settings = tmp_path / "environments" / "dev.yaml"
    levels = "headroom_quantile: 0.8, levels: {forecast_reaches: advisory}"  # the sample's hours are over
    settings.write_text(settings.read_text().replace("headroom_quantile: 0.8", levels))
    monkeypatch.chdir(tmp_path)
    assert run(["plan"]) == ExitCode.CHANGES
    assert run(["review", PLAN]) == ExitCode.CLEAN
    assert run(["apply", PLAN, "--yes"]) == ExitCode.CLEAN
    return tmp_path


def ask(folder, text):
    environment = folder / "environments" / "dev.yaml"
    environment.write_text(environment.read_text().partition("storage:")[0] + text)
    return run(["plan"])


def test_a_plan_that_would_lose_what_a_volume_holds_is_denied_and_says_why(world, capsys):
    assert ask(world, SAFER) == ExitCode.CHANGES
    capsys.readouterr()
    assert run(["explain", PLAN, VOLUME]) == ExitCode.CLEAN
    told = capsys.readouterr().out
    assert "delete" in told and "because of unfit" in told
    assert "asked of storage" in told and "not standard: is not durable enough (0.998, against 0.99999)" in told
    assert run(["review", PLAN]) == ExitCode.DENIED
    told = capsys.readouterr().out
    assert "no_content_lost" in told and VOLUME in told
    assert "It goes because standard has a durability of 0.998" in told
    assert run(["apply", PLAN, "--yes"]) == ExitCode.DENIED
    assert run(["drift"]) == ExitCode.CLEAN  # all of it is as it was


def test_asked_for_in_other_words_it_stays(world, capsys):
    assert ask(world, PARTS) == ExitCode.CHANGES
    capsys.readouterr()
    assert run(["explain", PLAN, VOLUME]) == ExitCode.CLEAN
    assert "unchanged" in capsys.readouterr().out
    assert run(["review", PLAN]) == ExitCode.CLEAN
