"""The cheapest whole circuits for so many Gbps: exact where each size divides the next, whatever their prices.

From the largest size down: none, as many as fit, or one more. A dearer size than the same Gbps of smaller ones is then
never taken; and where it is cheaper, more of the smaller than make up a larger one never pay.
"""

import numpy as np

from benchmarks.plan_problem import Floats, Ints, Problem, real, whole

#: Gbps beyond what circuits bring that count as nothing.
SLIGHT = 1e-9


class Circuits:
    """A problem's pairs, and what it costs to join them over the horizon."""

    def __init__(self, problem: Problem) -> None:
        self.gbps = real(problem, "tierG")
        self.hourly_usd = real(problem, "tierP")
        self.hours = real(problem, "D").shape[2]
        self.reserved = real(problem, "bw")
        self._rows = {(int(a), int(b)): row for row, (a, b) in enumerate(whole(problem, "E"))}
        self._rows |= {(b, a): row for (a, b), row in self._rows.items()}

    @property
    def usd_of_one(self) -> Floats:
        """Of the smallest circuit of each pair, over the horizon [N]."""
        found: Floats = self.hourly_usd[:, 0] * self.hours
        return found

    def rows(self, some: Ints, others: Ints) -> Ints:
        """Where pairs are, given by their ends in either order."""
        return np.array([self._rows[int(a), int(b)] for a, b in zip(some, others, strict=True)], dtype=np.int64)

    def wanted(self, problem: Problem, share: Floats) -> Floats:
        """Gbps of each pair, for failover shares [P, 2]."""
        wanted, repl, cand = self.reserved.copy(), real(problem, "repl"), whole(problem, "cand").reshape(-1, 2)
        np.add.at(wanted, self.rows(cand[:, 0], cand[:, 1]), (share * repl[cand]).sum(axis=1))
        return wanted

    def usd(self, row: int, wanted: float) -> float:
        """The least for one pair, over the horizon."""
        (one, ten, hundred), (small, middle, large) = self.hourly_usd[row].tolist(), self.gbps.tolist()
        best = float("inf")
        for hundreds in _counts(wanted, large):
            rest = wanted - hundreds * large
            for tens in _counts(rest, middle):
                best = min(best, _up(rest - tens * middle, small) * one + tens * ten + hundreds * hundred)
        return float(self.hours * best)

    def cheapest(self, wanted: Floats) -> Floats:
        """Counts of each size for each pair [N, 3]."""
        small, middle, large = self.gbps.tolist()
        best, chosen = np.full(len(wanted), np.inf), np.zeros((len(wanted), 3))
        for hundreds in _tries(wanted, large):
            rest = wanted - hundreds * large
            for tens in _tries(rest, middle):
                ones = np.ceil(np.maximum(rest - tens * middle - SLIGHT, 0) / small)
                counts = np.stack([ones, tens, hundreds], axis=1)
                usd = (counts * self.hourly_usd).sum(axis=1)
                better = usd < best - 1e-12
                best, chosen = np.where(better, usd, best), np.where(better[:, None], counts, chosen)
        return chosen


def _up(wanted: float, size: float) -> float:
    return float(-((SLIGHT - max(wanted, SLIGHT)) // size))


def _counts(wanted: float, size: float) -> tuple[float, ...]:
    fit, up = max(wanted, 0.0) // size, _up(wanted, size)
    return (0.0, fit, up) if fit else (0.0, up) if up else (0.0,)


def _tries(wanted: Floats, size: float) -> tuple[Floats, Floats, Floats]:
    over = np.maximum(wanted, 0.0)
    return np.zeros_like(over), np.floor(over / size), np.ceil(np.maximum(over - SLIGHT, 0.0) / size)
