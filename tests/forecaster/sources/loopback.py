"""A web server on loopback whose answers a test writes, byte by byte where it must."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Seen:
    """One request."""

    path: str
    headers: dict[str, str]


@dataclass
class Loopback:
    """Where the server is, and what it was asked."""

    url: str
    asked: list[Seen] = field(default_factory=list)


Answer = Callable[[BaseHTTPRequestHandler], object]


@contextmanager
def loopback(answer: Answer) -> Iterator[Loopback]:
    """Serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(Seen(self.path, {name.lower(): value for name, value in self.headers.items()}))
            answer(self)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up is what some tests are about."""

    listening = Server(("127.0.0.1", 0), Handler)
    server = Loopback(f"http://127.0.0.1:{listening.server_port}")
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """A whole answer."""
    handler.send_response(status)
    handler.send_header("Content-Length", headers.pop("content_length", str(len(body))))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Ends the connection without another byte."""
    handler.connection.shutdown(socket.SHUT_RDWR)
