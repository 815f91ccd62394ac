"""Which flows are of which service: rules by port, protocol, class and tag. Part of `contracts.sources.FlowSource`."""

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from contracts.document import Model
from contracts.spelling import likely

MOST_PORT = 65_535
PROTOCOLS = {
    "icmp": 1,
    "tcp": 6,
    "udp": 17,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "sctp": 132,
}
"""Numbers of protocols (IANA, assigned internet protocol numbers), by the names that collectors write."""


def _written(value: object) -> object:
    """A number of a YAML file as it is written there."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Written = Annotated[str, BeforeValidator(_written)]


class ServiceRule(Model):
    """A flow is of the service where all that the rule names fits; of each, one of what is listed.

    A rule that names nothing fits every flow: as the last one it takes what is left, so that services add up to their
    pair.

    Attributes:
        ports: of either end: `443`, `8000-8099`.
        protocols: by name or number.
        dscp: class of the differentiated services field, 0 to 63 (RFC 2474).
        tags: what pmacct says in `tag`, `tag2`, `label` or `class`.
    """

    service: str = Field(max_length=63, pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")
    ports: tuple[Written, ...] = ()
    protocols: tuple[Written, ...] = ()
    dscp: tuple[Annotated[int, Field(ge=0, le=63)], ...] = ()
    tags: tuple[Written, ...] = ()

    @field_validator("ports")
    @classmethod
    def _are_ports(cls, ports: tuple[str, ...]) -> tuple[str, ...]:
        for port in ports:
            port_range(port)
        return ports

    @field_validator("protocols")
    @classmethod
    def _are_protocols(cls, protocols: tuple[str, ...]) -> tuple[str, ...]:
        for protocol in protocols:
            if protocol_number(protocol) is None:
                hint = likely(protocol, PROTOCOLS)
                raise ValueError(f"{protocol!r} is no protocol: {', '.join(PROTOCOLS)}, or 0 to 255. {hint}".strip())
        return protocols


def port_range(text: str) -> tuple[int, int]:
    """The first and last port of `443` or `8000-8099`.

    Raises:
        ValueError: it is neither.
    """
    first, dash, last = text.partition("-")
    parts = (first, last if dash else first)
    if all(part.isascii() and part.isdecimal() for part in parts):
        low, high = (int(part) for part in parts)
        if low <= high <= MOST_PORT:
            return low, high
    raise ValueError(f"{text!r} is no port: 443, or 8000-8099, up to {MOST_PORT}")


def protocol_number(text: str) -> int | None:
    """The number of a protocol that is named, or given as a number; None where it is none."""
    lower = text.strip().lower()
    if lower.isascii() and lower.isdecimal():
        return int(lower) if int(lower) <= 255 else None
    return PROTOCOLS.get(lower)
