"""Registrations without what nobody asks of them.

For each resource Pulumi's SDK walks the stack and looks at every source file on it, makes an output (a task, four
futures) of each property that the resource could ever have, and works out an URN for tests. Of a program that is a loop
over declarations nobody reads the first and the last, and of the outputs only those that something refers to: they
were two fifths of the time of its registrations. Without positions in the source, states are smaller too. And it tells
the engine four times a resource, each a call that is waited for, what would be shown with `--debug`: no more.

It takes four functions of the SDK that have no public name (pulumi/runtime/resource.py and rpc.py, of 3.2xx). Where
their parameters are others than these, they are left alone: nothing but time is lost. Everything that is registered
outside of `only_outputs` goes through them as ever.
"""

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType

import pulumi
from pulumi import log
from pulumi.output import _OutputData
from pulumi.runtime import resource as registrations
from pulumi.runtime import rpc
from pulumi.runtime.proto import source_pb2

_WANTED: ContextVar[frozenset[str] | None] = ContextVar("wanted", default=None)
"""Outputs of the resource that is being registered which something refers to; None where nobody said."""


@contextmanager
def only_outputs(wanted: frozenset[str]) -> Iterator[None]:
    """Registers what is made within with these outputs alone, beside URN and id.

    Args:
        wanted: by the names that the resource's class has for them.
    """
    token = _WANTED.set(wanted)
    try:
        yield
    finally:
        _WANTED.reset(token)


def _replace(module: ModuleType, name: str, parameters: str, lean: Callable[..., Callable[..., object]]) -> None:
    """Puts what `lean` makes of a function in its place, where it takes these parameters."""
    usual = getattr(module, name, None)
    if callable(usual) and " ".join(inspect.signature(usual).parameters) == parameters:
        setattr(module, name, lean(usual))


def _without_trace(usual: Callable[..., object]) -> Callable[..., object]:
    def trace() -> object:
        return usual() if _WANTED.get() is None else source_pb2.StackTrace()

    return trace


def _untold(usual: Callable[..., object]) -> Callable[..., object]:
    def debug(*args: object, **more: object) -> object:
        return usual(*args, **more) if _WANTED.get() is None else None

    return debug


def _of_wanted(usual: Callable[..., object]) -> Callable[..., object]:
    def transfer(res: pulumi.Resource, props: Mapping[str, object], custom: bool) -> object:
        wanted = _WANTED.get()
        kept = props if wanted is None else {name: props[name] for name in props if name in wanted}
        return usual(res, kept, custom)

    return transfer


def _where_wanted(usual: Callable[..., object]) -> Callable[..., object]:
    def resolve(*args: object, **more: object) -> object:
        resolvers = args[4] if len(args) > 4 else more["resolvers"]
        return usual(*args, **more) if resolvers or _WANTED.get() is None else None

    return resolve


def _at_once(usual: Callable[..., object]) -> Callable[..., object]:
    def create(name: object, type_: object, parent: object = None, *elsewhere: object, **more: object) -> object:
        plain = isinstance(name, str) and isinstance(type_, str) and isinstance(parent, str)
        if _WANTED.get() is None or not plain or elsewhere or more:
            return usual(name, type_, parent, *elsewhere, **more)
        above = str(parent).rpartition("::")[0]
        return _known(f"{above}${type_}::{name}")

    return create


def _known(value: str) -> pulumi.Output[str]:
    """An output that waits for nothing."""
    future: asyncio.Future[_OutputData[str]] = asyncio.get_running_loop().create_future()
    future.set_result(_OutputData(resources=set(), value=value, is_known=True, is_secret=False))
    return pulumi.Output._from_data(future)


RESOLVES = (
    "res serialized_props outputs deps resolvers custom transform_using_type_metadata keep_unknowns"
    " resolve_missing_as_unknown"
)
_replace(log, "debug", "msg resource stream_id ephemeral", _untold)
_replace(registrations, "_get_stack_trace", "", _without_trace)
_replace(registrations, "create_urn", "name type_ parent project stack", _at_once)
_replace(rpc, "transfer_properties", "res props custom", _of_wanted)
_replace(rpc, "resolve_outputs", RESOLVES, _where_wanted)
