"""The forecaster that a back-test of a file asks: repairs and the engine, with its settings (pure)."""

from dataclasses import dataclass, field, replace

import numpy as np

from contracts.forecast_values import LARGEST
from contracts.ports import Progress
from forecaster.engine import EngineSettings, forecast_panel
from forecaster.long_windows import Said
from forecaster.panel import Panel
from forecaster.repairs import Repaired, repair

Exponents = np.ndarray[tuple[int], np.dtype[np.int32]]
EXPONENT = 49  # of the power of two next below LARGEST


@dataclass(frozen=True, slots=True)
class EngineForecaster:
    """The engine as a `Forecaster`; a value, so that it can be handed to another process."""

    settings: EngineSettings = field(default_factory=EngineSettings)

    def __call__(self, panel: Panel, steps: int, progress: Progress) -> Said:
        """Quantiles of the steps after the panel's end."""
        panel, down = scaled_down(panel)
        repaired = Repaired(panel, ()) if self.settings.counts else repair(panel)
        made = forecast_panel(repaired.panel, steps, self.settings, progress)
        return Said(
            quantiles=made.quantiles if down is None else np.ldexp(made.quantiles, down[:, None, None]),
            model=made.model,
            enough=tuple(bool(one) for one in made.enough),
            treatments=(*repaired.treatments, *made.treatments),
        )


def scaled_down(panel: Panel) -> tuple[Panel, Exponents | None]:
    """A panel whose sums are numbers, and by which power of two each row is smaller; none where none had to be.

    A power of two changes no digit.
    """
    most = np.nanmax(np.abs(panel.observed), axis=1, initial=0.0)
    if not (most > LARGEST).any():
        return panel, None
    down = np.maximum(np.frexp(most)[1] - EXPONENT, 0)
    return replace(
        panel, observed=np.ldexp(panel.observed, -down[:, None]), filled=np.ldexp(panel.filled, -down[:, None])
    ), down
