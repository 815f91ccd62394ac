"""`Declaration`: one resource in words that every engine knows. What targets make and engines render.

Types and argument names are Terraform's; values are scalars, lists, maps and nested blocks of them. What is another
resource's to say is a `Ref`, never a guess.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, Union

Scalar: TypeAlias = str | int | float | bool
_PLAIN = (str, int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """An attribute of another declaration, known once that one is applied.

    Attributes:
        key: of the declaration that is referred to.
        attribute: which of its attributes: `id`, `arn`, a path where it lies deeper (`vpn_interfaces.0.ip_address`).
        root: the root that it lives in, where that is another one; it has to be among its `exports` then.
    """

    key: str
    attribute: str = "id"
    root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """A secret that whoever applies supplies, by name: never a value, so that no declaration holds one.

    Terraform takes it as a sensitive variable, Pulumi as a secret of the stack's config, CloudFormation as a parameter
    without echo.
    """

    name: str


Value: TypeAlias = Union[Scalar, "tuple[Value, ...]", "Mapping[str, Value]"]
"""A value that is known: what a state or a live resource holds."""

Argument: TypeAlias = Union[Scalar, Ref, SecretRef, "tuple[Argument, ...]", "Mapping[str, Argument]"]
"""A value as it is declared. A nested block is a mapping, repeated blocks are a tuple of mappings."""

ESTATE_PROVIDER = "estate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderConfig:
    """A provider as one region needs it.

    Attributes:
        name: what declarations call it: the region, or `estate`.
        provider: `estate`, `aws` or `google`.
        settings: as the Terraform provider takes them: `region`, `project`, `assume_role`. Never a secret.
    """

    name: str
    provider: str
    settings: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """How a resource is changed.

    Attributes:
        protect: it is not destroyed unless a person lifts that first.
        ignore: arguments that others may change after the creation, such as an autoscaler's desired count.
        create_before_destroy: a replacement is made first; without it the old one goes first (same name, same address).
    """

    protect: bool = False
    ignore: tuple[str, ...] = ()
    create_before_destroy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One resource that an engine shall make so.

    Attributes:
        type: the Terraform type, e.g. `estate_compute`, `aws_vpc`, `google_compute_network`.
        key: unique in its environment; that of the plan's resource for the one that stands for it, and below it
            (`fra/network/routes`) for the others that it takes.
        root: the Terraform root or Pulumi stack layer it lives in.
        arguments: by argument; one that has no value is left out.
        depends_on: keys of declarations of the same root that must exist first, beyond what arguments refer to.
        provider: name of the `ProviderConfig` that makes it.
        resource: key of the plan's resource that it belongs to; its own where that is left empty.
        exports: attributes that other roots may refer to.
        lifecycle: see there.
        aliases: keys that it had before.
    """

    type: str
    key: str
    root: str
    arguments: Mapping[str, Argument]
    depends_on: tuple[str, ...] = ()
    provider: str = ESTATE_PROVIDER
    resource: str = ""
    exports: tuple[str, ...] = ()
    lifecycle: Lifecycle = Lifecycle()
    aliases: tuple[str, ...] = ()

    @property
    def of(self) -> str:
        """Key of the plan's resource that it belongs to."""
        return self.resource or self.key

    def resolved(self, value_of: Callable[[Ref | SecretRef], Value]) -> Mapping[str, Value]:
        """Its arguments with each `Ref` and each secret replaced by what it stands for."""
        return {name: resolve(value, value_of) for name, value in self.arguments.items()}

    def refs(self) -> tuple[Ref, ...]:
        """All that its arguments refer to, in a fixed order."""
        return tuple(item for item in _stand_ins(self.arguments) if isinstance(item, Ref))

    def secrets(self) -> tuple[str, ...]:
        """Names of all secrets that its arguments take, sorted."""
        return tuple(sorted({item.name for item in _stand_ins(self.arguments) if isinstance(item, SecretRef)}))


def _stand_ins(value: Argument) -> Iterator[Ref | SecretRef]:
    if isinstance(value, Ref | SecretRef):
        yield value
    elif isinstance(value, Mapping):
        for name in sorted(value):
            if not isinstance(value[name], _PLAIN):  # nearly all are: fleets have many
                yield from _stand_ins(value[name])
    elif isinstance(value, tuple):
        for item in value:
            yield from _stand_ins(item)


def secrets_of(item: Declaration) -> frozenset[str]:
    """Names of the secrets that its arguments need."""
    return frozenset(item.secrets())


def resolve(value: Argument, value_of: Callable[[Ref | SecretRef], Value]) -> Value:
    """A declared value with each `Ref` and each secret in it replaced."""
    if isinstance(value, Ref | SecretRef):
        return value_of(value)
    if isinstance(value, Mapping):
        return {name: resolve(item, value_of) for name, item in value.items()}
    return tuple(resolve(item, value_of) for item in value) if isinstance(value, tuple) else value
