"""BGP table dumps to prefixes and their origins: MRT, RFC 6396, TABLE_DUMP_V2; plain, gzip or bzip2.

A strict reader of our own: a file counts whole or not at all, whatever is damaged in it is told with its place, and of
a prefix the paths of a few peers are enough to vote on its origin.
"""

import bz2
import gzip
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias

from forecaster.errors import MalformedFile

TABLE_DUMP_V2 = 13
PEER_INDEX_TABLE = 1
_V4, _V6 = (2, 8), (4, 10)
"""Subtypes of unicast routes, without and with path identifiers (RFC 6396, 4.3.2; RFC 8050, 4.1)."""
_WITH_ID = (8, 10)

MAX_RECORD = 1 << 24
"""Bytes of one record: the widest table of the widest collector has some 100 kB of paths to a prefix."""
VOTES = 8
"""Paths of a prefix that are looked at."""

_AS_PATH = 2
_SET, _SEQUENCE = 1, 2
Unpacked: TypeAlias = IO[bytes] | gzip.GzipFile | bz2.BZ2File

_HEADER = struct.Struct("!IHHI")


class Route(NamedTuple):
    """A prefix as number, its length, its family (4 or 6), and the system that most of the peers see it come from."""

    version: int
    address: int
    length: int
    origin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """A whole table.

    Attributes:
        routes: each prefix that has an origin.
        without_origin: prefixes whose paths are empty or end in a set of systems (RFC 6472 advises against them).
        disputed: prefixes that peers see come from several systems.
        passed_over: records that are no unicast routes.
    """

    routes: tuple[Route, ...]
    without_origin: int
    disputed: int
    passed_over: int


class _Damaged(ValueError):
    """What is wrong with a record."""


def read_dump(path: Path) -> Dump:
    """Reads a table dump, whole or not at all.

    Raises:
        MalformedFile: no such file, cut off, or damaged; names the record and its offset.
    """
    try:
        with path.open("rb") as raw, _unpacked(raw) as file:
            return _dump(file, str(path))
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedFile(
            f"cannot be read whole ({getattr(error, 'strerror', None) or error})",
            where=str(path),
            next_step="fetch the table dump again: it may be cut off",
        ) from error


def _unpacked(raw: IO[bytes]) -> Unpacked:
    magic = raw.read(3)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(raw)
    return bz2.open(raw) if magic == b"BZh" else raw


def _dump(file: Unpacked, where: str) -> Dump:
    routes: list[Route] = []
    peers: int | None = None
    without = disputed = passed = 0
    for number, offset, kind, subtype, body in _records(file, where):
        try:
            if kind == TABLE_DUMP_V2 and subtype == PEER_INDEX_TABLE:
                peers = _peer_count(body)
            elif kind == TABLE_DUMP_V2 and subtype in (*_V4, *_V6):
                route, seen = _route(body, subtype, peers)
                without += route is None
                disputed += seen > 1
                routes += [route] if route else []
            else:
                passed += 1
        except (_Damaged, struct.error, IndexError) as error:
            raise _refused(f"is damaged: {error}", where, number, offset) from error
    if not routes and not without:
        raise MalformedFile(
            f"holds no routes ({passed} records of other kinds)",
            where=where,
            expected="a table dump of type TABLE_DUMP_V2 (RFC 6396), such as route collectors publish as bview or rib",
        )
    return Dump(routes=tuple(routes), without_origin=without, disputed=disputed, passed_over=passed)


def _records(file: Unpacked, where: str) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Number, offset, type, subtype and body of each record."""
    number = offset = 0
    while header := file.read(_HEADER.size):
        number += 1
        if len(header) < _HEADER.size:
            raise _refused("its header is cut off", where, number, offset)
        _, kind, subtype, length = _HEADER.unpack(header)
        if length > MAX_RECORD:
            raise _refused(f"says that it has {length} bytes, more than {MAX_RECORD}", where, number, offset)
        body = file.read(length)
        if len(body) < length:
            raise _refused(f"has {len(body)} of its {length} bytes", where, number, offset)
        yield number, offset, kind, subtype, body
        offset += _HEADER.size + length


def _peer_count(body: bytes) -> int:
    """Peers of a PEER_INDEX_TABLE, each of which is walked over (RFC 6396, 4.3.1)."""
    (name,) = struct.unpack_from("!H", body, 4)
    count: int = struct.unpack_from("!H", body, 6 + name)[0]
    at = 8 + name
    for _ in range(count):
        form = body[at]
        at += 5 + (16 if form & 1 else 4) + (4 if form & 2 else 2)
    if at != len(body):
        raise _Damaged(f"its {count} peers take {at} bytes, it has {len(body)}")
    return count


def _route(body: bytes, subtype: int, peers: int | None) -> tuple[Route | None, int]:
    """The route of a record, and how many origins were seen; None where there is no origin."""
    version, bits = (4, 32) if subtype in _V4 else (6, 128)
    length = body[4]
    size = (length + 7) // 8
    if length > bits:
        raise _Damaged(f"a prefix of {length} bits")
    prefix = body[5 : 5 + size]
    if len(prefix) < size:
        raise _Damaged("its prefix is cut off")
    address = int.from_bytes(prefix, "big") << (bits - 8 * size) if size else 0
    address &= ~((1 << (bits - length)) - 1)  # the bits behind a prefix mean nothing
    votes = _votes(body, 5 + size, peers, with_id=subtype in _WITH_ID)
    if not votes:
        return None, 0
    origin = min(votes, key=lambda system: (-votes[system], system))
    return Route(version, address, length, origin), len(votes)


def _votes(body: bytes, at: int, peers: int | None, *, with_id: bool) -> Counter[int]:
    """How many of the first paths come from each system."""
    (count,) = struct.unpack_from("!H", body, at)
    at += 2
    votes: Counter[int] = Counter()
    for _ in range(min(count, VOTES)):
        (peer,) = struct.unpack_from("!H", body, at)
        if peers is not None and peer >= peers:
            raise _Damaged(f"a path of peer {peer}, of which there are {peers}")
        at += 10 if with_id else 6
        (size,) = struct.unpack_from("!H", body, at)
        at += 2
        if at + size > len(body):
            raise _Damaged("its paths are cut off")
        origin = _origin(body, at, at + size)
        if origin is not None:
            votes[origin] += 1
        at += size
    if count <= VOTES and at != len(body):
        raise _Damaged(f"{len(body) - at} bytes follow its last path")
    return votes


def _origin(body: bytes, at: int, end: int) -> int | None:
    """The last system of the path among the attributes from `at` to `end` (RFC 4271, 4.3; RFC 6396, 4.3.4)."""
    while at < end:
        flags, kind = body[at], body[at + 1]
        if flags & 0x10:
            (size,) = struct.unpack_from("!H", body, at + 2)
            at += 4
        else:
            size = body[at + 2]
            at += 3
        if at + size > end:
            raise _Damaged(f"attribute {kind} is longer than what holds it")
        if kind == _AS_PATH:
            return _last_system(body, at, at + size)
        at += size
    return None


def _last_system(body: bytes, at: int, end: int) -> int | None:
    origin = None
    while at < end:
        kind, count = body[at], body[at + 1]
        at += 2 + 4 * count
        if at > end:
            raise _Damaged("a path is longer than its attribute")
        if kind in (_SET, _SEQUENCE) and count:
            (last,) = struct.unpack_from("!I", body, at - 4)
            origin = last if kind == _SEQUENCE or count == 1 else None
    return origin


def _refused(what: str, where: str, number: int, offset: int) -> MalformedFile:
    return MalformedFile(
        what,
        where=f"{where}, record {number} at byte {offset}",
        expected="a whole table dump (MRT, RFC 6396)",
        next_step="fetch the table dump again: nothing of it was used",
    )
