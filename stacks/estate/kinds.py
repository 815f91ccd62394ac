"""The types of the estate and their fields: the one table behind both providers' schemas and the inventory's checks.

Reading it needs nothing but the standard library, so that a provider process starts fast.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class FieldType(StrEnum):
    """What a value of a field is."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One argument or attribute of a type.

    Attributes:
        required: has to be declared.
        replaces: cannot change in place; a change destroys the resource and makes it anew.
        computed: set by the estate, never declared.
        minimum: for numbers, the smallest allowed.
        maximum: for numbers, the largest allowed.
    """

    name: str
    type: FieldType = FieldType.STRING
    required: bool = True
    replaces: bool = False
    computed: bool = False
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type of the estate, e.g. `estate_compute`.

    Attributes:
        fields: of all of it.
        declared: what people declare: everything that is not computed.
    """

    type: str
    fields: tuple[Field, ...]
    declared: tuple[Field, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "declared", tuple(item for item in self.fields if not item.computed))

    def field(self, name: str) -> Field | None:
        return next((item for item in self.fields if item.name == name), None)


def _fixed(name: str) -> Field:
    return Field(name=name, replaces=True)


def _count(name: str, *, replaces: bool = False, maximum: float | None = None) -> Field:
    return Field(name=name, type=FieldType.INTEGER, minimum=1, maximum=maximum, replaces=replaces)


def _share(name: str) -> Field:
    return Field(name=name, type=FieldType.NUMBER, minimum=0, maximum=1)


_COMPUTED = (Field(name="id", required=False, computed=True), Field(name="state", required=False, computed=True))
_TAGS = (_fixed("environment"), _fixed("key"), Field(name="owner"))
_REGIONAL = (*_COMPUTED, *_TAGS, _fixed("region"))
_NETWORKED = (*_REGIONAL, Field(name="network", required=False))
_LINKED = (*_COMPUTED, *_TAGS, _fixed("link"))
_MAX_ASN = 4294967294  # RFC 7300: the last one is reserved

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.type: kind
        for kind in (
            Kind(type="estate_network", fields=(*_REGIONAL, _count("asn", maximum=_MAX_ASN))),
            Kind(type="estate_block", fields=(*_NETWORKED, _fixed("prefix"), _fixed("pool"))),
            Kind(
                type="estate_compute",
                fields=(*_NETWORKED, _fixed("shape"), _count("instances"), _fixed("purchase")),
            ),
            Kind(
                type="estate_storage",
                fields=(
                    *_NETWORKED,
                    _fixed("storage_class"),
                    _count("gib"),
                    Field(name="replica_region", required=False),
                    *(
                        Field(name=name, type=FieldType.INTEGER, required=False, minimum=1)
                        for name in ("iops", "throughput_mibps", "volumes")
                    ),
                ),
            ),
            Kind(
                type="estate_circuit",
                fields=(*_LINKED, _fixed("tier"), _count("gbps", replaces=True), _count("circuits")),
            ),
            Kind(type="estate_link", fields=_LINKED),
            Kind(
                type="estate_gateway",
                fields=(
                    *_LINKED,
                    _fixed("region"),
                    _fixed("peer"),
                    _count("peer_asn", maximum=_MAX_ASN),
                    Field(name="peer_address"),
                    Field(name="second_address", required=False),
                ),
            ),
            Kind(type="estate_failover", fields=(*_NETWORKED, _fixed("partner"), _share("share"))),
            Kind(type="estate_alert", fields=(*_NETWORKED, _fixed("metric"), _share("threshold"))),
        )
    }
)
"""By type. `count` is a meta-argument of Terraform, hence `instances` and `circuits`."""
