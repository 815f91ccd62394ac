"""The estate's Terraform provider: a thin layer over the inventory's create, read, update and delete.

Where it stands: Terraform or OpenTofu asks it over gRPC (tfplugin6). One server, in the process that runs the engine,
serves all roots: `serve` yields what goes into TF_REATTACH_PROVIDERS, so that no root has to start a provider, be
initialised or keep a lock file. Schemas are made from `stacks.estate.kinds`.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import ClassVar, TypeVar

import grpc
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc, tfplugin_pb2_grpc
from tf.iface import Config, CreateContext, DataSource, DeleteContext, ImportContext, ReadContext, State, UpdateContext
from tf.iface import Provider as TerraformProvider
from tf.iface import Resource as TerraformResource
from tf.provider import ProviderServicer
from tf.schema import Attribute, Schema
from tf.types import Number, String, TfType
from tf.utils import Diagnostics

from contracts.errors import PrestageError
from stacks.declaration import Value
from stacks.estate.inventory import Inventory, Row, split_id
from stacks.estate.kinds import KINDS, Field, FieldType, Kind
from stacks.estate.patience import patiently
from stacks.estate.terraform_source import SOURCE

THREADS = 2  # Terraform asks for ten resources at once, but Python answers one at a time: more only wait for each other

Answer = TypeVar("Answer")


class EstateResource(TerraformResource):
    """One type of the estate; `_class_of` makes a subclass of each kind."""

    kind: ClassVar[Kind]

    def __init__(self, provider: "EstateProvider") -> None:
        self._inventory = provider.inventory

    @classmethod
    def get_name(cls) -> str:
        return cls.kind.type.removeprefix("estate_")

    @classmethod
    def get_schema(cls) -> Schema:
        return _schema_of(cls.kind.type)

    def create(self, ctx: CreateContext, planned: State) -> State | None:
        arguments = self._declared(planned)
        environment, key = str(arguments["environment"]), str(arguments["key"])
        row = _told(ctx.diagnostics, lambda: self._inventory.create(environment, self.kind.type, key, arguments))
        return None if row is None else self._state(row)

    def read(self, ctx: ReadContext, current: State) -> State | None:
        """The row as it is; None, which takes it out of the state, where there is none of this type."""
        row = _told(ctx.diagnostics, lambda: self._inventory.read(*split_id(str(current["id"]))))
        if row is None:
            return current if ctx.diagnostics.has_errors() else None
        return self._state(row) if row.type == self.kind.type else None

    def update(self, ctx: UpdateContext, current: State, planned: State) -> State | None:
        """A failed update answers what was there before, so that no wish is recorded as a fact."""
        environment, key = split_id(str(current["id"]))
        arguments = self._declared(planned)
        row = _told(ctx.diagnostics, lambda: self._inventory.update(environment, self.kind.type, key, arguments))
        return current if row is None else self._state(row)

    def delete(self, ctx: DeleteContext, current: State) -> State | None:
        _told(ctx.diagnostics, lambda: self._inventory.delete(*split_id(str(current["id"]))))
        return current if ctx.diagnostics.has_errors() else None

    def import_(self, ctx: ImportContext, id: str) -> State | None:
        row = _told(ctx.diagnostics, lambda: self._inventory.read(*split_id(id)))
        if row is None and not ctx.diagnostics.has_errors():
            ctx.diagnostics.add_error(f"{id} is not in the estate")
        return None if row is None else self._state(row)

    def _declared(self, values: State) -> dict[str, Value]:
        found = {field.name: values.get(field.name) for field in self.kind.declared}
        return {name: value for name, value in found.items() if value is not None}

    def _state(self, row: Row) -> State:
        attributes = row.attributes()
        return {field.name: attributes.get(field.name) for field in self.kind.fields}


class EstateProvider(TerraformProvider):
    """The provider of all types of the estate, over one inventory."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory

    def get_model_prefix(self) -> str:
        return "estate_"

    def get_provider_schema(self, diags: Diagnostics) -> Schema:
        return Schema(attributes=[], version=0)

    def full_name(self) -> str:
        return SOURCE

    def validate_config(self, diags: Diagnostics, config: Config) -> None:
        """Nothing to configure: the server knows its inventory."""

    def configure_provider(self, diags: Diagnostics, config: Config) -> None:
        """Nothing to configure: the server knows its inventory."""

    def get_data_sources(self) -> list[type[DataSource]]:
        return []

    def get_resources(self) -> list[type[TerraformResource]]:
        return [_class_of(kind) for kind in KINDS.values()]


@contextmanager
def serve(inventory: Path) -> Iterator[Mapping[str, str]]:
    """Serves the provider to any number of engine processes.

    Yields:
        The environment variable that makes them use it.
    """
    opened = Inventory(inventory)
    server = grpc.server(ThreadPoolExecutor(max_workers=THREADS))
    tfplugin_pb2_grpc.add_ProviderServicer_to_server(ProviderServicer(EstateProvider(opened)), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(_Controller(), server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
    with tempfile.TemporaryDirectory(prefix="prestage-") as folder:
        socket = f"{folder}/estate.sock"
        server.add_insecure_port(f"unix://{socket}")
        server.start()
        try:
            yield {"TF_REATTACH_PROVIDERS": json.dumps({SOURCE: _reattach(socket)})}
        finally:
            server.stop(grace=None).wait()
            opened.close()


class _Exact(Number):
    """Numbers as Terraform keeps them: what is not whole travels as decimal text, for 0.9 is no binary fraction."""

    def encode(self, value: float | None) -> float | str | None:
        return repr(value) if isinstance(value, float) and not value.is_integer() else value

    def decode(self, value: float | str | None) -> float | None:
        return float(value) if isinstance(value, str) else value


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):
    """A client that is done asks the provider to end; others may still need it, so it doesn't."""

    def Shutdown(self, request: object, context: grpc.ServicerContext) -> grpc_controller_pb2.Empty:
        return grpc_controller_pb2.Empty()


class _Stdio(grpc_stdio_pb2_grpc.GRPCStdioServicer):
    """Nothing is printed here that a client would want to hear."""

    def StreamStdio(self, request: object, context: grpc.ServicerContext) -> Iterator[object]:
        return iter(())


def _reattach(socket: str) -> Mapping[str, object]:
    return {
        "Protocol": "grpc",
        "ProtocolVersion": 6,
        "Pid": os.getpid(),
        "Test": True,  # the engine does not end the process when it is done
        "Addr": {"Network": "unix", "String": socket},
    }


def _class_of(kind: Kind) -> type[EstateResource]:
    return type(f"Estate{kind.type.title().replace('_', '')}", (EstateResource,), {"kind": kind})


@cache
def _schema_of(type: str) -> Schema:
    """Made once: the framework asks for it with each resource that it reads."""
    return Schema(attributes=[_attribute(field) for field in KINDS[type].fields], version=0)


def _attribute(field: Field) -> Attribute:
    kind: TfType = String() if field.type is FieldType.STRING else _Exact()
    return Attribute(
        field.name,
        kind,
        required=field.required and not field.computed,
        optional=not field.required and not field.computed,
        computed=field.computed,
        requires_replace=field.replaces,
    )


def _told(diagnostics: Diagnostics, call: Callable[[], Answer]) -> Answer | None:
    """Calls the inventory, patiently while it is busy; a refusal becomes a diagnostic and None."""
    try:
        return patiently(call)
    except PrestageError as error:
        diagnostics.add_error(error.what, error.render())
        return None
