"""What a forecast says of every hour is encrypted where the history is, and opens wherever plans are made of it."""

import pytest

from contracts.environment import Environment
from contracts.errors import AlteredDocument, MalformedDocument
from contracts.exits import ExitCode
from contracts.files import ENCRYPTED, read_forecast, write_forecast
from contracts.yaml_files import read_yaml_document
from coordinator import forecast_door
from coordinator.forecast_door import forecast_file, forecast_of
from forecaster import make
from forecaster.errors import KeyRefused
from forecaster.history.upkeep import encrypt, rotate
from prestage.failures import run
from prestage.forecast_keys import closed_anew
from prestage.forecast_windows import HEAD
from prestage.forecasts import ForecastOrder
from tests.prestage.test_forecast_state import ENVIRONMENT, FORECAST, learn

VALUES = ("dev.parquet", "dev.paths.parquet")


def environment(project) -> Environment:
    return read_yaml_document(Environment, project / ENVIRONMENT)


def say(project, was: str, now: str) -> None:
    file = project / ENVIRONMENT
    assert was in file.read_text()
    file.write_text(file.read_text().replace(was, now))


def heads(project) -> set[bytes]:
    """What the files of values and paths begin with."""
    folder = forecast_file(project, environment(project)).parent
    return {(folder / name).read_bytes()[:4] for name in VALUES}


def test_values_are_encrypted_and_the_document_is_not(learned, capsys):
    """Its digests are those of the values, whether they are encrypted or not; every reader finds the same."""
    file = forecast_file(learned, environment(learned))
    assert heads(learned) == {ENCRYPTED[:4]} and b"traffic" not in file.with_name("dev.parquet").read_bytes()
    assert '"fra->ams"' in file.read_text()
    with pytest.raises(MalformedDocument, match="is encrypted, as the history"):
        read_forecast(file)
    bundle = forecast_of(learned, environment(learned))
    write_forecast(learned / "plain" / "dev.json", bundle)
    assert (learned / "plain" / "dev.parquet").read_bytes()[:4] == b"PAR1"
    again = read_forecast(learned / "plain" / "dev.json")
    assert again.document == bundle.document and again.paths.keys() == bundle.paths.keys()
    assert run(["forecast", "show", "--series", "traffic:fra->ams"]) == ExitCode.CLEAN
    assert "fra->ams" in capsys.readouterr().out
    assert run(["plan"]) in (ExitCode.CLEAN, ExitCode.CHANGES, ExitCode.UNMET)


def test_an_environment_may_leave_forecasts_plain(learned):
    say(learned, "  key: local", "  encrypt_forecasts: false\n  key: local")
    assert forecast_of(learned, environment(learned)).values  # what was encrypted before opens as it did
    assert run(FORECAST) == ExitCode.CLEAN
    assert heads(learned) == {b"PAR1"}
    (learned / ".prestage/dev/keys").rename(learned / "elsewhere")
    assert forecast_of(learned, environment(learned)).values


def test_a_forecast_goes_with_the_key_of_its_history(learned):
    """Rotated, and encrypted at first: the same values open under the new key."""
    before = forecast_of(learned, environment(learned))
    assert run(["history", "rotate"]) == ExitCode.CLEAN
    assert heads(learned) == {ENCRYPTED[:4]}
    after = forecast_of(learned, environment(learned))
    assert after.document == before.document and after.paths.keys() == before.paths.keys()


def test_a_plain_forecast_is_encrypted_with_its_history(project):
    say(project, "key: local", 'key: ""')
    learn(project, 0, 80)
    assert run(FORECAST) == ExitCode.CLEAN
    assert heads(project) == {b"PAR1"}
    say(project, 'key: ""', "key: local")
    assert forecast_of(project, environment(project)).values  # one of before is read as it is
    assert run(["history", "encrypt"]) == ExitCode.CLEAN
    assert heads(project) == {ENCRYPTED[:4]} and forecast_of(project, environment(project)).values


def meanwhile(monkeypatch, *command: str) -> None:
    """Something else is run once the next forecast has read its history, before it writes anything."""
    real, commands = make.go_on_forecasting, [list(command)]

    def made(*arguments, **settings):
        while commands:
            assert run(commands.pop()) == ExitCode.CLEAN
        return real(*arguments, **settings)

    monkeypatch.setattr(make, "go_on_forecasting", made)


def plain_files(project) -> set[str]:
    """What the files begin with that forecasts keep beside the document, and are not encrypted."""
    folder = forecast_file(project, environment(project)).parent
    stored = {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file() and file.suffix != ".json"}
    assert stored.keys() > {*VALUES, "dev.state"} and len(stored) > 3
    return {name for name, payload in stored.items() if not payload.removeprefix(HEAD).startswith(ENCRYPTED)}


@pytest.mark.parametrize("options", [(), ("--refit",), ("--origin", "2026-03-05T00:00:00")], ids=lambda one: one[:1])
def test_a_history_that_is_encrypted_while_a_forecast_is_made(project, monkeypatch, options):
    """Nothing is left plain of a forecast that began when the history was."""
    say(project, "key: local", 'key: ""')
    learn(project, 0, 80)
    assert run(FORECAST) == ExitCode.CLEAN
    assert plain_files(project) > {*VALUES, "dev.state"}
    say(project, 'key: ""', "key: local")
    meanwhile(monkeypatch, "history", "encrypt")
    assert run([*FORECAST, *options]) == ExitCode.CLEAN
    assert heads(project) == {ENCRYPTED[:4]} and forecast_of(project, environment(project)).values
    assert run(FORECAST) == ExitCode.CLEAN
    assert not plain_files(project)


def test_a_history_that_is_rotated_while_a_forecast_is_made(learned, monkeypatch, capsys):
    before = forecast_of(learned, environment(learned)).document
    meanwhile(monkeypatch, "history", "rotate")
    assert run([*FORECAST, "--refit"]) == ExitCode.CLEAN
    assert forecast_of(learned, environment(learned)).document != before
    capsys.readouterr()
    assert run(FORECAST) == ExitCode.CLEAN
    assert "models: those of the last forecast\n" in capsys.readouterr().err


@pytest.mark.parametrize("first", ["forecast", "rotate"])
def test_a_forecast_that_ends_while_the_key_is_rotated(learned, first):
    """What it wrote stays, and opens: under the key of before it is closed anew, under the new one it is left."""
    order = ForecastOrder(folder=learned, environment=environment(learned))
    history = order.history()
    with closed_anew(order, history.vault):
        if first == "rotate":
            rotate(history)
        learn(learned, 80, 84)
        assert run(FORECAST) == ExitCode.CLEAN
        document = order.file.read_bytes()
        if first == "forecast":
            rotate(history)
    assert order.file.read_bytes() == document and forecast_of(learned, order.environment).values


def test_an_encryption_that_is_killed_is_ended_by_the_next(project, capsys):
    """Once the history is encrypted, and before what forecasts left of it plain is gone."""
    say(project, "key: local", 'key: ""')
    learn(project, 0, 80)
    assert run(FORECAST) == ExitCode.CLEAN
    say(project, 'key: ""', "key: local")
    assert encrypt(ForecastOrder(folder=project, environment=environment(project)).history()) == 1
    capsys.readouterr()
    assert run(["history", "encrypt"]) == ExitCode.CLEAN
    told = capsys.readouterr()
    assert "nothing to encrypt" in told.out and "is removed: dev.state, dev.windows\n" in told.err
    assert heads(project) == {ENCRYPTED[:4]} and forecast_of(project, environment(project)).values
    assert run(FORECAST) == ExitCode.CLEAN
    assert run(["history", "encrypt"]) == ExitCode.CLEAN
    assert not plain_files(project) and "removed" not in capsys.readouterr().err


def test_what_does_not_open_is_refused_and_can_be_made_again(learned):
    order = ForecastOrder(folder=learned, environment=environment(learned))
    values = order.file.with_name("dev.parquet")
    stored = values.read_bytes()
    for spoiled in (stored[:-1] + bytes([stored[-1] ^ 1]), order.file.with_name("dev.paths.parquet").read_bytes()):
        values.write_bytes(spoiled)
        with pytest.raises(AlteredDocument, match="does not open with the history's key") as refused:
            forecast_of(learned, order.environment)
        assert refused.value.next_step == "prestage forecast --env dev"
    values.write_bytes(stored)

    with pytest.raises(RuntimeError), closed_anew(order, order.history().vault):
        raise RuntimeError  # the history's key was not rotated after all
    assert values.read_bytes() == stored
    (learned / ".prestage/dev/keys").rename(learned / "elsewhere")
    forecast_door._seal.cache_clear()  # another process, which has not opened it before
    with pytest.raises(KeyRefused):
        forecast_of(learned, order.environment)
