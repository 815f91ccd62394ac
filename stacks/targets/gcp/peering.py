"""Links within Google Cloud: both ends of a network peering, one operation a network at a time.

Google refuses a peering operation on a network that has another one under way, so that those which touch the same
network are chained by what they depend on, in the order of their keys.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from stacks.declaration import Declaration, Ref
from stacks.targets.estate import network_key
from stacks.targets.gcp.placing import Placing

PEERING = "google_compute_network_peering"


def declare_peering(one: Placing, other: Placing) -> Iterator[Declaration]:
    """The peering of both networks, each side."""
    yield _side("", one, other)
    yield _side(other.region, other, one)


def _side(part: str, here: Placing, peer: Placing) -> Declaration:
    """The side of one region, made by its own provider."""
    return here.declare(
        PEERING,
        part,
        {
            "name": here.name(part),
            "network": here.network(),
            "peer_network": peer.network(),
            "export_custom_routes": True,
            "import_custom_routes": True,
        },
    )


def chain(declarations: Iterable[Declaration]) -> tuple[Declaration, ...]:
    """The same, each peering after the one before it that touches one of its networks."""
    last: dict[tuple[str, str], str] = {}
    found = []
    for item in sorted(declarations, key=lambda item: item.key):
        if item.type == PEERING:
            touched = [(item.root, ref.key) for ref in _networks(item)]
            before = {last[place] for place in touched if place in last}
            last |= dict.fromkeys(touched, item.key)
            item = replace(item, depends_on=tuple(sorted({*item.depends_on, *before})))
        found.append(item)
    return tuple(found)


def _networks(item: Declaration) -> tuple[Ref, ...]:
    return tuple(ref for ref in item.refs() if ref.key == network_key(ref.key.split("/")[0]))
