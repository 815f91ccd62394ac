"""Where a network's addresses lie on AWS: what a VPC and a subnet may be, and what the network takes for itself.

Limits: a VPC's blocks and subnets are from /16 to /28 (Amazon VPC user guide, "VPC CIDR blocks", "Subnet sizing").
"""

from collections.abc import Mapping
from ipaddress import IPv4Network

from contracts.accounts import CloudRegion
from stacks.errors import InvalidArgument

LARGEST, SMALLEST = 16, 28  # prefix lengths
OWN_BITS = 4  # the zone subnets take a sixteenth of the first pool, where that is large enough


def zone_subnets(cloud: CloudRegion, *, where: str) -> Mapping[str, str]:
    """The network's own subnets by zone: the end of the first pool, in parts of equal size.

    Raises:
        InvalidArgument: the first pool is too small for the zones.
    """
    pool = network(cloud.pools[0], where=where)
    zone_bits = (len(cloud.zones) - 1).bit_length()
    length = min(SMALLEST, pool.prefixlen + OWN_BITS + zone_bits)
    if length - zone_bits < pool.prefixlen:
        raise InvalidArgument(
            f"its first pool {pool} has no room for a /{SMALLEST} in each of {len(cloud.zones)} zones",
            where=where,
            next_step=f"give a first pool of /{SMALLEST - zone_bits} or larger, or fewer zones",
        )
    size = 1 << (32 - length)
    first = int(pool.broadcast_address) + 1 - (size << zone_bits)
    return {zone: str(IPv4Network((first + number * size, length))) for number, zone in enumerate(cloud.zones)}


def own_prefixes(cloud: CloudRegion) -> tuple[str, ...]:
    """What of a region's pools its network takes for itself: no block can lie there."""
    return tuple(zone_subnets(cloud, where=cloud.location).values())


def network(prefix: str, *, where: str) -> IPv4Network:
    """A prefix that AWS takes for a VPC or a subnet.

    Raises:
        InvalidArgument: it is none, or its size is not one that AWS takes.
    """
    try:
        parsed = IPv4Network(prefix)
    except ValueError as error:
        raise InvalidArgument(f"{prefix!r} is no IPv4 prefix: {error}", where=where) from error
    if not LARGEST <= parsed.prefixlen <= SMALLEST:
        raise InvalidArgument(
            f"{prefix} is a /{parsed.prefixlen}; AWS takes /{LARGEST} to /{SMALLEST} for networks and subnets",
            where=where,
            next_step=f"split it into /{LARGEST}" if parsed.prefixlen < LARGEST else f"use a /{SMALLEST} or larger",
        )
    return parsed


def zone_of(prefix: IPv4Network, zones: tuple[str, ...]) -> str:
    """The zone of a block: neighbours of one size take turns."""
    return zones[(int(prefix.network_address) >> (32 - prefix.prefixlen)) % len(zones)]
