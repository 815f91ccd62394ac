"""The port to whoever keeps keys, and what a history needs of it.

master key (in a key file or a cloud's KMS, never in the history)
  wraps the history's key (in the manifest)
    wraps a key for each file (in the manifest)
      encrypts the file
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from contracts.document import Model
from forecaster.errors import WrongKey


class Wrapped(Model):
    """A secret that only its master key opens.

    Attributes:
        by: what kind of key keeper wrapped it: `local`, `awskms`, `gcpkms`.
        version: the master key's name and version, as its keeper says it.
        text: base64.
    """

    by: str
    version: str
    text: str

    @property
    def setting(self) -> str:
        """As an environment would name the master key; a folder of local keys is not known here."""
        return self.by if self.by == "local" else f"{self.by}:{self.version.partition('/cryptoKeyVersions/')[0]}"


def of_another_kind(wrapped: Wrapped, where: str) -> WrongKey:
    """The refusal of a keeper that is handed what another kind of keeper wrapped."""
    return WrongKey(
        f"is not what wrapped the history's key: that was {wrapped.by} key {wrapped.version}",
        where=where,
        next_step=f"prestage history rotate --from {wrapped.setting}, to move it to the key that the environment names",
    )


class Kms(Protocol):
    """Wraps and unwraps short secrets (up to 64 bytes) with a master key that it does not give away.

    Every method raises `KeyUnavailable` where the key is not there, not allowed or out of reach.
    """

    @property
    def kind(self) -> str:
        """What `Wrapped.by` says."""
        ...

    @property
    def where(self) -> str:
        """The key's place, for messages: a folder, an ARN, a resource name."""
        ...

    def wrap(self, secret: bytes, context: str) -> Wrapped:
        """Wraps with the current version, bound to a context that `unwrap` has to repeat."""
        ...

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """Opens what any version wrapped.

        Raises:
            WrongKey: another key wrapped it, or in another context, or it was altered.
        """
        ...

    def renew(self) -> str:
        """Makes a new version of the master key the current one, and names it. Earlier ones go on opening."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """What opens a history.

    Attributes:
        kms: keeps the master key.
        memory: file that remembers the last state seen, so that an older one is found; outside of the history's
            folder, so that what rolls that back does not roll this back.
    """

    kms: Kms
    memory: Path
