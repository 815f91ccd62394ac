"""The prices that prove a fleet's bound as a short text, to lie in its plan: the next plan proves its own by them.

Any prices prove a bound, so that few digits do: what is paid for demand is rounded down, what limits take up, to 15
bits of their fraction, and what partners are charged to 4095ths of their carrier's price. Most are nothing and take a
bit. Of 200 regions that is some 130 kB and loses a ten-thousandth of the bound or less. No library packs it, as plans
are the same to the byte whatever they are made with. What is read is made to be prices that prove, whatever it says.
"""

import base64
import binascii
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

CUT = np.uint32(0xFF)
"""Bits of a float of 32 that are not kept."""

PRICE_BYTES, PART_BYTES = 3, 2

Codes = NDArray[np.uint32]


def packed(problem: FleetProblem, certificate: Certificate) -> str:
    """A certificate of a problem as text; the same one gives the same text."""
    prices, arcs = certificate.prices, Arcs.of(problem)
    firm = _coded(prices.firm, up=False)
    charged, kept = prices.firm[arcs.carrier], _decoded(firm)[arcs.carrier] > 0
    parts = np.floor(np.clip(certificate.claims[kept] / charged[kept], 0.0, 1.0) * PARTS + 1e-6).astype(np.uint32)
    pieces = (
        _written(_coded(prices.served, up=False), PRICE_BYTES),
        _written(firm, PRICE_BYTES),
        _written(_coded(prices.spot, up=True), PRICE_BYTES),
        _written(_coded(prices.quota, up=True), PRICE_BYTES),
        _written(parts, PART_BYTES),
        _written(_coded(certificate.steps, up=False), PRICE_BYTES),
    )
    return base64.b64encode(b"".join(pieces)).decode()


def unpacked(problem: FleetProblem, text: str) -> Certificate:
    """The certificate, as prices that prove a bound of this problem, which has the same regions, hours and pairs.

    Raises:
        FleetTooFar: the text is none of such a problem.
    """
    arcs, (regions, kinds, hours) = Arcs.of(problem), problem.demand.shape
    try:
        reading = _Reading(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise FleetTooFar(f"its prices cannot be read ({error})", where="standing.proof") from error
    served, firm = (reading.prices(regions, hours, kinds) for _ in range(2))
    spot = reading.prices(regions, hours)
    quota = reading.prices(regions, hours, kinds) if problem.quota.size else np.zeros((0, 0, 0))
    kept, parts = firm[arcs.carrier] > 0, np.zeros((len(arcs.carrier), hours, kinds))
    parts[kept] = reading.codes((int(kept.sum()),), PART_BYTES) / PARTS
    steps = reading.prices(len(problem.pairs), 2)
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


def _coded(values: Floats, *, up: bool) -> Codes:
    """Numbers that are not negative as the first 24 bits of their floats of 32."""
    narrow = np.maximum(values, 0.0).astype(np.float32)
    bits = narrow.view(np.uint32)
    return np.asarray((np.where(narrow > 0, bits + CUT, bits) if up else bits) >> 8)


def _decoded(codes: Codes) -> Floats:
    """The numbers, none negative, none beyond any price."""
    with np.errstate(invalid="ignore"):  # what is no number is left out below
        found = (codes << 8).view(np.float32).astype(np.float64)
        return np.where((found > 0) & (found < NOT_OFFERED), found, 0.0)


def _written(codes: Codes, width: int) -> bytes:
    """Which numbers are not zero, a bit each; then these, `width` bytes each, the highest first."""
    some = codes[codes > 0]
    return np.packbits(codes > 0).tobytes() + some.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 4 - width :].tobytes()


@dataclass(slots=True)
class _Reading:
    """Bytes that are read from the front."""

    left: bytes

    def codes(self, shape: tuple[int, ...], width: int) -> Codes:
        """Numbers as they were written.

        Raises:
            FleetTooFar: there are too few bytes.
        """
        size = int(np.prod(shape))
        there = np.unpackbits(self._taken(-(-size // 8)), count=size).astype(bool)
        found, some = np.zeros(size, dtype=np.uint32), np.zeros((int(there.sum()), 4), dtype=np.uint8)
        some[:, 4 - width :] = self._taken(len(some) * width).reshape(-1, width)
        found[there] = some.view(">u4")[:, 0]
        return found.reshape(shape)

    def prices(self, *shape: int) -> Floats:
        """Prices as they were written."""
        return _decoded(self.codes(shape, PRICE_BYTES))

    def end(self) -> None:
        """Raises FleetTooFar where something is left."""
        if self.left:
            raise FleetTooFar("its prices are those of another problem", where="standing.proof")

    def _taken(self, size: int) -> NDArray[np.uint8]:
        if len(self.left) < size:
            raise FleetTooFar("its prices are those of another problem", where="standing.proof")
        taken, self.left = self.left[:size], self.left[size:]
        return np.frombuffer(taken, dtype=np.uint8)
