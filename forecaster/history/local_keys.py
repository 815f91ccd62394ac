"""`LocalKeys`: master keys in files of their owner's, one file a version, written once and never changed.

keys/             0700
  1-9f86d081.key  0600: number, then the key's fingerprint; the highest number wraps, all of them open
"""

import base64
import binascii
import contextlib
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from forecaster.errors import KeyUnavailable, WrongKey
from forecaster.history.aead import KEY_BYTES, Unsealable, fingerprint, new_key, seal, unseal
from forecaster.history.keyring import Wrapped, of_another_kind

_NAME = re.compile(r"(\d+)-([0-9a-f]{8})\.key")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class LocalKeys:
    """A folder of key files. The first key is made when something is first wrapped."""

    folder: Path
    kind: str = "local"

    @property
    def where(self) -> str:
        return str(self.folder)

    def versions(self) -> tuple[str, ...]:
        """All versions that are here, oldest first: `1-9f86d081`.

        Raises:
            KeyUnavailable: others can look into the folder, or it cannot be read.
        """
        if not self.folder.exists():
            return ()
        _private(self.folder, 0o700)
        try:
            found = [_NAME.fullmatch(path.name) for path in self.folder.iterdir()]
        except OSError as error:
            raise _unreadable(self.folder, error) from error
        return tuple(match[0][:-4] for match in sorted((match for match in found if match), key=_number))

    def wrap(self, secret: bytes, context: str) -> Wrapped:
        """Wraps with the newest version; makes the first one where there is none."""
        versions = self.versions()
        version = versions[-1] if versions else self.renew()
        sealed = seal(self._key(version), secret, context)
        return Wrapped(by=self.kind, version=version, text=base64.b64encode(sealed).decode())

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """Opens with the version that wrapped it."""
        if wrapped.by != self.kind:
            raise of_another_kind(wrapped, self.where)
        versions = self.versions()
        if wrapped.version not in versions:
            raise self._missing(wrapped.version, versions)
        try:
            return unseal(self._key(wrapped.version), base64.b64decode(wrapped.text, validate=True), context)
        except (Unsealable, binascii.Error) as error:
            raise WrongKey(
                "does not open it: it was wrapped for another history, or altered",
                where=str(self._path(wrapped.version)),
            ) from error

    def renew(self) -> str:
        """Makes a new key file, flushed to the disk, which never takes the place of another."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        versions = self.versions()
        number = int(versions[-1].partition("-")[0]) + 1 if versions else 1
        key = new_key()
        version = f"{number}-{fingerprint(key)}"
        _write_once(self._path(version), base64.b64encode(key) + b"\n")
        return version

    def _key(self, version: str) -> bytes:
        """The key of a version that is here.

        Raises:
            KeyUnavailable: others can read it, or it is damaged.
            WrongKey: it is not the key that its name says.
        """
        path = self._path(version)
        _private(path, 0o600)
        try:
            key = base64.b64decode(path.read_bytes().strip(), validate=True)
        except OSError as error:
            raise _unreadable(path, error) from error
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise KeyUnavailable(
                "is damaged: it holds no key", where=str(path), expected="32 bytes in base64", next_step=_RESTORE
            )
        if fingerprint(key) != version.partition("-")[2]:
            raise WrongKey(f"holds key {fingerprint(key)}", where=str(path), expected=f"key {version}")
        return key

    def _path(self, version: str) -> Path:
        return self.folder / f"{version}.key"

    def _missing(self, version: str, versions: tuple[str, ...]) -> KeyUnavailable | WrongKey:
        if not versions:
            return KeyUnavailable("holds no key", where=self.where, expected=f"{version}.key", next_step=_RESTORE)
        return WrongKey(
            f"holds other keys: {', '.join(versions)}", where=self.where, expected=f"{version}.key", next_step=_RESTORE
        )


_RESTORE = "put the key file back from its backup"


def _number(match: re.Match[str]) -> tuple[int, str]:
    return int(match[1]), match[2]


def _private(path: Path, wanted: int) -> None:
    """Refuses what others than its owner can get at."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise _unreadable(path, error) from error
    if mode & _OTHERS:
        raise KeyUnavailable(
            f"is open to others (mode {mode:04o})",
            where=str(path),
            expected=f"mode {wanted:04o}",
            next_step=f"chmod {wanted:o} {path}",
        )


def _unreadable(path: Path, error: OSError) -> KeyUnavailable:
    return KeyUnavailable(f"cannot be read ({error.strerror})", where=str(path), next_step="check whose it is")


def _write_once(path: Path, payload: bytes) -> None:
    """Writes a file whole, for its owner alone, unless there is one of its name.

    Raises:
        FileExistsError: there is one.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
