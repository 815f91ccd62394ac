"""The prices that prove a fleet's bound as a short text, to lie in its plan: the next plan proves its own by them.

Any prices prove a bound, so that few digits do: what is paid for demand is rounded down, what limits take up, to 15
bits of their fraction, and what partners are charged to 4095ths of their carrier's price. Of 200 regions that is some
80 kB and loses a ten-thousandth of the bound or less. What is read is made to be prices that prove, whatever it says.
"""

import base64
import binascii
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.errors import FleetTooFar
from planner.fleet.bound import Certificate
from planner.fleet.hulls import floors_of
from planner.fleet.offers import Prices
from planner.fleet.problem import NOT_OFFERED, Arcs, FleetProblem, Floats

PARTS = 4095
"""Steps of what a partner is charged of its carrier's price."""

KEPT, CUT = np.uint32(0xFFFFFF00), np.uint32(0xFF)
"""Bits of a float of 32 that are kept, and those that are not."""


def packed(problem: FleetProblem, certificate: Certificate) -> str:
    """A certificate of a problem as text; the same one gives the same text."""
    prices, arcs = certificate.prices, Arcs.of(problem)
    firm = prices.firm[arcs.carrier]
    part = np.divide(certificate.claims, firm, out=np.zeros_like(firm), where=firm > 0)
    parts = np.floor(np.clip(part, 0.0, 1.0) * PARTS + 1e-6).astype(">u2")
    pieces = (
        _three_bytes(prices.served, up=False),
        _three_bytes(prices.firm, up=False),
        _three_bytes(prices.spot[..., None], up=True),
        _three_bytes(prices.quota, up=True),
        _planes(np.ascontiguousarray(parts.transpose(0, 2, 1)), 2),
        _three_bytes(certificate.steps[:, None], up=False),
    )
    return base64.b64encode(zlib.compress(b"".join(pieces), 9)).decode()


def unpacked(problem: FleetProblem, text: str) -> Certificate:
    """The certificate, as prices that prove a bound of this problem, which has the same regions, hours and pairs.

    Raises:
        FleetTooFar: the text is none of such a problem.
    """
    arcs, (regions, kinds, hours) = Arcs.of(problem), problem.demand.shape
    try:
        reading = _Reading(zlib.decompress(base64.b64decode(text, validate=True)))
    except (binascii.Error, ValueError, zlib.error) as error:
        raise FleetTooFar(f"its prices cannot be read ({error})", where="standing.proof") from error
    served, firm = (reading.three_bytes(regions, hours, kinds) for _ in range(2))
    spot = reading.three_bytes(regions, hours, 1)[..., 0]
    quota = reading.three_bytes(regions, hours, kinds) if problem.quota.size else np.zeros((0, 0, 0))
    parts = reading.planes((len(arcs.lost), kinds, hours), 2).view(">u2")[..., 0].transpose(0, 2, 1) / PARTS
    steps = reading.three_bytes(len(problem.pairs), 1, 2)[:, 0]
    reading.end()
    claims = firm[arcs.carrier] * _shared_out(arcs, parts)
    prices = Prices(served=served, firm=firm, spot=spot, quota=quota)
    return Certificate(
        prices=prices, claims=claims, steps=steps, floors=floors_of(problem, np.arange(len(steps)), steps)
    )


def _shared_out(arcs: Arcs, parts: Floats) -> Floats:
    """(2P, H, K) parts of a carrier's price that are one together, or less, the arcs of one loss counted once."""
    found = parts.copy()
    for region, into in enumerate(arcs.into):
        if not len(into):
            continue
        each = parts[into]
        if arcs.losses:
            which = arcs.losses[region]
            largest = np.zeros((int(which.max()) + 1, *each.shape[1:]))
            np.maximum.at(largest, which, each)
            each = largest
        found[into] /= np.maximum(1.0, each.sum(0))
    return found


def _three_bytes(values: Floats, *, up: bool) -> bytes:
    """(a, b, c) numbers that are not negative, in the order (a, c, b), which lie closer to one another."""
    ordered = np.ascontiguousarray(np.maximum(values, 0.0).transpose(0, 2, 1), dtype=np.float32)
    bits = ordered.view(np.uint32)
    bits = np.where(ordered > 0, bits + CUT, bits) if up else bits
    return _planes((bits & KEPT).astype(">u4"), 3)


def _planes(values: NDArray[np.unsignedinteger], count: int) -> bytes:
    """The first bytes of all numbers, then the second ones, as far as they are kept: like beside like packs better."""
    return values.view(np.uint8).reshape(-1, values.dtype.itemsize)[:, :count].T.tobytes()


@dataclass(slots=True)
class _Reading:
    """Bytes that are read from the front."""

    left: bytes

    def planes(self, shape: tuple[int, ...], count: int) -> NDArray[np.uint8]:
        """(*shape, count) bytes.

        Raises:
            FleetTooFar: there are too few.
        """
        size = int(np.prod(shape)) * count
        if len(self.left) < size:
            raise FleetTooFar("its prices are those of another problem", where="standing.proof")
        taken, self.left = self.left[:size], self.left[size:]
        return np.ascontiguousarray(np.frombuffer(taken, dtype=np.uint8).reshape(count, -1).T).reshape(*shape, count)

    def three_bytes(self, first: int, second: int, third: int) -> Floats:
        """(first, second, third) numbers, none negative, none beyond any price."""
        taken = self.planes((first, third, second), 3)
        whole = np.concatenate([taken, np.zeros_like(taken[..., :1])], -1)
        with np.errstate(invalid="ignore"):  # what is no number is left out below
            found = whole.view(">u4")[..., 0].astype(np.uint32).view(np.float32).astype(np.float64).transpose(0, 2, 1)
            return np.where((found > 0) & (found < NOT_OFFERED), found, 0.0)

    def end(self) -> None:
        """Raises FleetTooFar where something is left."""
        if self.left:
            raise FleetTooFar("its prices are those of another problem", where="standing.proof")
