"""Profile: what the series was at this hour of the day on the days before, as a distribution (pure).

The quantiles of a step are the weighted quantiles of the values at the same step of the day over the last days, of the
hour before and the hour after at half the weight, of days of the other kind (working day or weekend) at less, and of
older days at less still. It is the climatology of weather forecasting (Murphy 1992, "Climatology, persistence, and
their linear combination as standards of reference in skill scores"), with a window: short ones follow a level that
moves, long ones know weekends.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from forecaster.models.model import LEVEL, Says, finite
from forecaster.models.order import sample_quantiles
from forecaster.panel import Matrix, Panel, Steps

NEIGHBOUR = 0.5  # weight of the hour before and the hour after,
NEIGHBOURS_UNTIL = 28  # days: of more, those of the hour itself are enough
WORKING_DAYS = 5

_TABLES: "WeakKeyDictionary[Panel, dict[Profile, Matrix]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Profile:
    """The last `days` days.

    Attributes:
        days: how far back.
        other: weight of days of the other kind, above 0 to 1.
        half_life: in days, after which a day counts half.
    """

    days: int
    other: float = 1.0
    half_life: float = np.inf

    @property
    def name(self) -> str:
        return f"profile_{self.days}d"

    @property
    def says(self) -> Says:
        return Says.QUANTILES

    def suits(self, panel: Panel) -> bool:
        return panel.steps >= panel.day

    def fit(self, panel: Panel, steps: int) -> "Profile":
        """Nothing to learn: the rule is the model."""
        return self

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        return finite(self.at(panel, ahead), panel)

    def at(self, panel: Panel, ahead: Steps) -> Matrix:
        """Quantiles of steps ahead, (series, steps, levels); NaN where nothing was seen."""
        kind = weekend(panel, panel.steps + ahead - 1).astype(np.int64)
        return np.asarray(self.table(panel)[kind, :, (ahead - 1) % panel.day].transpose(1, 0, 2))

    def table(self, panel: Panel) -> Matrix:
        """Shape (kinds of day, series, steps of the day, levels); the day begins where the panel ends.

        Kept as long as the panel: boosting looks at the same tables that this family speaks from.
        """
        kept = _TABLES.setdefault(panel, {})
        if self not in kept:
            kept[self] = self._table(panel)
        return kept[self]

    def _table(self, panel: Panel) -> Matrix:
        day, days = panel.day, max(1, min(self.days, panel.steps // panel.day))
        near = 1 if day > 1 and days <= NEIGHBOURS_UNTIL else 0
        shifts = range(-near, near + 1)
        first = panel.steps - days * day
        windows = [_shifted(panel.observed, first, shift).reshape(-1, days, day) for shift in shifts]
        samples = np.concatenate(windows, axis=1).transpose(0, 2, 1)
        recent = 0.5 ** (np.arange(days)[::-1] / self.half_life)
        weight = np.concatenate([recent * (NEIGHBOUR if shift else 1.0) for shift in shifts])
        free = weekend(panel, np.arange(first, panel.steps)).reshape(days, day)
        free = np.tile(free, (len(shifts), 1)).T
        kinds = (False, True) if self.other < 1 else (False,)
        weights = [weight * np.where(free == kind, 1.0, self.other) for kind in kinds]
        tables = sample_quantiles(samples, weights, LEVEL)
        return np.stack([tables[0], tables[-1]])


def weekend(panel: Panel, steps: Steps) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether steps lie on a Saturday or Sunday (UTC)."""
    return np.asarray(panel.phase(steps) >= WORKING_DAYS * panel.day)


def _shifted(observed: Matrix, first: int, shift: int) -> Matrix:
    """The matrix from `first` on, each step replaced by the one `shift` later; NaN beyond its ends."""
    series, steps = observed.shape
    unknown = np.full((series, 1), np.nan)
    padded = np.hstack([unknown, observed, unknown])
    return np.asarray(padded[:, first + 1 + shift : steps + 1 + shift])
