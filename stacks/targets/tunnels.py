"""Addresses inside tunnels: both ends compute them alone, so that neither waits for the other's cloud. Pure.

An IPsec connection has two tunnels, each a link-local /30 (RFC 3927). Its first host is AWS's end, the second its
customer's (AWS Site-to-Site VPN, "Tunnel options"). What AWS and Google reserve is left out.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network

from contracts.document import text_digest

_FIRST, _LAST = 6, 168  # third octets: AWS keeps 169.254.0 to .5 in part, Google 169.254.169
_PER_OCTET = 32  # connections (a /29 each) in one third octet


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """One tunnel from inside.

    Attributes:
        prefix: the /30.
        gateway: address of the end that calls itself the gateway: AWS, or a router on premises.
        customer: address of the other end: Google's Cloud Router, or AWS's customer.
    """

    prefix: str
    gateway: str
    customer: str


def inside_of(connection: str) -> tuple[Inside, Inside]:
    """Both tunnels of a connection, by its key: `bel--fra/link/fra`, `bel--fra/link/fra/0002`."""
    number = int(text_digest(connection)[-8:], 16) % ((_LAST - _FIRST + 1) * _PER_OCTET)
    third, eighth = divmod(number, _PER_OCTET)
    base = IPv4Network(f"169.254.{_FIRST + third}.{eighth * 8}/29")
    first, second = base.subnets(new_prefix=30)
    return _inside(first), _inside(second)


def _inside(prefix: IPv4Network) -> Inside:
    gateway, customer = prefix.hosts()
    return Inside(prefix=str(prefix), gateway=str(gateway), customer=str(customer))
