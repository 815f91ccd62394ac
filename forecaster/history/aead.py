"""AES-256-GCM over short secrets (NIST SP 800-38D): how a key wraps another. Nonces are random, 96 bits."""

import hashlib
import hmac
import secrets

KEY_BYTES = 32
_NONCE_BYTES = 12


class Unsealable(Exception):
    """Another key, another context, or altered bytes: AES-GCM does not tell which."""


def new_key() -> bytes:
    """A random key of 32 bytes."""
    return secrets.token_bytes(KEY_BYTES)


def derived(key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose: HMAC-SHA256 as a pseudo-random function (RFC 5869, expand with one block)."""
    return hmac.digest(key, purpose.encode() + b"\x01", "sha256")


def fingerprint(key: bytes) -> str:
    """Eight hexadecimal digits that name a key and betray nothing of it."""
    return hashlib.sha256(derived(key, "prestage fingerprint")).hexdigest()[:8]


def seal(key: bytes, secret: bytes, context: str) -> bytes:
    """Encrypts a secret so that it opens with this key and this context only."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    """The secret that was sealed.

    Raises:
        Unsealable: not with this key and context, or not these bytes.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise Unsealable from error
