"""Two real processes at one history: a key is changed by one at a time, and what is forgotten is learned by nobody."""

import contextlib
import multiprocessing
import sys
from importlib import import_module
from multiprocessing.synchronize import Event

import pytest

from contracts.exits import ExitCode
from coordinator.forecast_door import forecast_of
from prestage.failures import run
from tests.prestage.test_forecast_at_rest import VALUES, environment
from tests.prestage.test_forecast_state import FORECAST, forecasts

ANOTHER = multiprocessing.get_context("spawn")  # threads of libraries do not survive a fork
PATIENCE = 60.0


def held_at(command: list[str], module: str, name: str, reached: Event, go_on: Event) -> None:
    """Runs a command that waits once it has done what `name` of a module does."""
    real = getattr(import_module(module), name)

    def held(*arguments, **options):
        done = real(*arguments, **options)
        reached.set()
        assert go_on.wait(PATIENCE)
        return done

    setattr(import_module(module), name, held)
    sys.exit(run(command))


@contextlib.contextmanager
def another(command: list[str], module: str, name: str):
    """Another process runs a command, and has done what `name` does; it goes on, and ends well, after the block."""
    reached, go_on = ANOTHER.Event(), ANOTHER.Event()
    child = ANOTHER.Process(target=held_at, args=(command, module, name, reached, go_on))
    child.start()
    try:
        assert reached.wait(PATIENCE)
        yield
    finally:
        go_on.set()
        child.join(PATIENCE)
    assert child.exitcode == ExitCode.CLEAN


def test_the_key_is_changed_by_one_at_a_time(learned, capsys):
    """Else what a forecast says would stay under the key in the middle, which opens nothing any more."""
    before = forecast_of(learned, environment(learned)).document
    with another(["history", "rotate"], "forecaster.history.upkeep", "rotate"):
        for command in ("rotate", "encrypt"):
            assert run(["history", command]) == ExitCode.BUSY
            assert "another process is giving it another key" in capsys.readouterr().err
        assert run(["history", "show"]) == ExitCode.CLEAN  # readers wait for nobody
    assert forecast_of(learned, environment(learned)).document == before
    assert run(["history", "rotate"]) == ExitCode.CLEAN
    assert forecast_of(learned, environment(learned)).document == before


@pytest.mark.parametrize("options", [(), ("--refit",)], ids=["goes on", "anew"])
def test_what_is_forgotten_while_a_forecast_is_made_of_it_is_not_kept(learned, options):
    left = [forecasts(learned) / name for name in ("dev.state", "dev.windows")]
    assert all(path.exists() for path in left)
    with another([*FORECAST, *options], "forecaster.make", "go_on_forecasting"):
        assert run(["history", "compact", "--keep", "traffic=1"]) == ExitCode.CLEAN
        assert not any(path.exists() for path in left)
    assert not any(path.exists() for path in left)
    assert all((forecasts(learned) / name).exists() for name in VALUES)


def test_what_was_learned_goes_before_its_rows_do(learned, monkeypatch):
    """Killed in between, a forecast learns anew; the other way round it would go on from what is forgotten."""

    def killed(*of, **how):
        raise SystemError

    monkeypatch.setattr("forecaster.history.vault.write_bytes", killed)
    monkeypatch.setattr("forecaster.history.vault.Vault.write", lambda *of: pytest.fail("all rows are too old"))
    with pytest.raises(SystemError):
        run(["history", "compact", "--keep", "traffic=1"])
    assert not (forecasts(learned) / "dev.state").exists()
