"""Arrays as npz, for a child's standard input and output, whole numbers in as few bytes as hold them."""

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MANY = 1 << 20
"""Instances of a type in a region, or circuits of a link, that are kept in numbers of 64 bits."""


def packed(arrays: Mapping[str, object]) -> bytes:
    """What `unpacked` reads."""
    sink = io.BytesIO()
    np.savez(sink, allow_pickle=False, **{name: _narrow(np.asarray(value)) for name, value in arrays.items()})
    return sink.getvalue()


def _narrow(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Whole numbers in as few bytes as hold them all: of 4 million counts by hour, few are above 127."""
    if values.dtype.kind != "i" or not values.size:
        return values
    low, high = int(values.min()), int(values.max())
    enough = (
        kind for kind in (np.int8, np.int16, np.int32) if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max
    )
    return values.astype(next(enough, np.int64))


def unpacked(payload: bytes) -> dict[str, NDArray[np.float64]]:
    """The arrays by name, each in the type that it was packed in."""
    with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
        return dict(arrays)


def wide(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers in 64 bits, others as they are."""
    return values.astype(np.int64) if values.dtype.kind == "i" else values


def counts(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers out of a solver's answer, in half the bytes where that leaves room for sums over types and hours.

    Raises:
        TypeError: they are none.
    """
    if values.dtype.kind not in "iu":
        raise TypeError(f"{values.dtype} where counts are whole")
    few = not values.size or max(-int(values.min()), int(values.max())) < MANY
    return values.astype(np.int32 if few else np.int64)
