"""`prestage forecast` goes on from the models of the last one, and never trusts what was kept without a check."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.exits import ExitCode
from contracts.files import read_forecast, read_state, write_state
from contracts.forecast_state import StateBundle
from prestage import forecast_state
from prestage.failures import run
from tests.forecaster.estates import wave

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
FORECAST = ["forecast", "--model", "profile_14d", "--model", "level_shape"]


def forecasts(folder):
    return folder / ".prestage" / "dev" / "forecasts"


def learn(project, first: int, end: int) -> None:
    """Imports some hours of traffic of two pairs."""
    seen = [wave(1000, level=level, seed=seed) for seed, level in enumerate((5, 2))]
    rows = [
        f"{BEGIN + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ},{pair},{values[hour]}"
        for pair, values in zip(("fra,ams", "ams,fra"), seen, strict=True)
        for hour in range(first, end)
    ]
    (project / "traffic.csv").write_text("\n".join(["time,source,destination,value", *rows, ""]))
    assert run(["history", "import", "traffic.csv", "--table", "traffic", "--unit", "gbps"]) == ExitCode.CLEAN


@pytest.fixture
def forecast(project, capsys):
    """Makes forecasts in a project with two weeks of traffic; each says which models made it."""

    def made(*options: str) -> str:
        capsys.readouterr()
        assert run([*FORECAST, *options]) == ExitCode.CLEAN
        told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("models: ")]
        assert len(told) == 1
        return str(told[0].removeprefix("models: "))

    learn(project, 0, 336)
    assert made() == "fitted anew: nothing was kept"
    return made


def test_new_hours_go_on_from_what_was_fitted(project, forecast):
    state = read_state(forecasts(project) / "dev.state.json")
    first = read_forecast(forecasts(project) / "dev.json")
    assert {panel.granularity for panel in state.document.panels} == {"hourly", "daily"}
    assert first.document.state_digest == ""
    learn(project, 336, 342)
    assert forecast() == "those of the last forecast"
    second = read_forecast(forecasts(project) / "dev.json")
    assert second.document.state_digest == state.document.digest()
    assert second.document.origin == first.document.origin + timedelta(hours=6)
    assert second.document.blends != first.document.blends
    assert read_state(forecasts(project) / "dev.state.json") == state
    assert forecast("--refit") == "fitted anew: as asked for"
    assert read_state(forecasts(project) / "dev.state.json") != state


def test_the_same_state_and_history_make_the_same_bytes(project, forecast):
    written = []
    for _ in range(2):
        assert forecast() == "those of the last forecast"
        document = json.loads((forecasts(project) / "dev.json").read_text())
        written.append(({**document, "made_at": 0, "seconds": 0}, (forecasts(project) / "dev.parquet").read_bytes()))
    assert written[0] == written[1]
    kept = written[0][1]
    forecast("--refit")
    assert (forecasts(project) / "dev.parquet").read_bytes() == kept  # no hour has come: the fits are what they were


def test_a_panel_whose_history_grew_is_fitted_anew_and_kept(project, forecast):
    before = read_state(forecasts(project) / "dev.state.json")
    learn(project, 336, 336 + 24)
    told = forecast()
    assert told.startswith("fitted anew: hourly levels: the history grew by 7%; daily levels: the history grew by 7%")
    after = read_state(forecasts(project) / "dev.state.json")
    assert [new.until - old.until for new, old in zip(after.document.panels, before.document.panels, strict=True)] == [
        timedelta(hours=24)
    ] * 2
    assert forecast() == "those of the last forecast"


def test_a_forecast_from_the_past_neither_uses_nor_leaves_models(project, forecast):
    before = (forecasts(project) / "dev.state.json").read_bytes()
    assert forecast("--origin", "2026-03-14T00:00:00") == "fitted anew: an origin in the past"
    assert (forecasts(project) / "dev.state.json").read_bytes() == before


def cut_off(file, fits):
    file.write_text(file.read_text()[:200])


def altered(file, fits):
    file.write_text(file.read_text().replace('"dev.fits"', '"foo.fits"'))


def one_bit(file, fits):
    payload = bytearray(fits.read_bytes())
    payload[len(payload) // 2] ^= 1
    fits.write_bytes(payload)


def lost(file, fits):
    fits.unlink()


def newer(file, fits):
    file.write_text(file.read_text().replace('"version": 1', '"version": 2'))


def another_document(file, fits):
    file.write_text((file.parent / "dev.json").read_text())


def of_another_environment(file, fits):
    state = read_state(file)
    write_state(file, StateBundle(state.document.model_copy(update={"environment": "prod"}), state.fits))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (cut_off, "dev.state.json is not used: is not JSON"),
        (altered, "dev.state.json is not used: altered"),
        (one_bit, "dev.state.json is not used: its bytes are not those that were fitted"),
        (lost, "dev.state.json is not used: no such file"),
        (newer, "dev.state.json is not used: is version 2 of prestage/forecast-state"),
        (another_document, "dev.state.json is not used: holds 'prestage/forecast'"),
        (of_another_environment, "dev.state.json is of the environment 'prod'"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_was_kept_is_never_trusted_without_a_check(project, forecast, harm, reason):
    """All is fitted anew, with the reason; the next forecast goes on from that."""
    kept = (forecasts(project) / "dev.parquet").read_bytes()
    harm(forecasts(project) / "dev.state.json", forecasts(project) / "dev.fits")
    told = forecast()
    assert told.startswith(f"fitted anew: {reason}")
    assert (forecasts(project) / "dev.parquet").read_bytes() == kept
    assert forecast() == "those of the last forecast"


def test_other_code_fits_anew(project, forecast, monkeypatch):
    monkeypatch.setattr("prestage.forecast_state.code_digest", lambda: "sha256:other")
    assert forecast() == "fitted anew: what was kept is of another version"


def test_every_file_that_fits_is_in_the_digest_of_the_code(monkeypatch):
    """Another byte in a model's file, or another version of a package, is other code."""
    forecast_state.code_digest.cache_clear()
    digests = {forecast_state.code_digest()}
    monkeypatch.setattr(forecast_state, "_version", lambda package: f"9 of {package}")
    forecast_state.code_digest.cache_clear()
    digests.add(forecast_state.code_digest())
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"#" * (path.name == "level_shape.py"))
    forecast_state.code_digest.cache_clear()
    digests.add(forecast_state.code_digest())
    forecast_state.code_digest.cache_clear()
    assert len(digests) == 3


def test_a_state_that_cannot_be_kept_costs_only_time(project, forecast, monkeypatch):
    def full(path, bundle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forecast_state, "write_state", full)
    told = forecast("--refit")
    assert told == "fitted anew: as asked for; dev.state.json cannot be written: No space left on device"
