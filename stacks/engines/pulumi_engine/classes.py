"""The classes of pulumi-aws and pulumi-gcp, imported when the first resource of their module is declared: 1 to 2.5 s.

A class says which arguments it takes and in which shape. Where Terraform has a block, Pulumi has one object or a list
of them; a declaration says the same with a mapping or a tuple, and either fits either.
"""

import collections.abc
import importlib
import sys
import threading
import typing
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import pulumi
from pulumi import _types as input_types  # what an argument takes, read from its annotation: there is no public way

from stacks.declaration import Argument, Ref, Scalar, SecretRef
from stacks.engines.pulumi_engine.bridge import Bridge
from stacks.engines.pulumi_engine.naming import BRIDGES, PACKAGES
from stacks.errors import InvalidArgument

Property: typing.TypeAlias = "Scalar | pulumi.Output[Scalar] | list[Property] | dict[str, Property]"
Resolve: typing.TypeAlias = Callable[[Ref | SecretRef], pulumi.Output[Scalar]]

_LOADING = threading.Lock()
PROVIDERS = {
    "aws": Bridge("pulumi:providers:aws", {"assume_role": "assume_roles"}),
    "google": Bridge("pulumi:providers:gcp"),
}
"""What Pulumi calls the settings of a `ProviderConfig`."""
LEFT_OUT = frozenset({"compute_beta_custom_endpoint"})
"""Settings that Pulumi has no word for: its provider for Google Cloud asks the endpoint of the API for both."""


@dataclass(frozen=True, slots=True)
class CloudClass:
    """A class of the packages, and what it takes."""

    bridge: Bridge
    make: Callable[..., pulumi.CustomResource]
    inputs: type

    def takes(self, name: str) -> bool:
        """Whether it has an argument of that name."""
        return name in input_types.input_type_py_to_pulumi_names(self.inputs)

    def python_name(self, name: str) -> str:
        """What Python calls an argument or attribute."""
        return self.bridge.renamed.get(name, name)

    def property_name(self, name: str) -> str:
        """What the engine calls an argument: as people write it in `ignoreChanges`."""
        names = input_types.input_type_py_to_pulumi_names(self.inputs)
        python = self.python_name(name)
        return names.get(python, python)

    def properties(self, arguments: Mapping[str, Argument], resolve: Resolve) -> dict[str, Property]:
        """Declared arguments as the class takes them.

        Raises:
            InvalidArgument: it has no such argument.
        """
        names, types = _inputs(self.inputs)
        found: dict[str, Property] = {}
        for argument, value in arguments.items():
            python = self._known_name(argument, names)
            found[python] = self._shaped(argument, value, types[names[python]], resolve)
        return found

    def _known_name(self, argument: str, names: Mapping[str, str]) -> str:
        python = self.python_name(argument)
        if python in names:
            return python
        raise InvalidArgument(
            f"{self.bridge.token} takes no {python!r} ({argument!r} of the declaration)",
            expected=f"one of {', '.join(sorted(names))}",
        )

    def _shaped(self, name: str, value: Argument, hint: object, resolve: Resolve) -> Property:
        """A value in the shape that its annotation asks for: one object for one block, a list for many."""
        if isinstance(value, Ref | SecretRef):
            return resolve(value)
        inner = element_of(hint)
        if isinstance(value, tuple):
            if inner is None and hint is not None and len(value) == 1 and isinstance(value[0], Mapping):
                return self._shaped(name, value[0], hint, resolve)
            return [self._shaped(name, item, inner, resolve) for item in value]
        if not isinstance(value, Mapping):
            return value
        if inner is not None:
            return [self._shaped(name, value, inner, resolve)]
        block = block_of(hint)
        if block is None:
            return {key: self._shaped("", item, None, resolve) for key, item in value.items()}
        names, types = _inputs(block)
        python = {key: self._known_name(key, names) for key in value}
        return {python[key]: self._shaped(key, item, types[names[python[key]]], resolve) for key, item in value.items()}


@cache
def class_of(type: str) -> CloudClass:
    """The class that stands for a Terraform type.

    Raises:
        InvalidArgument: the tables have no such type.
    """
    if type not in BRIDGES:
        raise InvalidArgument(f"Pulumi's tables have no type {type!r}", where="stacks/engines/pulumi_engine")
    bridge = BRIDGES[type]
    return _load(bridge, bridge.module, bridge.name)


@cache
def provider_class(provider: str) -> CloudClass:
    """The class of a provider: `aws` or `google`."""
    return _load(PROVIDERS[provider], f"pulumi_{PACKAGES[provider]}", "Provider")


def _load(bridge: Bridge, module: str, name: str) -> CloudClass:
    """One at a time: the packages load their modules lazily, and half a module is there for a second thread.

    Its arguments stand in the class's own module, as `...InitArgs` where a block has taken the name `...Args`. A module
    warns of each deprecated class in it, whether or not anybody uses that.
    """
    with _LOADING, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        make = getattr(importlib.import_module(module), name)
        own = sys.modules[make.__module__]
        inputs: type = getattr(own, f"{name}InitArgs", None) or getattr(own, f"{name}Args")
        return CloudClass(bridge, make, inputs)


@cache
def _inputs(inputs: type) -> tuple[Mapping[str, str], Mapping[str, object]]:
    """Python's names to Pulumi's, and annotations by Pulumi's."""
    return input_types.input_type_py_to_pulumi_names(inputs), input_types.input_type_types(inputs)


@cache
def element_of(hint: object) -> object | None:
    """What a list holds; None where the annotation is no list."""
    for each in _alternatives(hint):
        if typing.get_origin(each) in (list, collections.abc.Sequence):
            return typing.get_args(each)[0] if typing.get_args(each) else object
    return None


@cache
def block_of(hint: object) -> type | None:
    """The input type of a block; None where the annotation is no such type."""
    return next((each for each in _alternatives(hint) if isinstance(each, type) and _is_input(each)), None)


def _is_input(hint: type) -> bool:
    return bool(input_types.is_input_type(hint))


def _alternatives(hint: object) -> tuple[object, ...]:
    """`Input[X]` is a union of X and what becomes X."""
    return typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)
