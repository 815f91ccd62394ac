"""The forecaster that a back-test of a file asks: repairs and the engine, with its settings (pure)."""

from dataclasses import dataclass, field

from contracts.ports import Progress
from forecaster.engine import EngineSettings, forecast_panel
from forecaster.long_windows import Said
from forecaster.panel import Panel
from forecaster.repairs import Repaired, repair


@dataclass(frozen=True, slots=True)
class EngineForecaster:
    """The engine as a `Forecaster`; a value, so that it can be handed to another process."""

    settings: EngineSettings = field(default_factory=EngineSettings)

    def __call__(self, panel: Panel, steps: int, progress: Progress) -> Said:
        """Quantiles of the steps after the panel's end."""
        repaired = Repaired(panel, ()) if self.settings.counts else repair(panel)
        made = forecast_panel(repaired.panel, steps, self.settings, progress)
        return Said(
            quantiles=made.quantiles,
            model=made.model,
            enough=tuple(bool(one) for one in made.enough),
            treatments=(*repaired.treatments, *made.treatments),
        )
