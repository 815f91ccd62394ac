"""A Pulumi language host for Python, for a CLI that was built from Go modules.

Where it stands: `pulumi` starts `pulumi-language-python ENGINE_ADDRESS`, reads the port from its first line, and asks
it over gRPC to run programs (`Run`: one process until it ends) and plugins such as policy packs (`RunPlugin`: a
process whose output is streamed). The official archive carries a Go host that does this; as a Go module it is not to
be had. `tools/engines.py` installs this file beside the CLI with a launcher that finds the Python to run it by.

Protocol: `proto/pulumi/language.proto` in the Pulumi repository; `pulumi-language-python-exec`, which prepares the
runtime inside the program's process, comes from the Go module of the CLI's version.
"""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO


def _without_package_init(*names: str) -> None:
    """Makes `names` importable without running their `__init__`: the messages alone are wanted, 0.15 s sooner."""
    for name in names:
        parent, _, _ = name.rpartition(".")
        spec = importlib.machinery.PathFinder.find_spec(name, sys.modules[parent].__path__ if parent else None)
        if spec is None or spec.submodule_search_locations is None:
            sys.exit(
                f"pulumi-language-python: {sys.executable} has no pulumi package. Put the environment that has it "
                "first on PATH (`source .venv/bin/activate`) and run the command again."
            )
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = list(spec.submodule_search_locations)


_without_package_init("pulumi", "pulumi.runtime")

import grpc  # noqa: E402 - after what spares their packages' `__init__`
from google.protobuf import empty_pb2, struct_pb2  # noqa: E402 - after what spares their packages' `__init__`
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402 - after what spares their packages' `__init__`

EXEC = Path(__file__).with_name("pulumi-language-python-exec")
SHOWN_TO_USER = 32  # exit code of EXEC when it has reported the error itself
MAX_MESSAGE_BYTES = 400 * 1024 * 1024  # what the engine allows: sdk/go/common/util/rpcutil/serve.go
STOP_S = 5.0  # how long a child may take to stop before it is killed


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs Python programs and plugins for one engine process, and stops them when it is told to."""

    def __init__(self, engine_address: str) -> None:
        self._engine_address = engine_address
        self._children: set[subprocess.Popen[bytes]] = set()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        self._engine_address = request.engine_address or self._engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Promises nothing ahead: providers are named in Pulumi.yaml or found when the program asks for them."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        return language_pb2.GetRequiredPluginsResponse()

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        message = "Dependencies are the project's environment: nothing is installed here.\n"
        yield language_pb2.InstallDependenciesResponse(stderr=message.encode())

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Runs a program to its end; its output is ours, which the engine shows."""
        child = self._start(
            [_python(request.info), str(EXEC), *self._run_options(request), _program(request.info), *request.args],
            directory=request.pwd,
            variables={
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
        )
        code = self._wait(child)
        if code == SHOWN_TO_USER:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {code}" if code else "")

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Runs a plugin, streaming what it prints; the engine drops the call when it wants the plugin gone."""
        child = self._start(
            [_python(request.info), "-u", _program(request.info), *request.args],
            directory=request.pwd,
            variables=dict(pair.split("=", 1) for pair in request.env),
            piped=True,
        )
        if not context.add_callback(lambda: _stop(child)):
            _stop(child)
        yield from _output(child)
        yield language_pb2.RunPluginResponse(exitcode=self._wait(child))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.stop()
        return empty_pb2.Empty()

    def stop(self) -> None:
        """Stops every program and plugin that still runs."""
        for child in tuple(self._children):
            _stop(child)

    def _run_options(self, request: language_pb2.RunRequest) -> list[str]:
        options = {
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "organization": request.organization,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
        }
        return [part for name, value in options.items() if value for part in (f"--{name}", value)]

    def _start(
        self, command: list[str], *, directory: str, variables: dict[str, str], piped: bool = False
    ) -> subprocess.Popen[bytes]:
        output = subprocess.PIPE if piped else None
        child = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        self._children.add(child)
        return child

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        code = child.wait()
        self._children.discard(child)
        return code


def _program(info: language_pb2.ProgramInfo) -> str:
    return str(Path(info.program_directory) / info.entry_point)


def _python(info: language_pb2.ProgramInfo) -> str:
    """The program's interpreter: that of `runtime.options.virtualenv` in Pulumi.yaml where it exists, else our own."""
    option = info.options.fields.get("virtualenv", struct_pb2.Value()).string_value
    named = Path(info.root_directory) / option / "bin" / "python"
    return str(named) if option and named.exists() else sys.executable


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()


def _output(child: subprocess.Popen[bytes]) -> Iterator[language_pb2.RunPluginResponse]:
    """What `child` prints, in the order it comes, until both its streams are closed."""
    messages: queue.Queue[language_pb2.RunPluginResponse | None] = queue.Queue()

    def pump(stream: IO[bytes], message: Callable[[bytes], language_pb2.RunPluginResponse]) -> None:
        for line in stream:
            messages.put(message(line))
        messages.put(None)

    pumps = (
        (child.stdout, lambda line: language_pb2.RunPluginResponse(stdout=line)),
        (child.stderr, lambda line: language_pb2.RunPluginResponse(stderr=line)),
    )
    for arguments in pumps:
        threading.Thread(target=pump, args=arguments, daemon=True).start()
    for _ in pumps:
        yield from iter(messages.get, None)


def _serve(engine_address: str) -> None:
    """Serves until the engine signals, cancels or is gone; a killed engine leaves no program behind."""
    engine_pid, stopped = os.getppid(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    host = LanguageHost(engine_address)
    limits = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ]
    server = grpc.server(ThreadPoolExecutor(max_workers=16), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    while not stopped.wait(0.5) and os.getppid() == engine_pid:
        pass
    host.stop()
    server.stop(grace=None)


if __name__ == "__main__":
    positional = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    _serve(positional[-1] if positional else "")
