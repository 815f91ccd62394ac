"""What providers finish or number by themselves, after an apply has ended: no drift, whoever looks.

Peering: https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html (lifecycle); transit gateways:
https://docs.aws.amazon.com/vpc/latest/tgw/tgw-peering.html; Google network peering:
https://cloud.google.com/vpc/docs/vpc-peering (ACTIVE once both sides are there).
"""

from collections.abc import Mapping

PENDING = frozenset({"initiating-request", "pending-acceptance", "provisioning", "pending", "initiating"})
LIVE = frozenset({"active", "available"})

_TRANSITIONS: Mapping[tuple[str, str], tuple[frozenset[str], frozenset[str]]] = {
    ("aws_vpc_peering_connection", "accept_status"): (PENDING, LIVE),
    ("aws_vpc_peering_connection_accepter", "accept_status"): (PENDING, LIVE),
    ("aws_ec2_transit_gateway_peering_attachment", "state"): (PENDING, LIVE),
    ("aws_dx_private_virtual_interface", "state"): (PENDING | {"confirming", "verifying", "down"}, LIVE),
    ("google_compute_network_peering", "state"): (frozenset({"INACTIVE"}), frozenset({"ACTIVE"})),
    ("google_compute_interconnect_attachment", "state"): (
        frozenset({"PENDING_PARTNER", "PARTNER_REQUEST_RECEIVED", "PENDING_CUSTOMER", "STATE_UNSPECIFIED"}),
        frozenset({"ACTIVE"}),
    ),
    ("google_compute_vpn_tunnel", "detailed_status"): (frozenset(), frozenset()),  # prose, and any of it
}
NUMBERED = frozenset({"version", "latest_version", "etag", "fingerprint", "metadata_fingerprint", "label_fingerprint"})
"""Counts that a provider keeps of its own writes."""
COPIES = frozenset({"tags_all", "effective_labels", "terraform_labels", "timeouts"})
"""What says again what another attribute says."""


def is_transition(type: str, field: str, before: str | None, now: str | None) -> bool:
    """Whether a provider brought an attribute from one value to the other by itself."""
    if field in NUMBERED:
        return True
    found = _TRANSITIONS.get((type, field))
    if found is None:
        return False
    starts, ends = found
    return (not starts or before in starts) and (not ends or now in ends)
