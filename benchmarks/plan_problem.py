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
