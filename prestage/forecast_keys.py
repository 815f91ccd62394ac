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

    They are read only then: a forecast may have ended meanwhile, and what it wrote is never replaced by what lay there
    before. Killed in between, or where they open neither way, they are refused when they are read, and have to be made
    again.

    Args:
        order: of the environment.
        before: opens the history as it is now.

    Raises:
        HistoryBusy: another process does the same; between two keys, values would stay under the one in the middle.
    """
    from forecaster.history.sealing import Seal

    with before.giving_keys():
        old = Seal(before.look().envelope)
        yield
        history = order.history()
        with history.vault.locked():
            close = order.closing(Seal(history.vault.look().envelope))
            for path, payload in _opened(order, old):
                write_bytes(path, close(payload, path.name))


def _opened(order: ForecastOrder, old: "Seal") -> Iterator[tuple[Path, bytes]]:
    """The bytes of values and paths that are not encrypted, or under the old key."""
    names: tuple[str, ...] = ()
    with contextlib.suppress(PrestageError):
        document = read_document(Forecast, order.file)
        names = (document.values_file, document.paths_file)
    for path in (order.file.with_name(name) for name in names if name):
        with contextlib.suppress(PrestageError, FileNotFoundError):
            stored = path.read_bytes()
            yield path, old.opened(stored, path.name) if stored.startswith(ENCRYPTED) else stored
