"""How what a forecast keeps lies on the disk: encrypted where the history is, under a key derived from the history's.

What models learned and what they said holds values of the history, so that whoever may not read the one may not read
the other. A new key of the history (`prestage history rotate`) makes what was kept unreadable; all of it can be made
again.
"""

from dataclasses import dataclass

from contracts.document import bytes_digest
from forecaster.errors import SealRefused
from forecaster.history.aead import Unsealable, derived, seal, unseal
from forecaster.history.envelope import Envelope

SEALED, PLAIN = b"sealed", b"plain "


@dataclass(frozen=True, slots=True)
class Seal:
    """Closes and opens bytes.

    Attributes:
        envelope: the history's opened key; None where the history is not encrypted.
        forgot: how often the history had forgotten rows when it was opened.
    """

    envelope: Envelope | None
    forgot: int = 0

    def closed(self, payload: bytes, name: str) -> bytes:
        """Bytes for the disk, bound to a name and to this history; without a key they carry their digest."""
        if self.envelope is None:
            return PLAIN + bytes_digest(payload).encode() + b"\n" + payload
        return SEALED + b"\n" + seal(self._key(self.envelope), payload, self._context(self.envelope, name))

    def opened(self, stored: bytes, name: str) -> bytes:
        """What was closed under this name.

        Raises:
            SealRefused: altered, of another name or history, under another key, or not encrypted as the history is.
        """
        head = stored[: stored.find(b"\n") + 1].rstrip(b"\n")
        if head == SEALED:
            return self._unsealed(stored[len(head) + 1 :], name)
        if not head.startswith(PLAIN):
            raise SealRefused("is nothing that a forecast kept", where=name)
        if self.envelope is not None:
            raise SealRefused("is not encrypted, as the history is", where=name)
        payload = stored[len(head) + 1 :]
        if bytes_digest(payload).encode() != head[len(PLAIN) :]:
            raise SealRefused("altered: its bytes are not those that were written", where=name)
        return payload

    def _unsealed(self, sealed: bytes, name: str) -> bytes:
        if self.envelope is None:
            raise SealRefused("is encrypted, and the history is not", where=name)
        try:
            return unseal(self._key(self.envelope), sealed, self._context(self.envelope, name))
        except Unsealable as error:
            what = "does not open with the history's key: altered, or kept under another key"
            raise SealRefused(what, where=name) from error

    @staticmethod
    def _key(envelope: Envelope) -> bytes:
        return derived(envelope.secret, "forecasts")

    @staticmethod
    def _context(envelope: Envelope, name: str) -> str:
        return f"prestage/forecasts/{envelope.history}/{name}"
