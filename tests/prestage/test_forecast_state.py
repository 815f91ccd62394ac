"""`prestage forecast` goes on from the models of the last one, and never trusts what was kept without a check."""

import contextlib
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.environment import Environment
from contracts.exits import ExitCode
from contracts.forecast import ForecastBundle
from contracts.forecast_state import StateBundle
from contracts.yaml_files import read_yaml_document
from coordinator.forecast_door import forecast_of
from forecaster.history.sealing import Seal
from forecaster.models.profile import Profile
from prestage import forecast_state
from prestage.failures import run
from prestage.forecast_state import StateShelf
from prestage.forecasts import ForecastOrder
from tests.forecaster.estates import wave
from tests.prestage.conftest import ROOT

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
ENVIRONMENT = "environments/dev.yaml"
FORECAST = ["forecast", "--model", "profile_14d", "--model", "level_shape"]


def forecasts(folder: Path) -> Path:
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


def kept_after(folder: Path, hours: int) -> Path:
    """What a project keeps after its first forecast, made of so many hours."""
    for name in ("environments", "estate"):
        shutil.copytree(ROOT / name, folder / name)
    with contextlib.chdir(folder):
        learn(folder, 0, hours)
        assert run(FORECAST) == ExitCode.CLEAN
    return folder / ".prestage"


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Path:
    """What a project with two weeks of traffic keeps after its first forecast."""
    return kept_after(tmp_path_factory.mktemp("begun"), 336)


@pytest.fixture
def forecast(project, begun, capsys):
    """Makes forecasts in a project with two weeks of traffic; each says which models made it."""
    shutil.copytree(begun, project / ".prestage")

    def made(*options: str) -> str:
        capsys.readouterr()
        assert run([*FORECAST, *options]) == ExitCode.CLEAN
        told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("models: ")]
        assert len(told) == 1
        return str(told[0].removeprefix("models: "))

    return made


def shelf(project) -> StateShelf:
    """Where the project's environment keeps its state."""
    order = ForecastOrder(folder=project, environment=read_yaml_document(Environment, project / ENVIRONMENT))
    history = order.history()
    return order.shelf(history.vault.keys, history.opened()[1])


def made(project) -> ForecastBundle:
    return forecast_of(project, read_yaml_document(Environment, project / ENVIRONMENT))


def kept(project) -> StateBundle:
    state, why = shelf(project).take()
    assert state is not None, why
    return state


def test_new_hours_go_on_from_what_was_fitted(project, forecast):
    state = kept(project)
    first = made(project)
    assert {panel.granularity for panel in state.document.panels} == {"hourly", "daily"}
    assert first.document.state_digest == ""
    learn(project, 336, 342)
    (forecasts(project) / "dev.fits").write_text("as an earlier version left it, never encrypted")
    assert forecast() == "those of the last forecast"
    assert not (forecasts(project) / "dev.fits").exists()
    second = made(project)
    assert second.document.state_digest == state.document.digest()
    assert second.document.origin == first.document.origin + timedelta(hours=6)
    assert second.document.blends != first.document.blends
    assert kept(project) == state
    (forecasts(project) / "dev.fits").write_text("as an earlier version left it, never encrypted")
    assert forecast("--refit") == "fitted anew: as asked for"
    assert not (forecasts(project) / "dev.fits").exists()
    assert kept(project).document.digest() != state.document.digest()


def made_bytes(project) -> tuple[dict[str, object], str]:
    """The document, and the digest of the values' bytes, which are encrypted otherwise each time."""
    document = json.loads((forecasts(project) / "dev.json").read_text())
    return {**document, "made_at": 0, "seconds": 0}, made(project).document.values_digest


def test_the_same_state_and_history_make_the_same_bytes(project, forecast):
    written = []
    for _ in range(2):
        assert forecast() == "those of the last forecast"
        written.append(made_bytes(project))
    assert written[0] == written[1]
    values = written[0][1]
    forecast("--refit")
    assert made_bytes(project)[1] == values  # no hour has come: the fits are what they were


@pytest.mark.parametrize("harm", ["lost", "one bit"])
def test_windows_that_are_kept_change_time_and_nothing_else(project, forecast, harm):
    """Whatever becomes of the file: said again, told, and the same to the byte."""
    learn(project, 336, 340)
    assert forecast() == "those of the last forecast"
    (file,) = (forecasts(project) / "dev.windows").iterdir()
    right, payload = made_bytes(project), bytearray(file.read_bytes())
    assert len(payload) > 10_000
    if harm == "lost":
        file.unlink()
        reason = ""
    else:
        payload[len(payload) // 2] ^= 1
        file.write_bytes(payload)
        reason = "; 1 windows of dev.windows did not open and were said again"
    assert forecast() == "those of the last forecast" + reason
    assert made_bytes(project) == right


def test_windows_that_are_kept_are_not_said_again(project, forecast, monkeypatch):
    """But for the one at the end, of the forecast itself: of hours and of days, whatever hour days end at now."""
    learn(project, 336, 340)
    asked: list[str] = []
    real = Profile.predict

    def counted(self, panel, ahead):
        asked.append(panel.granularity.value)
        return real(self, panel, ahead)

    monkeypatch.setattr(Profile, "predict", counted)
    forecast()
    assert asked.count("hourly") == asked.count("daily") == 1
    shutil.rmtree(forecasts(project) / "dev.windows")
    asked.clear()
    forecast()
    assert asked.count("hourly") > 5 < asked.count("daily")


def test_a_panel_whose_history_grew_is_fitted_anew_and_kept(project, forecast):
    before = kept(project)
    learn(project, 336, 336 + 24)
    told = forecast()
    assert told.startswith("fitted anew: hourly levels: the history grew by 7%; daily levels: the history grew by 7%")
    after = kept(project)
    assert [new.until - old.until for new, old in zip(after.document.panels, before.document.panels, strict=True)] == [
        timedelta(hours=24)
    ] * 2
    assert forecast() == "those of the last forecast"


def test_a_forecast_from_the_past_neither_uses_nor_leaves_models(project, forecast):
    before = what_is_kept(project)
    assert len(before) == 2
    assert forecast("--origin", "2026-03-14T00:00:00") == "fitted anew: an origin in the past"
    assert what_is_kept(project) == before


def what_is_kept(project) -> dict[str, bytes]:
    files = [forecasts(project) / "dev.state", *(forecasts(project) / "dev.windows").iterdir()]
    return {path.name: path.read_bytes() for path in files}


def cut_off(project, file):
    file.write_bytes(file.read_bytes()[:200])


def one_bit(project, file):
    payload = bytearray(file.read_bytes())
    payload[len(payload) // 2] ^= 1
    file.write_bytes(payload)


def newer(project, file):
    payload = kept(project).to_bytes().replace(b'"version": 2', b'"version": 3')
    file.write_bytes(shelf(project).seal.closed(payload, "dev.state"))


def other_fits(project, file):
    state = kept(project)
    file.write_bytes(shelf(project).seal.closed(state.to_bytes() + b"x", "dev.state"))


def another_document(project, file):
    payload = (file.parent / "dev.json").read_bytes()
    file.write_bytes(shelf(project).seal.closed(payload, "dev.state"))


def of_another_environment(project, file):
    state = kept(project)
    other = StateBundle(state.document.model_copy(update={"environment": "prod"}), state.fits)
    file.write_bytes(shelf(project).seal.closed(other.to_bytes(), "dev.state"))


def under_another_name(project, file):
    file.write_bytes(shelf(project).seal.closed(kept(project).to_bytes(), "prod.state"))


def rolled_back(project, file):
    """The state of before the last two refits is put back."""
    old = file.read_bytes()
    for _ in range(2):
        assert run([*FORECAST, "--refit"]) == ExitCode.CLEAN
    file.write_bytes(old)


def not_encrypted(project, file):
    file.write_bytes(Seal(None).closed(kept(project).to_bytes(), "dev.state"))


def key_rotated(project, file):
    assert run(["history", "rotate"]) == ExitCode.CLEAN


def memory_spoiled(project, file):
    (memory,) = (project / ".prestage" / "dev" / "keys").glob("*-state-dev.json")
    memory.write_text(memory.read_text().replace('"counter": 1', '"counter": 0'))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (cut_off, "dev.state is not used: does not open with the history's key: altered, or kept under another key"),
        (one_bit, "dev.state is not used: does not open with the history's key"),
        (key_rotated, "dev.state is not used: does not open with the history's key"),
        (under_another_name, "dev.state is not used: does not open with the history's key"),
        (not_encrypted, "dev.state is not used: is not encrypted, as the history is"),
        (rolled_back, "dev.state was rolled back: it is state 1, and state 3 was kept here"),
        (other_fits, "dev.state is not used: its bytes are not those that were fitted"),
        (newer, "dev.state is not used: is version 3 of prestage/forecast-state"),
        (another_document, "dev.state is not used: holds 'prestage/forecast'"),
        (of_another_environment, "dev.state is of the environment 'prod'"),
        (memory_spoiled, "dev.state is not used: altered"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_was_kept_is_never_trusted_without_a_check(project, forecast, harm, reason):
    """All is fitted anew, with the reason; the next forecast goes on from that."""
    values = made_bytes(project)[1]
    harm(project, forecasts(project) / "dev.state")
    told = forecast()
    assert told.startswith(f"fitted anew: {reason}")
    assert made_bytes(project)[1] == values
    assert forecast() == "those of the last forecast"


def test_nothing_that_is_kept_can_be_read_without_the_key(project, forecast):
    """Names of series and values of the history: in memory, not on the disk."""
    state = kept(project)
    assert b"traffic:fra->ams" in state.to_bytes()
    for payload in what_is_kept(project).values():
        assert payload.count(b"sealed\n") >= 1
        for told in (b"traffic", b"fra->ams", b"level_shape", state.fits[:16], b"float32", b"prestage/forecast-state"):
            assert told not in payload
    keys = project / ".prestage" / "dev" / "keys"
    keys.rename(keys.with_name("elsewhere"))
    assert run(FORECAST) == ExitCode.ERROR


def test_where_the_history_is_not_encrypted_neither_is_the_state(project, capsys):
    file = project / ENVIRONMENT
    file.write_text(file.read_text().replace("key: local", 'key: ""'))
    learn(project, 0, 336)
    assert run(FORECAST) == ExitCode.CLEAN
    assert b"traffic:fra->ams" in (forecasts(project) / "dev.state").read_bytes()
    payload = bytearray((forecasts(project) / "dev.state").read_bytes())
    payload[-1] ^= 1
    (forecasts(project) / "dev.state").write_bytes(payload)
    capsys.readouterr()
    assert run(FORECAST) == ExitCode.CLEAN
    assert "dev.state is not used: altered: its bytes are not those that were written" in capsys.readouterr().err
    file.write_text(file.read_text().replace('key: ""', "key: local"))
    assert run(["history", "encrypt"]) == ExitCode.CLEAN
    assert "what forecasts had kept is removed: dev.state, dev.windows" in capsys.readouterr().err
    assert run(FORECAST) == ExitCode.CLEAN
    assert b"traffic:fra->ams" not in (forecasts(project) / "dev.state").read_bytes()


def test_what_was_learned_of_hours_that_are_forgotten_is_forgotten(project, forecast, capsys):
    assert run(["history", "compact"]) == ExitCode.CLEAN
    assert forecast() == "those of the last forecast"  # nothing was too old
    for name in ("dev.state.json", "dev.fits"):  # as an earlier version left them, never encrypted
        (forecasts(project) / name).write_text("{}")
    capsys.readouterr()
    assert run(["history", "compact", "--keep", "traffic=1"]) == ExitCode.CLEAN
    assert "removed: dev.state.json, dev.fits, dev.state, dev.windows" in capsys.readouterr().err
    assert {path.name for path in forecasts(project).iterdir()} == {"dev.json", "dev.parquet", "dev.paths.parquet"}


def test_other_code_fits_anew(project, forecast, monkeypatch):
    monkeypatch.setattr("prestage.forecast_state.code_digest", lambda: "sha256:other")
    monkeypatch.setattr("prestage.forecasts.code_digest", lambda: "sha256:other")
    told = "fitted anew: what was kept is of another version; dev.windows is not used: is of another version"
    assert forecast() == told


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
    def full(path, payload):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forecast_state, "write_bytes", full)
    monkeypatch.setattr("prestage.forecast_windows.written_whole", lambda path: full(path, b""))
    shutil.rmtree(forecasts(project) / "dev.windows")
    told = forecast("--refit")
    full_disk = "cannot be written: No space left on device"
    assert told == f"fitted anew: as asked for; dev.state {full_disk}; dev.windows {full_disk}"
