"""What a forecast says of every hour is encrypted where the history is, and opens wherever plans are made of it."""

import contextlib
import shutil
from pathlib import Path

import pytest

from contracts.environment import Environment
from contracts.errors import AlteredDocument, MalformedDocument
from contracts.exits import ExitCode
from contracts.files import ENCRYPTED, read_forecast, write_forecast
from contracts.yaml_files import read_yaml_document
from coordinator import forecast_door
from coordinator.forecast_door import forecast_file, forecast_of
from forecaster.errors import KeyRefused
from prestage.failures import run
from prestage.forecast_keys import closed_anew
from prestage.forecasts import ForecastOrder
from tests.prestage.conftest import ROOT
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


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    """What a project keeps after its first forecast."""
    folder = Path(tmp_path_factory.mktemp("learned"))
    for name in ("environments", "estate"):
        shutil.copytree(ROOT / name, folder / name)
    with contextlib.chdir(folder):
        learn(folder, 0, 80)
        assert run(FORECAST) == ExitCode.CLEAN
    return folder / ".prestage"


@pytest.fixture
def learned(project, kept):
    shutil.copytree(kept, project / ".prestage")
    return project


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
