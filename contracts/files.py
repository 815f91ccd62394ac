"""The only module of `contracts` that touches the disk: documents in and out, whole or not at all.

A file is written to a temporary name beside its target, flushed to the disk, and renamed over it. A forecast is
three files: the description (JSON), the values and the paths (Parquet), tied by digest.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np

from contracts.document import Document, bytes_digest
from contracts.errors import AlteredDocument, MalformedDocument
from contracts.forecast import Forecast, ForecastBundle
from contracts.forecast_paths import paths_from_bytes, paths_to_bytes
from contracts.forecast_values import LARGEST, Values, values_from_bytes, values_to_bytes

D = TypeVar("D", bound=Document)
Sealing = Callable[[bytes, str], bytes]
"""Closes a file's bytes under its name, or opens what was closed."""
ENCRYPTED = b"sealed\n"  # what the bytes of a file begin with that is closed


def write_bytes(path: Path, payload: bytes) -> None:
    """Replaces a file atomically and durably: temporary file, fsync, rename, fsync of the folder.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file is untouched.
    """
    with written_whole(path) as unfinished:
        unfinished.write_bytes(payload)


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place, durably, once the block has ended well.

    Raises:
        OSError: the disk is full or the folder cannot be written; the old file is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield Path(name)
        _sync(Path(name))
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync(path.parent)


def write_document(path: Path, document: Document) -> None:
    """Writes a document sealed with its digest."""
    write_bytes(path, document.sealed().encode())


def read_document(kind: type[D], path: Path) -> D:
    """Reads a sealed document.

    Raises:
        MalformedDocument: no such file, cut off, or not of this kind.
        NewerDocument: written by a later version.
        AlteredDocument: not a byte-for-byte copy of what was written.
    """
    return kind.unseal(read_text(path), where=str(path))


def read_text(path: Path) -> str:
    """The text of a file in UTF-8.

    Raises:
        MalformedDocument: there is none, or it is not UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except FileNotFoundError as error:
        raise MalformedDocument("no such file", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise MalformedDocument(f"is not UTF-8 (byte {error.start})", where=str(path)) from error


def as_it_is(payload: bytes, name: str) -> bytes:
    """Closes nothing."""
    return payload


def not_opened(stored: bytes, name: str) -> bytes:
    """Opens nothing.

    Raises:
        MalformedDocument: always.
    """
    raise MalformedDocument("is encrypted, as the history of its environment is", where=name)


def write_forecast(path: Path, bundle: ForecastBundle, close: Sealing = as_it_is) -> None:
    """Writes the values beside `path` under `document.values_file`, and the paths, then the document itself.

    Args:
        path: of the document, which stays readable.
        bundle: what is written.
        close: what encrypts values and paths.
    """
    payload = values_to_bytes(bundle.values, len(bundle.document.levels))
    if bytes_digest(payload) != bundle.document.values_digest:
        raise AlteredDocument("its values do not have the digest that it names", where=str(path))
    write_bytes(path.parent / bundle.document.values_file, close(payload, bundle.document.values_file))
    if bundle.document.paths_file:
        drawn = paths_to_bytes(bundle.paths)
        if bytes_digest(drawn) != bundle.document.paths_digest:
            raise AlteredDocument("its paths do not have the digest that it names", where=str(path))
        write_bytes(path.parent / bundle.document.paths_file, close(drawn, bundle.document.paths_file))
    write_document(path, bundle.document)


def read_forecast(path: Path, opened: Sealing = not_opened) -> ForecastBundle:
    """Reads a forecast, its values and its paths.

    Args:
        path: of the document.
        opened: opens values and paths where they are encrypted; not asked where they are not.

    Raises:
        DocumentError: as `read_document`.
        AlteredDocument: the values or the paths are not those that the document names.
        MalformedDocument: the values are not of its levels, or hold what no demand can be.
    """
    document = read_document(Forecast, path)
    files = ((document.values_digest, document.values_file), (document.paths_digest, document.paths_file))
    stored, drawn = (_of(digest, path.parent / name, opened) if name else b"" for digest, name in files)
    _check_levels(document.levels, path)
    try:
        values = values_from_bytes(stored, len(document.levels))
    except KeyError as error:
        raise MalformedDocument(
            f"names {len(document.levels)} levels, and its values have others ({error.args[0]})",
            where=str(path),
            next_step="make the forecast again",
        ) from error
    _check_values(values, path.parent / document.values_file)
    return ForecastBundle(document, values, paths=paths_from_bytes(drawn) if drawn else {})


def _check_levels(levels: tuple[float, ...], path: Path) -> None:
    """Raises MalformedDocument where quantile levels do not rise between 0 and 1."""
    if len(levels) < 2 or not all(low < high for low, high in pairwise((0.0, *levels, 1.0))):
        raise MalformedDocument(
            f"its levels are {', '.join(f'{level:g}' for level in levels)}",
            where=str(path),
            expected="two levels or more that rise between 0 and 1",
            next_step="make the forecast again",
        )


def _check_values(values: Values, path: Path) -> None:
    """Raises MalformedDocument where a value is no number, negative, or larger than any demand."""
    for (series, granularity), table in values.items():
        odd = np.argwhere(~((table >= 0) & (table <= LARGEST)))
        if len(odd):
            step, level = odd[0].tolist()
            raise MalformedDocument(
                f"{series} ({granularity}) has the value {table[step, level]:g} at step {step}",
                where=str(path),
                expected=f"a number from 0 to {LARGEST:g}",
                next_step="make the forecast again",
            )


def _of(digest: str, path: Path, opened: Sealing) -> bytes:
    """The bytes of a forecast's file, which must have the digest that the forecast names."""
    payload = _beside(path, next_step="make the forecast again")
    payload = opened(payload, path.name) if payload.startswith(ENCRYPTED) else payload
    if bytes_digest(payload) != digest:
        raise AlteredDocument("its bytes are not the forecast's", where=str(path), next_step="prestage forecast")
    return payload


def _beside(path: Path, next_step: str = "") -> bytes:
    """The bytes of a file that a document names."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MalformedDocument("no such file", where=str(path), next_step=next_step) from error


def _sync(path: Path) -> None:
    """Flushes a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
