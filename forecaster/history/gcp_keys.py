"""`GcpKeys`: a symmetric key of Google Cloud KMS, over REST. Needs the extra `gcp`; its packages are imported late.

Permissions: roles/cloudkms.cryptoKeyEncrypterDecrypter; for `prestage history rotate` also
cloudkms.cryptoKeyVersions.create and cloudkms.cryptoKeys.update. https://cloud.google.com/kms/docs/reference/rest
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias  # Any: what an API answered, at this boundary only

from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_random_exponential

from forecaster.errors import KeyUnavailable, WrongKey
from forecaster.history.keyring import Wrapped, of_another_kind

Reply: TypeAlias = Mapping[str, Any]

_API = "https://cloudkms.googleapis.com"
_ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"  # the variable by which gcloud itself is sent elsewhere
_SCOPES = ("https://www.googleapis.com/auth/cloudkms",)
_TIMEOUT_S = 10
_ATTEMPTS = 4
_LATER = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class GcpKeys:
    """One key: `projects/P/locations/L/keyRings/R/cryptoKeys/K`."""

    key: str
    kind: str = "gcpkms"

    @property
    def where(self) -> str:
        return f"{self.kind}:{self.key}"

    def wrap(self, secret: bytes, context: str) -> Wrapped:
        """KMS's encrypt with the primary version; the context is its additional authenticated data."""
        reply = self._post(":encrypt", plaintext=_text(secret), additionalAuthenticatedData=_text(context.encode()))
        return Wrapped(by=self.kind, version=str(reply["name"]), text=str(reply["ciphertext"]))

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """KMS's decrypt, which finds the version itself."""
        if wrapped.by != self.kind:
            raise of_another_kind(wrapped, self.where)
        reply = self._post(":decrypt", ciphertext=wrapped.text, additionalAuthenticatedData=_text(context.encode()))
        try:
            return base64.b64decode(str(reply.get("plaintext", "")), validate=True)
        except binascii.Error as error:
            raise KeyUnavailable("answered with what is not base64", where=self.where) from error

    def renew(self) -> str:
        """Makes a new version and lets it be the primary one; earlier versions go on opening."""
        version = str(self._post("/cryptoKeyVersions")["name"])
        self._post(":updatePrimaryVersion", cryptoKeyVersionId=version.rpartition("/")[2])
        return version

    def _post(self, what: str, **body: str) -> Reply:
        patiently = Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            retry=retry_if_result(lambda answer: answer[0] in _LATER),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else (0, {}),
        )
        status, told = patiently(self._send, what, body)
        if status != 200:
            raise self._refused(what, status, told)
        return told

    def _send(self, what: str, body: Mapping[str, str]) -> tuple[int, Reply]:
        try:
            from google.auth.exceptions import GoogleAuthError
            from requests.exceptions import RequestException
        except ImportError as error:
            raise KeyUnavailable(
                "needs google-auth and requests, which are not installed",
                where=self.where,
                next_step="pip install 'prestage[gcp]'",
            ) from error
        endpoint = os.environ.get(_ENDPOINT, "").rstrip("/")
        try:
            with _session(anonymous=bool(endpoint)) as session:
                answer = session.post(f"{endpoint or _API}/v1/{self.key}{what}", json=dict(body), timeout=_TIMEOUT_S)
                return answer.status_code, dict(answer.json())
        except GoogleAuthError as error:
            raise KeyUnavailable(
                f"no credentials: {error}", where=self.where, next_step="gcloud auth application-default login"
            ) from error
        except (RequestException, ValueError) as error:
            raise KeyUnavailable(f"cannot be reached: {error}", where=self.where) from error

    def _refused(self, what: str, status: int, told: Reply) -> KeyUnavailable | WrongKey:
        error = told.get("error", {})
        reason, message = str(error.get("status", status)), str(error.get("message", ""))
        if what == ":decrypt" and reason == "INVALID_ARGUMENT":
            return WrongKey(
                f"does not open it: another key wrapped it, or it was altered ({message})", where=self.where
            )
        return KeyUnavailable(
            f"{reason}: {message}",
            where=self.where,
            expected="an enabled key for symmetric encryption, and roles/cloudkms.cryptoKeyEncrypterDecrypter on it",
            next_step=f"gcloud kms keys describe {self.key}",
        )


def _session(*, anonymous: bool) -> Any:
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession

    found = AnonymousCredentials() if anonymous else google.auth.default(scopes=_SCOPES)[0]
    return AuthorizedSession(found)


def _text(secret: bytes) -> str:
    return base64.b64encode(secret).decode()
