"""Bandwidth reserved between two regions: interconnect attachments, or tunnels to another cloud.

Attachments are of the partner kind: each end is handed to whoever carries the circuit by its pairing key, and its
bandwidth is what Google reserves. They alternate between the two availability domains of a metropolitan area.
"""

from collections.abc import Iterator, Mapping

from contracts.resources import CircuitSpec
from stacks.declaration import Declaration
from stacks.errors import InvalidArgument
from stacks.targets.gcp.placing import Placing

BANDWIDTHS: Mapping[int, str] = {gbps: f"BPS_{gbps}G" for gbps in (1, 2, 5, 10, 20, 50, 100)}
"""What an attachment can have, by Gbit/s (Compute API, interconnectAttachments, bandwidth)."""


def held_by(spec: CircuitSpec) -> Mapping[str, str | int | float]:
    """What labels have to say of a circuit."""
    return {"tier": spec.tier, "gbps": spec.gbps, "count": spec.count}


def declare_attachments(at: Placing, part: str, spec: CircuitSpec) -> Iterator[Declaration]:
    """All attachments of one end: the first under `part` of what stands for the circuit, others below it.

    Raises:
        InvalidArgument: no attachment has that bandwidth.
    """
    if spec.gbps not in BANDWIDTHS:
        known = ", ".join(str(gbps) for gbps in BANDWIDTHS)
        raise InvalidArgument(
            f"no interconnect attachment has {spec.gbps} Gbit/s; known: {known}", where=at.resource.key
        )
    for number in range(1, spec.count + 1):
        below = "/".join(filter(None, (part, f"{number:04}" if number > 1 else "")))
        held = held_by(spec) if not below else {}
        yield at.declare(
            "google_compute_interconnect_attachment",
            below,
            {
                "name": at.name(below),
                "description": at.description(below, **held),
                "labels": at.labels(below, **held),
                "region": at.cloud.location,
                "router": at.network("router"),
                "type": "PARTNER",
                "bandwidth": BANDWIDTHS[spec.gbps],
                "edge_availability_domain": f"AVAILABILITY_DOMAIN_{2 - number % 2}",
            },
        )
