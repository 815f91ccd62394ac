"""Which service a flow record is of, by the rules of its source (pure).

Names of fields are those of pmacct and goflow2, as in `records`. A field that is missing or unreadable fits no rule
that asks for it; the record counts all the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from contracts.flow_services import ServiceRule, port_range, protocol_number

PORTS = ("source_port", "destination_port")
TAGS = ("tag", "tag2", "label", "class")
SERVICE_FIELDS: dict[str, tuple[str, ...]] = {
    "source_port": ("port_src", "src_port", "srcport"),
    "destination_port": ("port_dst", "dst_port", "dstport"),
    "protocol": ("ip_proto", "proto", "protocol"),
    "tos": ("tos", "ip_tos", "iptos"),
    **{tag: (tag,) for tag in TAGS},
}
"""What rules ask for, by the names that records have for it."""

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    service: str
    ports: tuple[tuple[int, int], ...]
    protocols: frozenset[int | None]
    dscp: frozenset[int]
    tags: frozenset[str]

    def fits(self, ports: tuple[int, ...], protocol: int | None, dscp: int | None, tags: frozenset[str]) -> bool:
        of_port = any(low <= port <= high for low, high in self.ports for port in ports)
        return (
            (not self.ports or of_port)
            and (not self.protocols or protocol in self.protocols)
            and (not self.dscp or dscp in self.dscp)
            and (not self.tags or not self.tags.isdisjoint(tags))
        )


def classifier(rules: tuple[ServiceRule, ...]) -> Callable[[Cells], str]:
    """From the cells of a record, in the order of `SERVICE_FIELDS`, to its service; empty where no rule fits."""
    made = [
        _Rule(
            service=rule.service,
            ports=tuple(port_range(port) for port in rule.ports),
            protocols=frozenset(protocol_number(one) for one in rule.protocols),
            dscp=frozenset(rule.dscp),
            tags=frozenset(rule.tags),
        )
        for rule in rules
    ]

    @lru_cache(maxsize=1 << 16)
    def service_of(cells: Cells) -> str:
        found = dict(zip(SERVICE_FIELDS, cells, strict=True))
        ports = tuple(port for name in PORTS if (port := _whole(found[name])) is not None)
        tos = _whole(found["tos"])
        tags = frozenset(found[tag] for tag in TAGS if found[tag])
        asked = (ports, protocol_number(found["protocol"]), None if tos is None else tos >> 2, tags)
        return next((rule.service for rule in made if rule.fits(*asked)), "")

    return service_of


def cells_of(record: Mapping[str, object], form: Mapping[str, str]) -> Cells:
    """What a record says of its service, as text; empty where it says nothing."""
    return tuple(str(record[form[name]]).strip() if name in form else "" for name in SERVICE_FIELDS)


def _whole(text: str) -> int | None:
    """A number as it stands in a record, perhaps in hexadecimal."""
    try:
        return int(text, 0)
    except ValueError:
        return None
