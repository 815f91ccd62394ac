"""The usual level of a pair that was never seen, from those that were (pure).

The gravity model, traffic = row sum x column sum / total (Zhang, Roughan, Duffield and Greenberg 2003, section 3),
fitted in logarithms, with the way back as a third mass: log y_ij = a + b log R_i + c log C_j + d log y_ji. Sums leave
the pair itself out, as they would were it unknown. An address block's mass is its size; other series have none.

Each known series is also predicted as if it had not been known: in ridge regression that error is e / (1 - h), h the
diagonal of the hat matrix (Allen 1974).
"""

from dataclasses import dataclass
from ipaddress import ip_network

import numpy as np

from contracts.series import SeriesKey, SeriesKind
from forecaster.panel import Matrix

RIDGE = 1.0  # in units of one series' worth of standardised masses


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Logarithms of usual levels: of the known as if each were unknown (one a known series), and of the asked."""

    left_out: Matrix
    asked: Matrix


def usual_levels(known: tuple[SeriesKey, ...], logs: Matrix, asked: tuple[SeriesKey, ...]) -> Levels:
    """Predicts log levels of `asked` from those of the `known` series, of one kind; there is at least one."""
    all_masses = _Masses(dict(zip(known, np.exp(logs), strict=True)))
    masses = np.array([all_masses.of(key) for key in (*known, *asked)])
    count = len(known)
    centre = _mean(masses[:count])
    scale = np.sqrt(_mean((masses[:count] - centre) ** 2))
    standard = np.nan_to_num((masses - centre) / np.where(scale > 0, scale, 1.0))
    design = np.column_stack([np.ones(len(standard)), standard])
    penalty = RIDGE * np.diag([0.0, *np.ones(standard.shape[1])])
    inner = design[:count]
    inverse = np.linalg.inv(inner.T @ inner + penalty)
    fitted = design @ (inverse @ (inner.T @ logs))
    hat = np.einsum("ij,jk,ik->i", inner, inverse, inner)
    error = (logs - fitted[:count]) / np.maximum(1.0 - hat, 1e-3)
    return Levels(left_out=logs - error if count > 1 else logs, asked=fitted[count:])


def _mean(values: Matrix) -> Matrix:
    known = np.isfinite(values)
    mean: Matrix = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return mean


class _Masses:
    """Sums over rows and columns of the matrix of pairs that are known."""

    def __init__(self, levels: dict[SeriesKey, float]) -> None:
        self._levels = {key.regions: level for key, level in levels.items() if len(key.regions) == 2}
        self._rows: dict[str, list[float]] = {}
        self._columns: dict[str, list[float]] = {}
        for (source, destination), level in sorted(self._levels.items()):
            self._rows.setdefault(source, []).append(level)
            self._columns.setdefault(destination, []).append(level)

    def of(self, key: SeriesKey) -> tuple[float, ...]:
        """Log masses of a series, the series itself left out; NaN where nothing is known of them."""
        if key.kind is SeriesKind.BLOCK_TRAFFIC:
            return (_log_size(key.subject),)
        if len(key.regions) != 2:
            return ()
        source, destination = key.regions
        own = self._levels.get((source, destination))
        back = self._levels.get((destination, source)) if source != destination else None
        sides = (self._rows.get(source, []), self._columns.get(destination, []))
        return (*(_log_mean(side, own) for side in sides), np.nan if back is None else float(np.log(back)))


def _log_mean(levels: list[float], own: float | None) -> float:
    """The log of the mean of the others; sums would grow with the number of pairs known."""
    count = len(levels) - (own is not None)
    if count <= 0:
        return np.nan
    rest = sum(levels) - (own or 0.0)
    return float(np.log(max(rest, 1e-12 * sum(levels)) / count))


def _log_size(block: str) -> float:
    try:
        return float(ip_network(block, strict=False).max_prefixlen - ip_network(block, strict=False).prefixlen)
    except ValueError:
        return np.nan
