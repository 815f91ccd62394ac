"""A provider that stands where pulumi-resource-aws and -gcp would, for tests: it takes any type and makes nothing.

It returns inputs with made-up ids and computed attributes, remembers what it made (`tests.clouds.recorded_world`), so
that a refresh shows what was changed or deleted from outside, and replaces on the arguments on which the real
Terraform provider replaces (`replacing.json`, which says where it comes from).

Two ways to it: `serve_recording(folder)` serves both clouds from this process and sets PULUMI_DEBUG_PROVIDERS; the
executables in `tests/clouds/plugins` are what an engine starts itself, by PATH or `plugins.providers` of Pulumi.yaml,
with the folder in PRESTAGE_RECORDING.

What it received is a file of JSON lines, `<folder>/received.jsonl`, one for each create, update and delete in the order
in which they came; `tests.laws.parity.registrations` makes the same lines from the registrations of a program, without
an engine:

    action        create, update or delete; `register` where it is a program's
    type          the type token: aws:ec2/vpc:Vpc
    urn           the engine's; made up where it is a program's
    name          the declaration's key
    inputs        Pulumi's names (camelCase, blocks that repeat in the plural); references are values by now: the id or
                  attribute of another line
    outputs       inputs and computed attributes, by which a value in `inputs` is traced to the resource it came from:
                  each made-up value occurs once in all the world
    id            as the cloud would call it
    dependencies  names that it depends on, sorted; null from the provider, which is not told
    provider      name of the explicit provider (the account), empty without one; null from the provider
"""

import collections.abc
import hashlib
import json
import os
import signal
import sys
import threading
import typing
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi import _types as output_types
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from stacks.engines.pulumi_engine.classes import class_of
from stacks.engines.pulumi_engine.naming import type_of
from tests.clouds.recorded_world import Failed, Json, RecordedWorld

PACKAGES = ("aws", "gcp")
FOLDER = "PRESTAGE_RECORDING"
REPLACING = Path(__file__).with_name("replacing.json")
VERSION = "99.0.0"  # newer than what any package asks for
EITHER = frozenset({"address", "vpnInterfaces", "tunnel1PresharedKey", "tunnel2PresharedKey"})
"""Arguments that a cloud chooses where they are not given, and that others refer to."""
DEPTH = 3  # of made-up blocks within blocks


class RecordingProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine for any type of either cloud."""

    def __init__(self, world: RecordedWorld) -> None:
        self._world = world

    def Handshake(self, request, context):
        return provider_pb2.ProviderHandshakeResponse(accept_resources=False, accept_secrets=False)

    def Attach(self, request, context):
        return empty_pb2.Empty()

    def Cancel(self, request, context):
        return empty_pb2.Empty()

    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request, context):
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "recording", "version": VERSION}))

    def CheckConfig(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request, context):
        return provider_pb2.ConfigureResponse(supportsPreview=True, acceptResources=False, acceptSecrets=False)

    def Check(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request, context):
        """What differs from what is there; a replacement where the real provider's plan says so."""
        after, there = _plain(request.news), _plain(request.olds)
        before = {name: there[name] for name in after if name in there} | _plain(request.old_inputs)
        ignored = set(request.ignoreChanges)
        changed = [
            name for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name) and name not in ignored
        ]  # fmt: skip
        replaces = replacing().get(_token(request.urn), ())
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changed else response.DIFF_NONE,
            diffs=changed,
            replaces=[name for name in changed if name in replaces],
        )

    def Create(self, request, context):
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        inputs, token = _plain(request.properties), _token(request.urn)
        with _told(context):
            row = self._world.create(token, request.urn, inputs, {**computed(token, request.urn), **inputs})
        return provider_pb2.CreateResponse(id=row.id, properties=_struct(row.outputs))

    def Read(self, request, context):
        """As it is now: inputs follow what was changed from outside. Without an id in the answer it is gone."""
        row = self._world.read(request.id)
        if row is None or row.token != _token(request.urn):
            return provider_pb2.ReadResponse()
        inputs = {name: row.outputs.get(name, value) for name, value in row.inputs.items()}
        return provider_pb2.ReadResponse(id=row.id, inputs=_struct(inputs), properties=_struct(row.outputs))

    def Update(self, request, context):
        if request.preview:
            return provider_pb2.UpdateResponse(properties=_struct({**_plain(request.olds), **_plain(request.news)}))
        inputs = _plain(request.news)
        with _told(context):
            row = self._world.update(request.id, request.urn, inputs, {**_plain(request.olds), **inputs})
        return provider_pb2.UpdateResponse(properties=_struct(row.outputs))

    def Delete(self, request, context):
        self._world.delete(request.id, request.urn)
        return empty_pb2.Empty()


@contextmanager
def serve_recording(folder: Path) -> Iterator[RecordedWorld]:
    """Serves both clouds from this process to every engine that is started meanwhile."""
    world = RecordedWorld(folder)
    server, port = _serve(world)
    before = os.environ.get("PULUMI_DEBUG_PROVIDERS")
    os.environ["PULUMI_DEBUG_PROVIDERS"] = ",".join(f"{package}:{port}" for package in PACKAGES)
    try:
        yield world
    finally:
        if before is None:
            del os.environ["PULUMI_DEBUG_PROVIDERS"]
        else:
            os.environ["PULUMI_DEBUG_PROVIDERS"] = before
        server.stop(grace=None).wait()


@cache
def replacing() -> Mapping[str, frozenset[str]]:
    """By token, the properties whose change replaces the resource."""
    table = json.loads(REPLACING.read_text())["replacing"] if REPLACING.exists() else {}
    return {token: frozenset(names) for token, names in table.items()}


def computed(token: str, urn: str) -> dict[str, Json]:
    """Made-up values of everything that a resource of this type can say of itself."""
    name = urn.split("::", 3)[3]
    properties = dict(_outputs(token))
    return {
        property: _made_up(hint, property, f"{token} {name} {property}", DEPTH)
        for property, hint in properties.items()
        if property not in ("id", "urn")
    }


@cache
def _outputs(token: str) -> Mapping[str, object]:
    """By property, the type of everything that the cloud alone says, or says where it is not given."""
    declared = type_of(token)
    if declared is None:
        return {}
    found = class_of(declared)
    assert isinstance(found.make, type)
    given = output_types.input_type_types(found.inputs).keys() - EITHER
    return {name: hint for name, hint in output_types.resource_types(found.make).items() if name not in given}


def _made_up(hint: object, name: str, seed: str, depth: int) -> Json:
    """A value of the type that an annotation asks for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        return _made_up(next(each for each in arguments if each is not type(None)), name, seed, depth)
    if origin in (list, collections.abc.Sequence):
        inner = [_made_up(arguments[0], name, f"{seed}.{number}", depth - 1) for number in range(2 if depth else 0)]
        return [each for each in inner if isinstance(each, dict)]
    if origin in (dict, collections.abc.Mapping):
        return {}
    if isinstance(hint, type) and output_types.is_output_type(hint) and depth:
        fields = output_types.output_type_types(hint).items()
        return {each: _made_up(its, each, f"{seed}.{each}", depth - 1) for each, its in fields}
    digest = hashlib.sha256(seed.encode()).hexdigest()
    if hint is bool:
        return False
    if hint in (int, float):
        return int(digest[:6], 16)
    return _text(name, digest)


def _text(name: str, digest: str) -> str:
    words = name.lower()
    if words.endswith(("ip", "address")):
        return f"100.{64 + int(digest[:2], 16) % 64}.{int(digest[2:4], 16)}.{int(digest[4:6], 16)}"
    if words.endswith("arn"):
        return f"arn:aws:made-up:::{digest[:12]}"
    return f"https://made-up.invalid/{digest[:12]}" if words.endswith("link") else f"{words}-{digest[:12]}"


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _plain(struct: struct_pb2.Struct) -> dict[str, Json]:
    """Properties as JSON: whole numbers whole, what is not known yet as Pulumi's mark of it."""
    found = _whole(json_format.MessageToDict(struct))
    assert isinstance(found, dict)
    return {name: value for name, value in found.items() if name != "__defaults"}


def _whole(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _struct(values: Mapping[str, Json]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    json_format.ParseDict(dict(values), struct)
    return struct


@contextmanager
def _told(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except Failed as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _serve(world: RecordedWorld) -> tuple[grpc.Server, int]:
    server = grpc.server(ThreadPoolExecutor(max_workers=16))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(RecordingProvider(world), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main() -> None:
    """Serves one engine until it signals or is gone; the first line says on which port."""
    engine, stopped = os.getppid(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    server, port = _serve(RecordedWorld(Path(os.environ[FOLDER])))
    print(port, flush=True)
    while not stopped.wait(0.2) and os.getppid() == engine:
        pass
    server.stop(grace=1).wait()
    sys.exit(0)


if __name__ == "__main__":
    main()
