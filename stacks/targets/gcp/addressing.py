"""Where a network's addresses lie on Google Cloud, and what the network takes for itself. Pure.

Limits: a subnetwork's ranges are from /4 to /29 (Virtual Private Cloud, "Subnets", valid ranges).
"""

from ipaddress import IPv4Network

from contracts.accounts import CloudRegion
from stacks.errors import InvalidArgument

SMALLEST = 29  # prefix length
OWN_BITS = 4  # instances take a sixteenth of the first pool ...
OWN_SMALLEST = 27  # ... or this, where that would be smaller
RANGES = 170  # secondary ranges that a subnetwork may have


def own_prefixes(cloud: CloudRegion) -> tuple[str, ...]:
    """What of a region's pools its network takes for itself: no block can lie there."""
    return (str(own_range(cloud, where=cloud.location)),)


def own_range(cloud: CloudRegion, *, where: str) -> IPv4Network:
    """Where instances have their addresses: the end of the first pool.

    Raises:
        InvalidArgument: the first pool is no prefix, or too small to be split.
    """
    pool = prefix(cloud.pools[0], where=where)
    length = max(min(pool.prefixlen + OWN_BITS, OWN_SMALLEST), pool.prefixlen + 1)
    if length > SMALLEST:
        raise InvalidArgument(
            f"its first pool {pool} is too small: a subnetwork takes a /{SMALLEST} of it, blocks the rest",
            where=where,
            next_step=f"give a first pool of /{SMALLEST - 1} or larger",
        )
    return IPv4Network((int(pool.broadcast_address) + 1 - (1 << (32 - length)), length))


def secondary_ranges(cloud: CloudRegion, *, where: str) -> tuple[tuple[str, str], ...]:
    """Name and range of everything else in the pools: what blocks are carved from.

    Raises:
        InvalidArgument: a pool is no prefix, too small, or there are too many.
    """
    own = own_range(cloud, where=where)
    first = sorted(prefix(cloud.pools[0], where=where).address_exclude(own))
    ranges = (*first, *(prefix(pool, where=where) for pool in cloud.pools[1:]))
    if len(ranges) > RANGES:
        raise InvalidArgument(f"{len(ranges)} ranges; a subnetwork has at most {RANGES}", where=where)
    return tuple((f"pool-{str(item).replace('.', '-').replace('/', '-')}", str(item)) for item in ranges)


def prefix(text: str, *, where: str) -> IPv4Network:
    """A prefix that Google Cloud takes for a subnetwork.

    Raises:
        InvalidArgument: it is none, or too small.
    """
    try:
        parsed = IPv4Network(text)
    except ValueError as error:
        raise InvalidArgument(f"{text!r} is no IPv4 prefix: {error}", where=where) from error
    if parsed.prefixlen > SMALLEST:
        raise InvalidArgument(
            f"{text} is smaller than the /{SMALLEST} that Google Cloud takes", where=where, next_step="merge pools"
        )
    return parsed
