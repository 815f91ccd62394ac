"""`prestage backtest`: how right each model would have been."""

from dataclasses import dataclass
from datetime import UTC, datetime

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestOptions:
    """Up to when, and which models."""

    origin: datetime | None
    models: tuple[str, ...]


@click.command(
    epilog=examples("prestage backtest --env dev", "prestage backtest --model xgboost --model seasonal_naive_24 --json")
)
@click.option("--origin", type=click.DateTime(), help="First moment not seen, UTC; the end of the history by default.")
@click.option("--model", "models", multiple=True, help="A model to try; all by default. May be repeated.")
@scoped(BacktestOptions)
def command(scope: Scope, options: BacktestOptions) -> int:
    """Score every model on windows that it has not seen, from rolling origins."""
    from prestage.forecasts import ForecastOrder, backtest_environment
    from prestage.projects import read_environment
    from prestage.views.backtest import backtest_text

    order = ForecastOrder(
        folder=scope.folder,
        environment=read_environment(scope),
        origin=options.origin and options.origin.replace(tzinfo=UTC),
        models=options.models,
    )
    report = backtest_environment(order, scope.progress)
    scope.answer(report, lambda: backtest_text(report))
    return ExitCode.CLEAN
