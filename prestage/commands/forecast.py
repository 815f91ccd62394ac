"""`prestage forecast`: quantiles of every series, and how right the models have been."""

from dataclasses import dataclass
from datetime import UTC, datetime

import click

from contracts.errors import PrestageError
from contracts.exits import ExitCode
from prestage.scope import NoOptions, Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOptions:
    """From when on, by which models; both are found out when they are not said."""

    origin: datetime | None
    models: tuple[str, ...]
    seed: int


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "prestage forecast --env dev",
        "prestage forecast --origin 2026-03-01 --model seasonal_naive",
        "prestage forecast show",
    ),
)
@click.option("--origin", type=click.DateTime(), help="First moment not seen, UTC; the end of the history by default.")
@click.option("--model", "models", multiple=True, help="A model that competes; all by default. May be repeated.")
@click.option("--seed", type=int, default=1, show_default=True, help="For models that draw numbers.")
@scoped(ForecastOptions)
def command(scope: Scope, options: ForecastOptions) -> int:
    """Forecast every series, hourly and daily, with 15 quantiles."""
    if click.get_current_context().invoked_subcommand is not None:
        return ExitCode.CLEAN
    from prestage.demo.folder import clock_of
    from prestage.forecasts import ForecastOrder, forecast_environment
    from prestage.projects import read_environment
    from prestage.views.world import forecast_text

    order = ForecastOrder(
        folder=scope.folder,
        environment=read_environment(scope),
        origin=options.origin and options.origin.replace(tzinfo=UTC),
        models=options.models,
        seed=options.seed,
    )
    bundle = forecast_environment(order, clock_of(scope.folder), scope.progress)
    scope.answer(bundle.document, lambda: forecast_text(bundle))
    return ExitCode.CLEAN


@command.command("show", epilog=examples("prestage forecast show", "prestage forecast show --json | jq '.series[0]'"))
@scoped(NoOptions)
def show(scope: Scope, _options: NoOptions) -> int:
    """Show the forecast that plans are made of."""
    from contracts.files import read_forecast
    from prestage.forecasts import ForecastOrder
    from prestage.projects import read_environment
    from prestage.views.world import forecast_text

    path = ForecastOrder(folder=scope.folder, environment=read_environment(scope)).file
    if not path.exists():
        raise PrestageError("there is no forecast yet", where=str(path), next_step="prestage forecast")
    bundle = read_forecast(path)
    scope.answer(bundle.document, lambda: forecast_text(bundle))
    return ExitCode.CLEAN
