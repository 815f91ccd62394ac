"""The estate's Pulumi provider: a thin servicer over the inventory's create, read, update and delete.

Where it stands: the engine of Pulumi asks it over gRPC (`proto/pulumi/provider.proto`). `prestage apply` serves it
from its own process to all stacks at once (`serve`, named in PULUMI_DEBUG_PROVIDERS); under a bare `pulumi up` the
engine starts `pulumi-resource-estate`, which is `main`. Type tokens are `estate:index:Compute` for `estate_compute`,
and properties bear the names of `stacks.estate.kinds`.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from contracts.errors import PrestageError
from stacks.declaration import Value
from stacks.errors import InvalidArgument, StacksError
from stacks.estate.checks import check_arguments, kind_of
from stacks.estate.inventory import Inventory, resource_id, split_id
from stacks.estate.kinds import KINDS, FieldType, Kind
from stacks.estate.patience import patiently

NAME, VERSION = "estate", "0.1.0"
UNKNOWN = (
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # a string not known before apply: sdk/go/common/resource/plugin/rpc.go
)
MAX_MESSAGE_BYTES = 400 * 1024 * 1024  # what the engine allows: sdk/go/common/util/rpcutil/serve.go
WATCH_S = 0.5


def token_of(type: str) -> str:
    """`estate_compute` -> `estate:index:Compute`."""
    return f"{NAME}:index:{type.removeprefix('estate_').capitalize()}"


def type_of(token: str) -> str:
    """`estate:index:Compute` -> `estate_compute`."""
    return f"estate_{token.rpartition(':')[2].lower()}"


class EstateProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine. One may serve many stacks at once: it keeps nothing but the inventory.

    Args:
        inventory: the file; None to take it from the provider's configuration (`estate:inventory`, relative to the
            folder of Pulumi.yaml), which is how a bare `pulumi up` names it.
    """

    def __init__(self, inventory: Path | None = None) -> None:
        self._path = inventory

    def close(self) -> None:
        """Lets go of the inventory's file."""
        if "_inventory" in self.__dict__:
            self._inventory.close()

    @cached_property
    def _inventory(self) -> Inventory:
        if self._path is None:
            raise StacksError(
                "no inventory is configured",
                where="provider estate",
                next_step="pulumi config set estate:inventory .prestage/<environment>/estate.db",
            )
        return Inventory(self._path)

    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(accept_resources=False, accept_secrets=False)

    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Nothing to stop: every call is one short transaction."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=json.dumps(package_schema()))

    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Another path to the inventory is no reason to make every resource anew."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        configured = request.args.fields["inventory"].string_value if "inventory" in request.args.fields else ""
        if self._path is None and configured:
            self._path = _project_folder() / configured
        return provider_pb2.ConfigureResponse(supportsPreview=True, acceptResources=False, acceptSecrets=False)

    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Passes inputs on as they are; names the first that is wrong, unless it is not known yet."""
        kind = _kind(request.urn)
        arguments = _arguments(kind, request.news)
        failures = []
        if UNKNOWN not in arguments.values():
            try:
                check_arguments(kind, str(arguments.get("key", "")), arguments)
            except InvalidArgument as error:
                failures.append(provider_pb2.CheckFailure(reason=str(error)))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        kind = _kind(request.urn)
        before, after = _arguments(kind, request.old_inputs), _arguments(kind, request.news)
        changed = [field for field in kind.declared if before.get(field.name) != after.get(field.name)]
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changed else response.DIFF_NONE,
            diffs=[field.name for field in changed],
            replaces=[field.name for field in changed if field.replaces],
            deleteBeforeReplace=True,  # keys, and prefixes, are there once
        )

    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        kind = _kind(request.urn)
        arguments = _arguments(kind, request.properties)
        environment, key = str(arguments["environment"]), str(arguments["key"])
        if request.preview:
            return provider_pb2.CreateResponse(id=resource_id(environment, key), properties=request.properties)
        with _told(context):
            row = patiently(lambda: self._inventory.create(environment, kind.type, key, arguments))
        return provider_pb2.CreateResponse(id=row.id, properties=_struct(row.attributes()))

    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        environment, key = split_id(request.id)
        with _told(context):
            row = patiently(lambda: self._inventory.read(environment, key))
        if row is None or row.type != _kind(request.urn).type:
            return provider_pb2.ReadResponse()  # no id: it is gone
        inputs = _struct(row.arguments)
        return provider_pb2.ReadResponse(id=row.id, properties=_struct(row.attributes()), inputs=inputs)

    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)
        kind = _kind(request.urn)
        environment, key = split_id(request.id)
        arguments = _arguments(kind, request.news)
        with _told(context):
            row = patiently(lambda: self._inventory.update(environment, kind.type, key, arguments))
        return provider_pb2.UpdateResponse(properties=_struct(row.attributes()))

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        environment, key = split_id(request.id)
        with _told(context):
            patiently(lambda: self._inventory.delete(environment, key))
        return empty_pb2.Empty()


@contextmanager
def serve(inventory: Path) -> Iterator[int]:
    """Serves the provider to any number of engines, on a port of the loopback that it yields."""
    provider = EstateProvider(inventory)
    server, port = _server(provider)
    try:
        yield port
    finally:
        server.stop(grace=None).wait()
        provider.close()


def package_schema() -> Mapping[str, object]:
    """The package as Pulumi's schema language has it: what `pulumi package get-schema` prints."""
    return {
        "name": NAME,
        "version": VERSION,
        "config": {"variables": {"inventory": {"type": "string"}}},
        "provider": {"inputProperties": {"inventory": {"type": "string"}}},
        "resources": {token_of(kind.type): _resource_schema(kind) for kind in KINDS.values()},
    }


def _resource_schema(kind: Kind) -> Mapping[str, object]:
    properties = {
        field.name: {"type": field.type.value, "willReplaceOnChanges": field.replaces}
        for field in kind.fields
        if field.name != "id"  # every resource has one; the schema language keeps the name for itself
    }
    declared = {field.name for field in kind.declared}
    required = [field.name for field in kind.declared if field.required]
    return {
        "properties": properties,
        "inputProperties": {name: properties[name] for name in properties if name in declared},
        "requiredInputs": required,
        "required": [*required, "state"],
    }


def _project_folder() -> Path:
    """The nearest folder with a Pulumi.yaml: the engine starts providers in the folder that `main` names."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "Pulumi.yaml").exists()), here)


def _kind(urn: str) -> Kind:
    return kind_of(type_of(urn.split("::")[2].rpartition("$")[2]))


def _arguments(kind: Kind, properties: struct_pb2.Struct) -> dict[str, Value]:
    """What is declared, by name: protobuf knows no whole numbers, the inventory does."""
    arguments: dict[str, Value] = {}
    for field in kind.declared:
        if field.name in properties.fields:
            value = properties.fields[field.name]
            number = value.WhichOneof("kind") == "number_value"
            whole = number and field.type is FieldType.INTEGER and value.number_value.is_integer()
            arguments[field.name] = (
                int(value.number_value) if whole else value.number_value if number else value.string_value
            )
    known = {field.name for field in kind.fields} | {"__defaults"}
    unknown = sorted(properties.fields.keys() - known)
    return arguments | dict.fromkeys(unknown, "")


def _struct(values: Mapping[str, Value]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update({name: value for name, value in values.items() if name != "id"})
    return struct


@contextmanager
def _told(context: grpc.ServicerContext) -> Iterator[None]:
    """Tells the engine of a refusal in its own words; the engine puts the resource's name before them."""
    try:
        yield
    except PrestageError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, error.render().replace("\n", "; "))


def _server(provider: EstateProvider) -> tuple[grpc.Server, int]:
    limits = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ]
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main() -> None:
    """Serves one engine until it signals or is gone; the first line says on which port."""
    engine, stopped = os.getppid(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    server, port = _server(EstateProvider())
    print(port, flush=True)
    while not stopped.wait(WATCH_S) and os.getppid() == engine:
        pass
    server.stop(grace=1).wait()  # a transaction that runs is finished
    sys.exit(0)


if __name__ == "__main__":
    main()
