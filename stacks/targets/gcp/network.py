"""The network of a region, and blocks within it."""

from collections.abc import Iterator, Mapping

from contracts.accounts import TargetName
from contracts.resources import BlockSpec, NetworkSpec
from stacks.declaration import Argument, Declaration
from stacks.errors import InvalidArgument
from stacks.targets.gcp import marks
from stacks.targets.gcp.addressing import own_range, prefix, secondary_ranges
from stacks.targets.gcp.placing import Placing

_PRIVATE_ASNS = (range(64512, 65535), range(4_200_000_000, 4_294_967_295))
"""What a Cloud Router takes (Cloud Router, "Create Cloud Routers"; RFC 6996)."""


def declare_network(at: Placing, spec: NetworkSpec) -> Iterator[Declaration]:
    """Network, subnetwork, firewall, router, VPN gateway, public address, notification channels."""
    if not any(spec.asn in numbers for numbers in _PRIVATE_ASNS):
        raise InvalidArgument(
            f"a Cloud Router has no ASN {spec.asn}: 64512 to 65534 or 4200000000 to 4294967294",
            where=at.key(),
            next_step=f"set `asn` of region {at.region}",
        )
    yield at.declare(
        "google_compute_network",
        "",
        {
            "name": at.name(),
            # Networks have no labels, and a description that changes replaces them: an owner may change, an ASN hardly.
            "description": marks.description(at.environment.name, at.key(), asn=spec.asn),
            "auto_create_subnetworks": False,
            "routing_mode": "REGIONAL",
        },
    )
    yield at.declare("google_compute_subnetwork", "subnet", _subnetwork(at))
    yield at.declare("google_compute_firewall", "inside", _firewall(at))
    yield at.declare("google_compute_router", "router", {**_joined(at, "router"), "bgp": {"asn": spec.asn}})
    yield at.declare("google_compute_ha_vpn_gateway", "vpn", {**_joined(at, "vpn"), "labels": at.labels("vpn")})
    yield at.declare(
        "google_compute_address",
        "address",
        {
            "name": at.name("address"),
            "region": at.cloud.location,
            "address_type": "EXTERNAL",
            "labels": at.labels("address"),
        },
    )
    for number, address in enumerate(at.account.notify, start=1):
        part = channel_part(number)
        yield at.declare(
            "google_monitoring_notification_channel",
            part,
            {
                "display_name": at.name(part),
                "type": "email",
                "labels": {"email_address": address},
                "user_labels": at.labels(part),
            },
        )


def channel_part(number: int) -> str:
    """The part of a network that is its n-th notification channel."""
    return f"channel-{number}"


def declare_block(at: Placing, spec: BlockSpec) -> Iterator[Declaration]:
    """A range that nothing else in the network is given. It stays the same when it is handed out.

    Raises:
        InvalidArgument: it lies where the network's own instances have their addresses.
    """
    block, own = prefix(spec.prefix, where=at.key()), own_range(at.cloud, where=at.key())
    if block.overlaps(own):
        raise InvalidArgument(
            f"{block} overlaps {own}, where instances of {at.region} have their addresses",
            where=at.key(),
            next_step="plan again: live capacity says that this range is taken",
        )
    yield at.declare(
        "google_network_connectivity_internal_range",
        "",
        {
            "name": at.name(),
            "description": at.description(pool=spec.pool),
            "network": at.network(attribute="id"),
            "usage": "FOR_VPC",
            "peering": "FOR_SELF",
            "ip_cidr_range": spec.prefix,
            "overlaps": ("OVERLAP_EXISTING_SUBNET_RANGE",),  # it is part of a secondary range
            "labels": at.labels(),
        },
    )


def _subnetwork(at: Placing) -> Mapping[str, Argument]:
    ranges = secondary_ranges(at.cloud, where=at.key())
    return {
        **_joined(at, "subnet"),
        "ip_cidr_range": str(own_range(at.cloud, where=at.key())),
        "private_ip_google_access": True,
        "secondary_ip_range": tuple({"range_name": name, "ip_cidr_range": range} for name, range in ranges),
    }


def _firewall(at: Placing) -> Mapping[str, Argument]:
    """What comes from a region of the environment is let in: there is no other way here than peering and tunnels."""
    clouds = [region.cloud for region in at.environment.regions if region.cloud]
    return {
        "name": at.name("inside"),
        "description": at.description("inside"),
        "network": at.network(),
        "direction": "INGRESS",
        "source_ranges": tuple(sorted({pool for cloud in clouds for pool in cloud.pools})),
        "allow": ({"protocol": "all"},),
    }


def _joined(at: Placing, part: str) -> Mapping[str, Argument]:
    """What every regional part of a network says."""
    return {
        "name": at.name(part),
        "description": at.description(part),
        "region": at.cloud.location,
        "network": at.network(),
    }


def is_google(at: Placing, region: str) -> bool:
    """Whether another region lies on Google Cloud too."""
    return at.environment.target_of(region) is TargetName.GCP
