"""Google's REST APIs, as far as our declarations need them: `with gcp_server() as url:`, a server on loopback.

Compute (`gcp_compute.py`), DNS, Storage, Monitoring, Storage Transfer and Network Connectivity (`gcp_other.py`), over
one `GoogleCloud` (`gcp_cloud.py`), which a test may hand in to see what exists and to make things go wrong.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit

from tests.clouds.gcp_cloud import ApiError, Fault, GoogleCloud, Json
from tests.clouds.gcp_compute import Compute
from tests.clouds.gcp_objects import Objects, Raw
from tests.clouds.gcp_other import Dns, Monitoring, NetworkConnectivity, Storage, StorageTransfer
from tests.clouds.loopback import Handler, LoopbackServer, serving

Answer = Callable[[str, str, Json, Json], Json | Raw]


@contextmanager
def gcp_server(cloud: GoogleCloud | None = None) -> Iterator[str]:
    """A server of its own on a free port, with nothing in it but a DNS zone; ends with the block."""
    with serving(_Server(cloud or GoogleCloud())) as url:
        yield url


class _Server(LoopbackServer):
    def __init__(self, cloud: GoogleCloud) -> None:
        super().__init__(_Handler)
        self.cloud = cloud
        self.apis: tuple[tuple[str, Answer], ...] = (
            (r"/compute/(?:v1|beta)/(.*)", Compute(cloud).answer),
            (r"/dns/v1(?:beta2)?/(.*)", Dns(cloud).answer),
            (r"(?:/upload)?/storage/v1/(.*)", Storage(cloud).answer),
            (r"/v3/(.*)", Monitoring(cloud).answer),
            (r"/v1/(transferJobs.*)", StorageTransfer(cloud).answer),
            (r"/v1/(projects/.*)", NetworkConnectivity(cloud).answer),
        )

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # typeshed is narrower than the socket server

    def answer(self, method: str, target: str, body: Json) -> Json | Raw:
        """What a request is answered, by the API that its path belongs to."""
        split = urlsplit(target)
        query: Json = {name: values[-1] for name, values in parse_qs(split.query).items()}
        for pattern, answer in self.apis:
            # The provider's build says `projects/` twice where it goes through Google's client library.
            if found := re.fullmatch(pattern, unquote(split.path).replace("/projects/projects/", "/projects/")):
                with self.cloud.lock:
                    return answer(method, found[1].strip("/"), query, body)
        bucket, _, name = unquote(split.path).strip("/").partition("/")
        if method == "GET" and f"b/{bucket}" in self.cloud.resources:  # as Google's client reads an object
            return Objects(self.cloud).read(bucket, name)
        raise ApiError(404, "notFound", f"no API here answers {split.path}")


class _Handler(Handler):
    server: _Server

    def serve(self) -> None:
        kind, payload = self.headers.get("Content-Type") or "", self.payload()
        body = {"raw": payload, "type": kind} if kind.startswith("multipart/") else json.loads(payload or b"{}")
        fault = self.server.cloud.fault(f"{self.command} {self.path}")
        code, answer = self._answered(body, fault)
        if fault and fault.lost:
            self.close_connection = True
            self.connection.close()
            return
        if not isinstance(answer, Raw):
            answer = Raw(json.dumps(answer).encode(), {"Content-Type": "application/json; charset=UTF-8"})
        self.reply(code, answer.content, answer.headers)

    def _answered(self, body: Json, fault: Fault | None) -> tuple[int, Json | Raw]:
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
