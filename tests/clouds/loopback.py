"""Servers of a test's own on loopback, each in a thread, and what their answers have in common."""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = {"content-length", "transfer-encoding", "connection", "server", "date"}
PATIENCE_S = 60.0


class LoopbackServer(ThreadingHTTPServer):
    """A server on a free port; its handler is given by whoever makes one."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)


class Handler(BaseHTTPRequestHandler):
    """Reads whole requests, answers whole, and says nothing beside. What is answered, each says in `serve`."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16

    def do_GET(self) -> None:
        self.serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server finds them by these names

    def serve(self) -> None:
        """Answers one request, whichever its method."""
        raise NotImplementedError

    def payload(self) -> bytes:
        """What comes with a request: of a known length, or in chunks, as uploads do."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while length := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def reply(self, code: int, content: bytes, headers: Mapping[str, str]) -> None:
        """Answers, its length included."""
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)

    def pass_on(self, beyond: str, body: bytes) -> None:
        """Answers as another server does."""
        there = http.client.HTTPConnection(urlsplit(beyond).netloc, timeout=PATIENCE_S)
        try:
            there.request(self.command, self.path, body, {**self.headers, "Connection": "close"})
            answer = there.getresponse()
            content = answer.read()
        finally:
            there.close()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
        self.reply(answer.status, content, kept)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: tests read what a world was asked."""


@contextmanager
def serving(server: LoopbackServer) -> Iterator[str]:
    """The address of a server that answers within the block."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
