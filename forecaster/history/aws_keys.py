"""`AwsKeys`: a symmetric key of AWS KMS. Needs the extra `aws`; boto3 is imported when the first call is made.

Permissions: kms:Encrypt and kms:Decrypt; kms:RotateKeyOnDemand for `prestage history rotate`.
https://docs.aws.amazon.com/kms/latest/APIReference/
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias  # Any: what an API answered, at this boundary only

from forecaster.errors import KeyUnavailable, WrongKey
from forecaster.history.keyring import Wrapped, of_another_kind

Reply: TypeAlias = Mapping[str, Any]

_WRONG = ("IncorrectKeyException", "InvalidCiphertextException", "InvalidKeyUsageException")
_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """One key: its ARN, its id or an alias. An ARN says the region; else AWS_REGION does, as for any client."""

    key: str
    kind: str = "awskms"

    @property
    def where(self) -> str:
        return f"{self.kind}:{self.key}"

    def wrap(self, secret: bytes, context: str) -> Wrapped:
        """KMS's Encrypt, bound to the context (its EncryptionContext)."""
        reply = self._call("encrypt", KeyId=self.key, Plaintext=secret, EncryptionContext=_context(context))
        text = base64.b64encode(reply["CiphertextBlob"]).decode()
        return Wrapped(by=self.kind, version=str(reply["KeyId"]), text=text)

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """KMS's Decrypt with this key and no other."""
        if wrapped.by != self.kind:
            raise of_another_kind(wrapped, self.where)
        try:
            blob = base64.b64decode(wrapped.text, validate=True)
        except binascii.Error as error:
            raise WrongKey("does not open it: it was altered", where=self.where, expected=wrapped.version) from error
        reply = self._call("decrypt", KeyId=self.key, CiphertextBlob=blob, EncryptionContext=_context(context))
        return bytes(reply["Plaintext"])

    def renew(self) -> str:
        """Rotates the key's material now; KMS goes on opening what earlier material wrapped."""
        described = self._call("describe_key", KeyId=self.key)["KeyMetadata"]
        self._call("rotate_key_on_demand", KeyId=described["KeyId"])
        return str(described["Arn"])

    def _call(self, operation: str, **arguments: object) -> Reply:
        try:
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise KeyUnavailable(
                "needs boto3, which is not installed", where=self.where, next_step="pip install 'prestage[aws]'"
            ) from error
        try:
            call: Callable[..., Reply] = getattr(self._client(), operation)
            return call(**arguments)
        except ClientError as error:
            raise self._refused(operation, error.response.get("Error", {})) from error
        except BotoCoreError as error:
            raise KeyUnavailable(
                f"cannot be reached: {error}", where=self.where, next_step="check region and credentials: aws sso login"
            ) from error

    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        parts = self.key.split(":")
        region = parts[3] if len(parts) > 5 and parts[0] == "arn" else None
        config = Config(connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"mode": "standard"})
        return boto3.client("kms", region_name=region, config=config)

    def _refused(self, operation: str, told: Reply) -> KeyUnavailable | WrongKey:
        code = str(told.get("Code", "unknown"))
        message = str(told.get("Message", "")) or code
        if operation == "decrypt" and code in _WRONG:
            return WrongKey(f"does not open it: another key wrapped it, or it was altered ({code})", where=self.where)
        needed = {"describe_key": "DescribeKey", "rotate_key_on_demand": "RotateKeyOnDemand"}.get(operation)
        return KeyUnavailable(
            f"{code}: {message}",
            where=self.where,
            expected=f"an enabled symmetric key, and kms:{needed or operation.capitalize()} allowed",
            next_step=f"aws kms describe-key --key-id {self.key}",
        )


def _context(context: str) -> dict[str, str]:
    return {"prestage": context}
