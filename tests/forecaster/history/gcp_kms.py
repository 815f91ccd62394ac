"""Google Cloud KMS as far as keys for a history need it: `with gcp_kms() as kms:`, a server on loopback.

Keys are made by naming them; each version encrypts with a key of its own. Errors are told as Google's APIs tell them.
"""

import base64
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from forecaster.history.aead import Unsealable, new_key, seal, unseal

_PATH = re.compile(
    r"/v1/(projects/[^:]*/cryptoKeys/[^:/]+)(:encrypt|:decrypt|:updatePrimaryVersion|/cryptoKeyVersions)"
)


class ApiError(Exception):
    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.answer = {"error": {"code": code, "status": status, "message": message}}


@dataclass
class Key:
    versions: dict[int, bytes] = field(default_factory=lambda: {1: new_key()})
    primary: int = 1
    enabled: bool = True


@dataclass
class Kms:
    """What exists, and what goes wrong next."""

    url: str = ""
    keys: dict[str, Key] = field(default_factory=dict)
    faults: list[ApiError] = field(default_factory=list)
    calls: int = 0

    def answer(self, path: str, body: dict[str, str]) -> dict[str, object]:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        match = _PATH.fullmatch(path)
        if not match or match[1] not in self.keys:
            raise ApiError(404, "NOT_FOUND", f"CryptoKey {path} not found.")
        name, key = match[1], self.keys[match[1]]
        if not key.enabled:
            raise ApiError(400, "FAILED_PRECONDITION", f"{name}/cryptoKeyVersions/{key.primary} is not enabled.")
        if match[2] == "/cryptoKeyVersions":
            key.versions[max(key.versions) + 1] = new_key()
            return {"name": f"{name}/cryptoKeyVersions/{max(key.versions)}", "state": "ENABLED"}
        if match[2] == ":updatePrimaryVersion":
            key.primary = int(body["cryptoKeyVersionId"])
            return {"name": name, "primary": {"name": f"{name}/cryptoKeyVersions/{key.primary}"}}
        context = body.get("additionalAuthenticatedData", "")
        if match[2] == ":encrypt":
            sealed = seal(key.versions[key.primary], base64.b64decode(body["plaintext"]), context)
            return {"name": f"{name}/cryptoKeyVersions/{key.primary}", "ciphertext": base64.b64encode(sealed).decode()}
        return {"plaintext": base64.b64encode(_opened(key, base64.b64decode(body["ciphertext"]), context)).decode()}


def _opened(key: Key, sealed: bytes, context: str) -> bytes:
    for version in key.versions.values():
        try:
            return unseal(version, sealed, context)
        except Unsealable:
            continue
    raise ApiError(400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the correct CryptoKey.")


@contextmanager
def gcp_kms() -> Iterator[Kms]:
    """A server of its own on a free port, without keys; ends with the block."""
    kms = Kms()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            told: Mapping[str, object]
            try:
                code, told = 200, kms.answer(self.path, body)
            except ApiError as error:
                code, told = error.code, error.answer
            payload = json.dumps(told).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    kms.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield kms
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
