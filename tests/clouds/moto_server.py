"""moto as a server of its own process: `with moto_server() as url:`. Run as a script, it is that process.

It answers whole: werkzeug writes a response in pieces, and under load a client that loses one creates twice. It ends
with its parent, whichever way that ends: it watches its standard input.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

START_S = 60.0  # importing moto on a busy machine
OTHER_ACCOUNT = "222222222222"
DEFAULT_ACCOUNT = "123456789012"  # what moto takes whoever assumes no role for


@contextmanager
def moto_server() -> Iterator[str]:
    """A server of its own with nothing in it, on a free port; ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        late = threading.Timer(START_S, process.kill)
        late.start()
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            late.cancel()
            if not url:
                raise RuntimeError(f"moto did not start within {START_S:.0f} s: exit code {process.wait()}")
            yield url
        finally:
            late.cancel()
            process.kill()


def aws_environ() -> dict[str, str]:
    """The process's variables with credentials that moto takes, and none that lead to a real account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _serve() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    WSGIRequestHandler.wbufsize = 1 << 16  # whole responses
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    _serve()
