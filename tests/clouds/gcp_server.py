"""Google's REST APIs, as far as our declarations need them: `with gcp_server() as url:`, a server on loopback.

Compute (`gcp_compute.py`), DNS, Storage, Monitoring, Storage Transfer and Network Connectivity (`gcp_other.py`), over
one `GoogleCloud` (`gcp_cloud.py`), which a test may hand in to see what exists and to make things go wrong.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from tests.clouds.gcp_cloud import ApiError, Fault, GoogleCloud, Json
from tests.clouds.gcp_compute import Compute
from tests.clouds.gcp_other import Dns, Monitoring, NetworkConnectivity, Storage, StorageTransfer

Answer = Callable[[str, str, Json, Json], Json]


@contextmanager
def gcp_server(cloud: GoogleCloud | None = None) -> Iterator[str]:
    """A server of its own on a free port, with nothing in it but a DNS zone; ends with the block."""
    server = _Server(cloud or GoogleCloud())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, cloud: GoogleCloud) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cloud = cloud
        self.apis: tuple[tuple[str, Answer], ...] = (
            (r"/compute/(?:v1|beta)/(.*)", Compute(cloud).answer),
            (r"/dns/v1(?:beta2)?/(.*)", Dns(cloud).answer),
            (r"(?:/upload)?/storage/v1/(.*)", Storage(cloud).answer),
            (r"/v3/(.*)", Monitoring(cloud).answer),
            (r"/v1/(transferJobs.*)", StorageTransfer(cloud).answer),
            (r"/v1/(projects/.*)", NetworkConnectivity(cloud).answer),
        )

    def answer(self, method: str, target: str, body: Json) -> Json:
        """What a request is answered, by the API that its path belongs to."""
        split = urlsplit(target)
        query: Json = {name: values[-1] for name, values in parse_qs(split.query).items()}
        for pattern, answer in self.apis:
            # The provider's build says `projects/` twice where it goes through Google's client library.
            if found := re.fullmatch(pattern, unquote(split.path).replace("/projects/projects/", "/projects/")):
                with self.cloud.lock:
                    return answer(method, found[1].strip("/"), query, body)
        raise ApiError(404, "notFound", f"no API here answers {split.path}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        fault = self.server.cloud.fault(f"{self.command} {self.path}")
        code, answer = self._answered(body, fault)
        if fault and fault.lost:
            self.close_connection = True
            self.connection.close()
            return
        payload = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _answered(self, body: Json, fault: Fault | None) -> tuple[int, Json]:
        try:
            if fault and (fault.status or fault.hidden):
                code = fault.status or 404
                reason = "notFound" if fault.hidden else fault.reason
                raise ApiError(code, reason, f"{reason}: asked for by the test")
            return 200, self.server.answer(self.command, self.path, body)
        except ApiError as error:
            return error.code, error.body()
        except Exception as error:
            return 500, ApiError(500, "backendError", f"{type(error).__name__}: {error}").body()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: tests read `GoogleCloud.requests`."""
