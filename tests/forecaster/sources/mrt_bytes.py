"""Table dumps made by hand, byte by byte, as RFC 6396 draws them."""

import ipaddress
import struct

SEQUENCE, SET = 2, 1


def record(subtype: int, body: bytes, *, kind: int = 13, length: int | None = None) -> bytes:
    return struct.pack("!IHHI", 1772409600, kind, subtype, len(body) if length is None else length) + body


def peers(count: int = 2) -> bytes:
    """A PEER_INDEX_TABLE: IPv4 peers with systems of four bytes."""
    name = b"rrc00"
    entries = b"".join(
        struct.pack("!B4s4sI", 2, bytes([10, 0, 0, number]), bytes([192, 0, 2, number]), 65000 + number)
        for number in range(count)
    )
    return record(1, b"\xc0\0\2\1" + struct.pack("!H", len(name)) + name + struct.pack("!H", count) + entries)


def path(*systems: int, kind: int = SEQUENCE) -> bytes:
    return struct.pack(f"!BB{len(systems)}I", kind, len(systems), *systems)


def attributes(as_path: bytes, *, extended: bool = False) -> bytes:
    """ORIGIN, AS_PATH and NEXT_HOP."""
    head = struct.pack("!BBH", 0x50, 2, len(as_path)) if extended else struct.pack("!BBB", 0x40, 2, len(as_path))
    return b"\x40\x01\x01\x00" + head + as_path + b"\x40\x03\x04\xc0\x00\x02\x01"


def route(prefix: str, *paths: bytes, ids: bool = False, extended: bool = False) -> bytes:
    """A RIB record with one entry for each path."""
    network = ipaddress.ip_network(prefix)
    size = (network.prefixlen + 7) // 8
    body = struct.pack("!IB", 0, network.prefixlen) + network.network_address.packed[:size]
    body += struct.pack("!H", len(paths))
    for number, as_path in enumerate(paths):
        told = attributes(as_path, extended=extended)
        body += struct.pack("!HI", number % 2, 1772409600) + (struct.pack("!I", 7) if ids else b"")
        body += struct.pack("!H", len(told)) + told
    return record({(4, False): 2, (6, False): 4, (4, True): 8, (6, True): 10}[network.version, ids], body)


def dump(*records: bytes) -> bytes:
    return peers() + b"".join(records)
