"""One LSTM for all series, direct over the horizon, by pinball loss (extra `lstm`): slow, asked for by name (pure).

It reads the last four weeks of each series, a day a step, in levels of the series, and corrects the median of its last
fortnight at each step ahead. The network: `lstm_network.py`; what it sees: `lstm_windows.py`.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from forecaster.models.extra import need
from forecaster.models.lstm_windows import Windowed, block_of, joined, window
from forecaster.models.model import LEVEL, Says, arrays_from_bytes, arrays_to_bytes, finite
from forecaster.panel import Matrix, Panel, Steps

if TYPE_CHECKING:
    from forecaster.models.lstm_network import Arrays

CEILING = 2.0  # times the largest value seen
LOUDEST = 10.0  # times the median weight
LEAST_BLOCKS = 10
AT_ONCE = 1024  # windows that the network looks at: memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Lstm:
    """Settings.

    Attributes:
        updates: steps of Adam: work is bounded by their count, never by time.
        least: fewest of them,
        looks: else so many at each window: more, and few series are learned by heart.
        batch: windows of each.
        origins: that windows are taken from, a block apart, the newest.
        steps_seen: steps ahead of each window, evenly thinned.
        windows: at most so many, evenly thinned.
        seed: of first weights and batches.
    """

    updates: int = 300
    least: int = 60
    looks: int = 6
    batch: int = 48
    origins: int = 35
    steps_seen: int = 40
    windows: int = 6_000
    seed: int = 0

    @property
    def name(self) -> str:
        return "lstm"

    @property
    def says(self) -> Says:
        return Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        return panel.steps >= LEAST_BLOCKS * block_of(panel)

    def fit(self, panel: Panel, steps: int) -> "FittedLstm":
        """Learns from windows before the panel's end.

        Raises:
            FamilyNotInstalled: without jax.
        """
        need(self.name, "jax", "lstm")
        windows = self._windows(panel, steps)
        if windows is None:
            return FittedLstm({})
        from forecaster.models.lstm_network import learned

        chance = np.random.default_rng(self.seed)
        updates = min(self.updates, -(-self.looks * len(windows.past) // self.batch))
        picks = chance.integers(0, len(windows.past), (max(updates, self.least), self.batch))
        return FittedLstm(learned(windows, picks, self.seed))

    def restored(self, kept: bytes) -> "FittedLstm":
        """As it was kept; saying anything needs jax again.

        Raises:
            FamilyNotInstalled: without jax.
        """
        need(self.name, "jax", "lstm")
        return FittedLstm({name: one.astype(np.float32) for name, one in arrays_from_bytes(kept).items()})

    def _windows(self, panel: Panel, steps: int) -> Windowed | None:
        """Every series at origins a block apart, thinned evenly; None where nothing could be learned."""
        block = block_of(panel)
        origins = range(panel.steps - block, LEAST_BLOCKS // 2 * block - 1, -block)[: self.origins]
        ahead = np.unique(np.linspace(1, steps, min(self.steps_seen, steps)).astype(np.int64))
        padded = np.pad(panel.observed, ((0, 0), (0, steps)), constant_values=np.nan)
        every = max(1, -(-len(panel.keys) * len(origins) // self.windows))
        parts = []
        for number, origin in enumerate(origins):
            rows = np.arange(number % every, len(panel.keys), every)
            seen = window(panel.until(origin), ahead, padded[:, origin + ahead - 1]).of(rows)
            parts.append(seen.of(np.flatnonzero(seen.weight.any(axis=1))))
        found = joined(parts) if parts else None
        if found is None or not len(found.past):
            return None
        heard = found.weight[found.weight > 0]
        weight = np.minimum(found.weight, LOUDEST * np.median(heard)) / heard.mean()
        return replace(found, weight=weight.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class FittedLstm:
    """The weights of a network; none where there was nothing to learn from."""

    weights: "Arrays"

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        """Quantiles of every series and step, times the level of the series."""
        said = np.full((len(panel.keys), len(ahead), len(LEVEL)), np.nan)
        if self.weights:
            from forecaster.models.lstm_network import spoken

            seen = window(panel, ahead)
            for first in range(0, len(said), AT_ONCE):
                some = np.arange(first, min(first + AT_ONCE, len(said)))
                said[some] = spoken(self.weights, seen.of(some)) * seen.level[some, None, None]
        highest = CEILING * np.nan_to_num(panel.observed).max(axis=1, initial=0.0)
        return finite(np.minimum(said, highest[:, None, None]), panel)

    def kept(self) -> bytes:
        return arrays_to_bytes(self.weights)
