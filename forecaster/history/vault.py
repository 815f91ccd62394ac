"""`Vault`: files and manifest of one history, checked when they are read, encrypted when they are written.

    history/
      manifest.json                    which files count, with their digests and wrapped keys, signed
      lock                             held while the history is changed
      keys.lock                        held while its key, and with it that of forecasts, is changed
      traffic/2026-03.<name>.parquet   one kind, some months, sorted; never changed once written

A change writes new files, then the manifest, then remembers the manifest outside of the folder, then removes files that
no manifest names. Killed in between, the manifest that is there names whole files; what it does not name is removed by
the next change.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.document import bytes_digest
from contracts.files import write_bytes
from forecaster.errors import HistoryBusy, HistoryDamaged, HistoryUnwritable, KeyRefused, KeyUnavailable
from forecaster.history.aead import Unsealable
from forecaster.history.envelope import Envelope, FileKey
from forecaster.history.keyring import Keyring
from forecaster.history.manifest import MANIFEST, Manifest, Part, Span, read_manifest
from forecaster.history.memory import check, recall, remember
from forecaster.history.parquet import decode, encode

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_RESTORE = "restore the folder from a backup; or remove it, prestage history verify --accept, and import again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a history holds at one moment, and the key that opens it (none where it is not encrypted)."""

    manifest: Manifest
    envelope: Envelope | None

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.manifest.parts


class Vault:
    """The files of one history.

    Args:
        folder: made when something is first written.
        keys: what opens it; without any, it is read and written as it is: not encrypted.
    """

    def __init__(self, folder: Path, keys: Keyring | None) -> None:
        self.folder = folder
        self.keys = keys

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the lock, waiting for it; the kernel gives it back when the process ends, however it ends.

        Who may only read the history holds it, too.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self.folder / "lock"
        only_read = lock.exists() and not os.access(lock, os.W_OK)
        handle = os.open(lock, os.O_RDONLY if only_read else os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def giving_keys(self) -> Iterator[None]:
        """Holds what only one change of keys holds, from before it looks until all that goes with it is closed anew.

        Raises:
            HistoryBusy: another does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "keys.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise HistoryBusy(
                    "another process is giving it another key",
                    where=str(self.folder),
                    next_step="wait until it has, then run it again",
                ) from error
            yield

    def look(self) -> Contents:
        """What counts now.

        Raises:
            HistoryDamaged: the manifest is not what was written.
            HistoryRolledBack: it is older than what was seen here before.
            KeyRefused: the key does not open it, or none was given.
        """
        seen = recall(self.keys.memory) if self.keys else None  # before the manifest: it may only grow in between
        manifest = read_manifest(self.folder)
        check(seen, manifest, str(self.folder / MANIFEST))
        contents = self.opened(manifest)
        if contents.envelope and (seen is None or seen.counter < manifest.counter):
            self._catch_up(manifest)
        return contents

    def opened(self, manifest: Manifest) -> Contents:
        """A manifest's contents, once its signature holds. What was seen before is not asked."""
        if manifest.key is None:
            return Contents(manifest=manifest, envelope=None)
        where = str(self.folder / MANIFEST)
        if self.keys is None:
            raise KeyUnavailable(
                f"is encrypted ({manifest.key.by} key {manifest.key.version}), and no key is named",
                where=where,
                next_step="name the key in the environment's file: history: {key: local}",
            )
        try:
            envelope = Envelope.opened(self.keys.kms, manifest.history, manifest.key)
        except KeyRefused as error:
            raise type(error)(
                f"cannot be opened: {error.where}: {error.what}",
                where=where,
                expected=error.expected or f"{manifest.key.by} key {manifest.key.version}",
                next_step=error.next_step,
            ) from error
        if not envelope.signed(manifest.canonical(), manifest.signature):
            raise HistoryDamaged("was altered: its signature does not hold", where=where, next_step=_RESTORE)
        return Contents(manifest=manifest, envelope=envelope)

    def for_writing(self, contents: Contents) -> Contents:
        """The same contents with a key to write with, where there is a keyring and none yet."""
        if self.keys is None or contents.envelope is not None:
            return contents
        return Contents(manifest=contents.manifest, envelope=Envelope.new(self.keys.kms))

    def read(self, contents: Contents, part: Part) -> "pa.Table":
        """The rows of a file.

        Raises:
            HistoryDamaged: missing, or not what was written.
        """
        path = self.folder / part.file
        try:
            payload = path.read_bytes()
        except OSError as error:
            raise HistoryDamaged(f"cannot be read ({error.strerror})", where=str(path), next_step=_RESTORE) from error
        if bytes_digest(payload) != part.digest:
            raise HistoryDamaged("is not what was written", where=str(path), next_step=_RESTORE)
        try:
            return decode(payload, self.file_key(contents, part))
        except (Unsealable, OSError, ValueError) as error:
            raise HistoryDamaged("does not open with its key", where=str(path), next_step=_RESTORE) from error

    def file_key(self, contents: Contents, part: Part) -> FileKey | None:
        """What opens a file; None where it is not encrypted.

        Raises:
            Unsealable: the manifest's key is of another file.
        """
        return contents.envelope.file_key(part.file, part.key) if contents.envelope and part.key else None

    def write(self, contents: Contents, span: Span, rows: "pd.DataFrame") -> Part:
        """A new file; it counts once a manifest names it."""
        if contents.envelope is None:
            payload = encode(rows, None)
            digest = bytes_digest(payload)
            file, wrapped = f"{span.kind}/{span.months}.{digest[7:23]}.parquet", ""
        else:
            file = f"{span.kind}/{span.months}.{secrets.token_hex(8)}.parquet"
            key, wrapped = contents.envelope.new_file_key(file)
            payload = encode(rows, key)
            digest = bytes_digest(payload)
        write_bytes(self.folder / file, payload)
        return Part(**span._asdict(), file=file, rows=len(rows), digest=digest, key=wrapped)

    def commit(
        self, contents: Contents, parts: Sequence[Part], *, again: bool = False, forgot: bool = False
    ) -> Manifest:
        """Makes these files the history, and removes all others. Whoever calls holds the lock.

        Args:
            contents: what was there before, with the key to sign with.
            parts: all files that count from now on.
            again: signs a new manifest even where nothing changed.
            forgot: rows of before are gone.
        """
        manifest, envelope = contents.manifest, contents.envelope
        ordered = tuple(sorted(parts, key=lambda part: part.span))
        if again or ordered != contents.parts or (envelope and envelope.wrapped != manifest.key):
            plain = Manifest(parts=ordered, forgot=manifest.forgot + forgot)
            manifest = self._signed(envelope, manifest.counter, plain) if envelope else plain
            write_bytes(self.folder / MANIFEST, manifest.sealed().encode())
            self._remember(manifest)
        self.tidy(manifest)
        return manifest

    def strays(self, manifest: Manifest) -> tuple[Path, ...]:
        """Files in the history's folders that the manifest does not name."""
        named = {part.file for part in manifest.parts}
        found = sorted(self.folder.glob("*/*"))
        return tuple(path for path in found if path.relative_to(self.folder).as_posix() not in named)

    def tidy(self, manifest: Manifest) -> None:
        """Removes what the manifest does not name."""
        for path in self.strays(manifest):
            path.unlink(missing_ok=True)

    def _signed(self, envelope: Envelope, counter: int, plain: Manifest) -> Manifest:
        seen = recall(self.keys.memory) if self.keys else None
        counter = max(counter, seen.counter if seen else 0) + 1
        manifest = plain.model_copy(update={"history": envelope.history, "counter": counter, "key": envelope.wrapped})
        return manifest.model_copy(update={"signature": envelope.sign(manifest.canonical())})

    def _remember(self, manifest: Manifest) -> None:
        if self.keys is None or manifest.key is None:
            return
        try:
            remember(self.keys.memory, manifest)
        except OSError as error:
            raise HistoryUnwritable(
                f"cannot be written ({error.strerror}): the history was changed, but a roll-back would go unseen",
                where=str(self.keys.memory),
                next_step="free some space or change the permissions, then: prestage history verify",
            ) from error

    def _catch_up(self, manifest: Manifest) -> None:
        """Remembers a state that was read, unless somebody is changing the history: they will."""
        assert self.keys
        with contextlib.suppress(OSError):
            handle = os.open(self.folder / "lock", os.O_RDWR)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                seen = recall(self.keys.memory)
                if seen is None or seen.counter < manifest.counter:
                    remember(self.keys.memory, manifest)
            finally:
                os.close(handle)
