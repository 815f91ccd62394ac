"""From an environment's history to its forecast, written where plans look for it, and to its back-test."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from contracts.environment import Environment
from contracts.files import Sealing, as_it_is, write_forecast
from contracts.forecast import ForecastBundle
from contracts.ports import Clock, Progress
from coordinator.forecast_door import forecast_file
from prestage.forecast_state import StateShelf, code_digest, forget_earlier_form

if TYPE_CHECKING:
    from contracts.backtest import BacktestReport
    from forecaster.history.keyring import Keyring
    from forecaster.history.sealing import Seal
    from forecaster.history.store import History
    from forecaster.make import Made
    from forecaster.outside import Outside

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
        refit: fit every model anew, whatever the last forecast left.
    """

    folder: Path
    environment: Environment
    origin: datetime | None = None
    models: tuple[str, ...] = ()
    seed: int = SEED
    fast: bool = False
    refit: bool = False

    def shelf(self, keys: "Keyring | None", seal: "Seal") -> StateShelf:
        """Where one forecast leaves what it learned and said for the next, closed as the history is."""
        name = self.environment.name
        memory = keys.memory.with_name(f"{keys.memory.stem}-state-{name}.json") if keys and seal.envelope else None
        return StateShelf(folder=self.file.parent, environment=name, seal=seal, memory=memory)

    @property
    def file(self) -> Path:
        """Where plans look for the forecast."""
        return forecast_file(self.folder, self.environment)

    def closing(self, seal: "Seal") -> Sealing:
        """What closes the forecast's values: as the history is closed, unless the environment says otherwise."""
        encrypted = seal.envelope is not None and self.environment.history.encrypt_forecasts
        return seal.closed if encrypted else as_it_is

    def history(self) -> "History":
        """Where all that is known is kept."""
        from prestage.projects import history_of

        return history_of(self.folder, self.environment)

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

    def outside_ever(self, now: datetime) -> "Outside":
        """Events in every version and customer profiles up to now: what was known when is told by each."""
        from forecaster.outside import Outside
        from prestage.event_files import EventShelf

        shelf = EventShelf(folder=self.folder, environment=self.environment)
        moment = self.origin or now
        return Outside(calendar=shelf.every_version(moment), customers=shelf.customers(), known_by=moment)

    def outside(self, now: datetime) -> "Outside":
        """Events and customer profiles, as they are known now, or were at the origin."""
        from forecaster.outside import Outside
        from prestage.event_files import EventShelf

        shelf = EventShelf(folder=self.folder, environment=self.environment)
        moment = self.origin or now
        return Outside(calendar=shelf.known_by(moment), customers=shelf.customers(), known_by=moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasted:
    """A forecast, and which models made it, in words."""

    bundle: ForecastBundle
    models: str


def forecast_environment(order: ForecastOrder, clock: Clock, progress: Progress) -> Forecasted:
    """Makes the forecast and writes it, by the models that the last one left where they still serve.

    A forecast from an origin in the past neither uses nor leaves any: they would have seen what came after it. What is
    written is closed as the history is then, which may have been encrypted, or got another key, since it was read.
    """
    from forecaster.make import ForecastSettings, go_on_forecasting

    now, environment, history = clock(), order.environment, order.history()
    settings = replace(
        order.settings(ForecastSettings),
        outside=order.outside(now),
        now=now,
        hold_hours=environment.horizons.validity_hours,
        recommend_level=environment.rules.headroom_quantile,
        block_use=environment.block_use,
    )
    view, seal = history.opened()
    if order.origin is not None:
        made = go_on_forecasting(view, settings, made_at=now, seconds=time.perf_counter, progress=progress)
        with history.held(seal) as held:
            write_forecast(order.file, made.bundle, order.closing(held))
        return Forecasted(bundle=made.bundle, models=_models(made, "an origin in the past", []))
    shelf = order.shelf(history.vault.keys, seal)
    forget_earlier_form(shelf.folder, shelf.environment)
    state, why = (None, "as asked for") if order.refit else shelf.take()
    windows = shelf.windows()
    settings = replace(settings, state=state, code=code_digest(), kept=windows)
    made = go_on_forecasting(view, settings, made_at=now, seconds=time.perf_counter, progress=progress)
    with history.held(seal) as held:
        write_forecast(order.file, made.bundle, order.closing(held))
        told = [windows.told()]
        if held.forgot == seal.forgot:
            shelf = order.shelf(history.vault.keys, held)
            left = windows if held is seal else shelf.windows()
            told += [shelf.put(made.state) if made.refitted else "", left.keep(made.windows)]
        else:
            told.append("nothing of it is kept: the history forgot rows while it was made")
    return Forecasted(bundle=made.bundle, models=_models(made, why if state is None else "", told))


def _models(made: "Made", unusable: str, told_besides: list[str]) -> str:
    """Which models made a forecast, and what was wrong with what was kept."""
    told = "those of the last forecast" if made.went_on else ""
    if made.refitted:
        told = f"{told}, but fitted anew: " if told else "fitted anew: "
        told += unusable or "; ".join(made.refitted)
    return "; ".join([told, *(one for one in told_besides if one)])


def backtest_environment(
    order: ForecastOrder, clock: Clock, progress: Progress, *, sums: bool = False
) -> "BacktestReport":
    """Scores the models on windows that they have not seen, and sums of pairs where they are asked for; writes nothing.

    Events and profiles count as they were known at the origin of each window.
    """
    from forecaster.backtest import BacktestSettings, run_backtest

    now = clock()
    settings = replace(order.settings(BacktestSettings), outside=order.outside_ever(now), now=now, sums=sums)
    return run_backtest(order.history().load(), settings, progress)
