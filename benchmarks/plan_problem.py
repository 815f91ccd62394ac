"""A planning problem's arrays, as docs/planning-model.md names them, read with their types."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Problem: TypeAlias = Mapping[str, NDArray[np.generic]]


def real(problem: Problem, name: str) -> Floats:
    """One of the problem's arrays of numbers."""
    return np.asarray(problem[name], dtype=np.float64)


def whole(problem: Problem, name: str) -> Ints:
    """One of the problem's arrays of indices."""
    return np.asarray(problem[name], dtype=np.int64)


def finite(price: Floats) -> Floats:
    """Prices with something beyond all others in place of those that are infinite: what is not offered."""
    offered = np.isfinite(price)
    beyond = 1e4 * float(np.max(price, where=offered, initial=1.0))
    return np.where(offered, np.maximum(price, 1e-12), beyond)
