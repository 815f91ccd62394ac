"""Pulumi Cloud as far as the CLI asks it: `with pulumi_service() as service:`, its REST API on loopback.

Stacks, states as whole checkpoints, updates with a lease each, one at a time a stack (409), values that are encrypted
(turned round), a token that it takes; every other one is refused (401), and so is none.
"""

import base64
import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
TOKEN = "pul-of-the-test"
ORGANISATION = "acme"


class Answered(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    def body(self) -> Json:
        return {"code": self.code, "message": str(self)}


@dataclass(kw_only=True)
class Stack:
    """One stack: its latest state, how often it was updated, and the update that is under way."""

    name: str
    project: str
    deployment: Json = field(default_factory=dict)
    version: int = 0
    active: str = ""


@dataclass(kw_only=True)
class PulumiService:
    """What it holds.

    Attributes:
        url: where it answers.
        token: the one that it takes.
        stacks: by `project/stack`.
        asked: every request, `METHOD path`.
    """

    url: str = ""
    token: str = TOKEN
    stacks: dict[str, Stack] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    updates: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def answer(self, method: str, path: str, body: Json) -> Json:
        """What a request is answered.

        Raises:
            Answered: it is refused.
        """
        for pattern, act in _ROUTES:
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return act(self, body, *found.groups())
        raise Answered(404, f"Not Found: {method} {path}")

    def stack(self, project: str, name: str) -> Stack:
        if f"{project}/{name}" not in self.stacks:
            raise Answered(404, "Not Found: Stack")
        return self.stacks[f"{project}/{name}"]


@contextmanager
def pulumi_service() -> Iterator[PulumiService]:
    """A service of its own on a free port; ends with the block."""
    service = PulumiService()
    server = _Server(service)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, service: PulumiService) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    server: _Server

    def do_GET(self) -> None:
        service, path = self.server.service, urlsplit(self.path).path
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        try:
            with service.lock:
                service.asked.append(f"{self.command} {path}")
                self._refuse_stranger(service)
                code, answer = 200, service.answer(self.command, path, json.loads(content or b"{}"))
        except Answered as error:
            code, answer = error.code, error.body()
        payload = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else payload)

    do_POST = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server finds them by these names

    def _refuse_stranger(self, service: PulumiService) -> None:
        said = self.headers.get("Authorization", "")
        leases = {stack.active for stack in service.stacks.values() if stack.active} | {service.token}
        if said != f"token {service.token}" and said not in {f"update-token {lease}" for lease in leases}:
            raise Answered(401, "Unauthorized: No credentials provided or are invalid.")

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: tests read `PulumiService.asked`."""


def _user(service: PulumiService, body: Json) -> Json:
    return {"githubLogin": "ann", "name": "Ann", "organizations": [{"githubLogin": ORGANISATION, "name": "Acme"}]}


def _listed(service: PulumiService, body: Json) -> Json:
    return {"stacks": [_shown(stack) for stack in service.stacks.values()]}


def _project(service: PulumiService, body: Json, project: str) -> Json:
    if not any(stack.project == project for stack in service.stacks.values()):
        raise Answered(404, "Not Found: Project")
    return {}


def _make(service: PulumiService, body: Json, project: str) -> Json:
    name = body["stackName"]
    if f"{project}/{name}" in service.stacks:
        raise Answered(409, "Conflict: Stack already exists")
    service.stacks[f"{project}/{name}"] = Stack(name=name, project=project)
    return {}


def _stack(service: PulumiService, body: Json, project: str, name: str) -> Json:
    return _shown(service.stack(project, name))


def _remove(service: PulumiService, body: Json, project: str, name: str) -> Json:
    service.stack(project, name)
    del service.stacks[f"{project}/{name}"]
    return {}


def _exported(service: PulumiService, body: Json, project: str, name: str) -> Json:
    return {"version": 3, "deployment": service.stack(project, name).deployment}


def _created(service: PulumiService, body: Json, project: str, name: str, kind: str) -> Json:
    service.stack(project, name)
    service.updates += 1
    return {"updateID": f"update-{service.updates}"}


def _started(service: PulumiService, body: Json, project: str, name: str, kind: str, update: str) -> Json:
    stack = service.stack(project, name)
    if kind == "preview":
        return {"version": stack.version, "token": service.token}
    if stack.active:
        raise Answered(409, f"Conflict: Another update is currently in progress.\nupdate: {stack.active}")
    stack.active = update
    return {"version": stack.version + 1, "token": update}


def _saved(service: PulumiService, body: Json, project: str, name: str, *where: str) -> Json:
    service.stack(project, name).deployment = body["deployment"] or {}
    return {}


def _saved_verbatim(service: PulumiService, body: Json, project: str, name: str, *where: str) -> Json:
    service.stack(project, name).deployment = body["untypedDeployment"]["deployment"] or {}
    return {}


def _ended(service: PulumiService, body: Json, project: str, name: str, kind: str, update: str) -> Json:
    stack = service.stack(project, name)
    if stack.active == update:
        stack.active, stack.version = "", stack.version + 1
    return {}


def _renewed(service: PulumiService, body: Json, project: str, name: str, kind: str, update: str) -> Json:
    return {"token": service.token if kind == "preview" else update}


def _noted(service: PulumiService, body: Json, *where: str) -> Json:
    return {}


def _turned(field: str, into: str) -> Callable[..., Json]:
    def act(service: PulumiService, body: Json, *where: str) -> Json:
        return {into: _turn(body[field])}

    return act


def _decrypted(service: PulumiService, body: Json, *where: str) -> Json:
    return {"plaintexts": {text: _turn(text) for text in body["ciphertexts"]}}


def _encrypted(service: PulumiService, body: Json, *where: str) -> Json:
    return {"ciphertexts": [_turn(text) for text in body["plaintexts"]]}


def _turn(text: str) -> str:
    return base64.b64encode(base64.b64decode(text)[::-1]).decode()


def _shown(stack: Stack) -> Json:
    shown = {"orgName": ORGANISATION, "projectName": stack.project, "stackName": stack.name}
    return {"id": stack.name, **shown, "activeUpdate": stack.active, "version": stack.version}


_STACK = rf"/api/stacks/{ORGANISATION}/([^/]+)/([^/]+)"
_UPDATE = rf"{_STACK}/(update|preview|destroy|refresh)/([^/]+)"
_ROUTES: tuple[tuple[str, Callable[..., Json]], ...] = (
    ("GET /api/user", _user),
    ("GET /api/user/stacks", _listed),
    (rf"HEAD /api/stacks/{ORGANISATION}/([^/]+)", _project),
    (rf"POST /api/stacks/{ORGANISATION}/([^/]+)", _make),
    (f"GET {_STACK}", _stack),
    (f"DELETE {_STACK}", _remove),
    (f"GET {_STACK}/export", _exported),
    (f"POST {_STACK}/encrypt", _turned("plaintext", "ciphertext")),
    (f"POST {_STACK}/decrypt", _turned("ciphertext", "plaintext")),
    (f"POST {_STACK}/batch-encrypt", _encrypted),
    (f"POST {_STACK}/batch-decrypt", _decrypted),
    (rf"POST {_STACK}/(update|preview|destroy|refresh)", _created),
    (f"POST {_UPDATE}", _started),
    (f"PATCH {_UPDATE}/checkpoint", _saved),
    (f"PATCH {_UPDATE}/checkpointverbatim", _saved_verbatim),
    (f"POST {_UPDATE}/complete", _ended),
    (f"POST {_UPDATE}/cancel", _ended),
    (f"POST {_UPDATE}/renew_lease", _renewed),
    (f"POST {_UPDATE}/events/batch", _noted),
)
