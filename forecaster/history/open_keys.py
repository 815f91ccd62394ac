"""From what an environment says of its history's key to the keyring that opens it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from forecaster.errors import KeyUnavailable
from forecaster.history.keyring import Keyring, Kms

FORMS = (
    "local",
    "local:FOLDER",
    "awskms:ARN",
    "gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlaces:
    """Where an environment keeps things.

    Attributes:
        project: the project's folder: a relative FOLDER starts there.
        state: the environment's state folder: keys and memory lie in `keys/` there, beside `history/`.
    """

    project: Path
    state: Path


def open_keyring(setting: str, places: KeyPlaces) -> Keyring | None:
    """The keyring of a setting; None where it is empty: the history is not encrypted.

    Nothing is read, made or called yet.

    Raises:
        KeyUnavailable: no such form.
    """
    if not setting:
        return None
    kind, _, rest = setting.partition(":")
    kms = open_kms(setting, places)
    if kind == "local" and rest:  # beside the keys, so that restoring the state folder does not restore it
        digest = hashlib.sha256(str(places.state.resolve()).encode()).hexdigest()[:12]
        return Keyring(kms=kms, memory=Path(kms.where) / f"seen-{digest}.json")
    return Keyring(kms=kms, memory=places.state / "keys" / "seen.json")


def open_kms(setting: str, places: KeyPlaces) -> Kms:
    """Who keeps the master key.

    Raises:
        KeyUnavailable: no such form.
    """
    kind, _, rest = setting.partition(":")
    if kind == "local":
        from forecaster.history.local_keys import LocalKeys

        return LocalKeys(places.project / Path(rest).expanduser() if rest else places.state / "keys")
    if kind == "awskms" and rest:
        from forecaster.history.aws_keys import AwsKeys

        return AwsKeys(rest)
    if kind == "gcpkms" and rest.startswith("projects/"):
        from forecaster.history.gcp_keys import GcpKeys

        return GcpKeys(rest)
    raise KeyUnavailable(f"{setting!r} names no key", where="history.key", expected=" or ".join(FORMS))
