"""The door to an environment's forecast: its values are opened by the history's key where they are encrypted.

The key is asked for when something is found encrypted, once for each state of the history.
"""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.document import bytes_digest
from contracts.environment import Environment
from contracts.errors import AlteredDocument
from contracts.files import Sealing, read_forecast
from contracts.forecast import ForecastBundle

if TYPE_CHECKING:
    from forecaster.history.sealing import Seal


def forecast_of(folder: Path, environment: Environment) -> ForecastBundle:
    """The forecast that plans of an environment are made of.

    Args:
        folder: of the project.
        environment: whose; its history's key opens what is encrypted.

    Raises:
        DocumentError: there is none, or it is not what was written, or under another key.
        KeyRefused: the key is missing or does not open the history.
        HistoryDamaged: the history is not what was written.
    """
    return read_forecast(forecast_file(folder, environment), opener(folder, environment))


def forecast_file(folder: Path, environment: Environment) -> Path:
    """Where the document lies; values and paths lie beside it."""
    return folder / environment.state_dir / "forecasts" / f"{environment.name}.json"


def opener(folder: Path, environment: Environment) -> Sealing:
    """What opens the encrypted files of a forecast."""

    def opened(stored: bytes, name: str) -> bytes:
        from forecaster.errors import SealRefused
        from forecaster.history.manifest import MANIFEST

        state = folder / environment.state_dir
        manifest = state / "history" / MANIFEST
        seen = bytes_digest(manifest.read_bytes()) if manifest.exists() else ""
        try:
            return _seal(folder, state, environment.history.key, seen).opened(stored, name)
        except SealRefused as error:
            where, again = str(state / "forecasts" / name), f"prestage forecast --env {environment.name}"
            raise AlteredDocument(error.what, where=where, next_step=again) from error

    return opened


@lru_cache(maxsize=8)
def _seal(folder: Path, state: Path, key: str, seen: str) -> "Seal":
    """The seal of a history in the state that has the digest `seen`."""
    from forecaster.history.open_keys import KeyPlaces, open_keyring
    from forecaster.history.sealing import Seal
    from forecaster.history.vault import Vault

    keys = open_keyring(key, KeyPlaces(project=folder, state=state))
    return Seal(Vault(state / "history", keys).look().envelope)
