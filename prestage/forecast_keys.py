"""A forecast goes with its history's key: closed anew when that is rotated, or when the history is encrypted."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.errors import PrestageError
from contracts.files import ENCRYPTED, read_document, write_bytes
from contracts.forecast import Forecast
from prestage.forecasts import ForecastOrder

if TYPE_CHECKING:
    from forecaster.history.sealing import Seal
    from forecaster.history.vault import Vault


@contextlib.contextmanager
def closed_anew(order: ForecastOrder, before: "Vault") -> Iterator[None]:
    """Closes a forecast's values under the key that the history has once the block has ended well.

    Killed in between, or where they do not open now, they are refused when they are read, and have to be made again.

    Args:
        order: of the environment.
        before: opens the history as it is now.
    """
    from forecaster.history.sealing import Seal

    plain = _opened(order, Seal(before.look().envelope))
    yield
    if plain:
        close = order.closing(Seal(order.history().vault.look().envelope))
        for path, payload in plain.items():
            write_bytes(path, close(payload, path.name))


def _opened(order: ForecastOrder, seal: "Seal") -> dict[Path, bytes]:
    """The bytes of values and paths; those that do not open are left out."""
    with contextlib.suppress(PrestageError, FileNotFoundError):
        document = read_document(Forecast, order.file)
        files = [order.file.with_name(name) for name in (document.values_file, document.paths_file) if name]
        stored = {path: path.read_bytes() for path in files}
        return {
            path: seal.opened(payload, path.name) if payload.startswith(ENCRYPTED) else payload
            for path, payload in stored.items()
        }
    return {}
