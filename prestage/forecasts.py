"""From an environment's history to its forecast, written where plans look for it, and to its back-test."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from contracts.environment import Environment
from contracts.files import write_forecast
from contracts.forecast import ForecastBundle
from contracts.ports import Clock, Progress

if TYPE_CHECKING:
    from contracts.backtest import BacktestReport
    from forecaster.outside import Outside
    from forecaster.view import HistoryView

SEED = 1
S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOrder:
    """What is forecast.

    Attributes:
        folder: the project's folder.
        origin: the first moment not seen; the end of the history by default.
        models: names of the models to choose from; all by default.
        fast: with less work, for a look.
    """

    folder: Path
    environment: Environment
    origin: datetime | None = None
    models: tuple[str, ...] = ()
    seed: int = SEED
    fast: bool = False

    @property
    def file(self) -> Path:
        """Where plans look for the forecast."""
        return self.folder / self.environment.state_dir / "forecasts" / f"{self.environment.name}.json"

    def history(self) -> "HistoryView":
        """All that is known."""
        from prestage.projects import history_of

        return history_of(self.folder, self.environment).load()

    def settings(self, make: Callable[..., S]) -> S:
        """As the forecaster wants them: forecast and back-test have the same ones."""
        from forecaster.engine import Tier

        environment = self.environment
        return make(
            environment=environment.name,
            regions=tuple(region.name for region in environment.regions),
            hourly_hours=environment.horizons.hourly_hours,
            daily_days=environment.horizons.daily_days,
            coefficients=environment.coefficients,
            origin=self.origin,
            seed=self.seed,
            models=self.models,
            tier=Tier.FAST if self.fast else Tier.FULL,
        )

    def outside(self, now: datetime) -> "Outside":
        """Events and customer profiles, as they are known now, or were at the origin."""
        from forecaster.outside import Outside
        from prestage.event_files import EventShelf

        shelf = EventShelf(folder=self.folder, environment=self.environment)
        moment = self.origin or now
        return Outside(calendar=shelf.known_by(moment), customers=shelf.customers(), known_by=moment)


def forecast_environment(order: ForecastOrder, clock: Clock, progress: Progress) -> ForecastBundle:
    """Makes the forecast and writes it."""
    from forecaster.make import ForecastSettings, make_forecast

    now, environment = clock(), order.environment
    settings = replace(
        order.settings(ForecastSettings),
        outside=order.outside(now),
        hold_hours=environment.horizons.validity_hours,
        recommend_level=environment.rules.headroom_quantile,
        block_use=environment.block_use,
    )
    bundle = make_forecast(order.history(), settings, made_at=now, seconds=time.perf_counter, progress=progress)
    write_forecast(order.file, bundle)
    return bundle


def backtest_environment(order: ForecastOrder, progress: Progress) -> "BacktestReport":
    """Scores the models on windows that they have not seen; writes nothing."""
    from forecaster.backtest import BacktestSettings, run_backtest

    return run_backtest(order.history(), order.settings(BacktestSettings), progress)
