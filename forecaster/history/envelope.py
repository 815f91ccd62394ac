"""`Envelope`: the history's own key, opened. It wraps the files' keys and signs the manifest."""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field

from forecaster.errors import KeyUnavailable
from forecaster.history.aead import Unsealable, derived, new_key, seal, unseal
from forecaster.history.keyring import Kms, Wrapped


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKey:
    """What encrypts one file: its key, and the identity that every part of it is bound to."""

    key: bytes = field(repr=False)
    identity: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The history's key.

    Attributes:
        history: the history's id: two histories under one master key are not taken for each other.
        secret: the key itself, in memory only.
        wrapped: the key as the manifest has it.
    """

    history: str
    secret: bytes = field(repr=False)
    wrapped: Wrapped

    @classmethod
    def new(cls, kms: Kms, history: str = "") -> "Envelope":
        """A new key, of a new history or of one that has an id. What cannot be unwrapped again is never used.

        Raises:
            KeyRefused: the master key cannot be used.
        """
        history = history or secrets.token_hex(8)
        secret = new_key()
        wrapped = kms.wrap(secret, _context(history))
        if not hmac.compare_digest(kms.unwrap(wrapped, _context(history)), secret):
            raise KeyUnavailable(
                "wraps a key and does not give the same one back; nothing was written", where=kms.where
            )
        return cls(history=history, secret=secret, wrapped=wrapped)

    @classmethod
    def opened(cls, kms: Kms, history: str, wrapped: Wrapped) -> "Envelope":
        """The key that a manifest has.

        Raises:
            KeyRefused: the master key does not open it.
        """
        return cls(history=history, secret=kms.unwrap(wrapped, _context(history)), wrapped=wrapped)

    def new_file_key(self, file: str) -> tuple[FileKey, str]:
        """A key for a new file, and its wrapped form."""
        key = new_key()
        return FileKey(key=key, identity=self._identity(file)), self.wrap(file, key)

    def wrap(self, file: str, key: bytes) -> str:
        """A file's key, wrapped: base64."""
        return base64.b64encode(seal(derived(self.secret, "files"), key, f"{self.history}/{file}")).decode()

    def file_key(self, file: str, wrapped: str) -> FileKey:
        """A file's key.

        Raises:
            Unsealable: it was wrapped for another file, or altered.
        """
        try:
            sealed = base64.b64decode(wrapped, validate=True)
        except binascii.Error as error:
            raise Unsealable from error
        key = unseal(derived(self.secret, "files"), sealed, f"{self.history}/{file}")
        return FileKey(key=key, identity=self._identity(file))

    def sign(self, text: str) -> str:
        """HMAC-SHA256 of a text (RFC 2104), hexadecimal."""
        return hmac.new(derived(self.secret, "manifest"), text.encode(), "sha256").hexdigest()

    def signed(self, text: str, signature: str) -> bool:
        """Whether this key signed the text."""
        return hmac.compare_digest(self.sign(text), signature)

    def _identity(self, file: str) -> bytes:
        return f"prestage/history/{self.history}/{file}".encode()


def _context(history: str) -> str:
    return f"prestage/history/{history}"
