"""`prestage forecast`: quantiles of every series, and how right the models have been."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from contracts.errors import PrestageError
from contracts.exits import ExitCode
from prestage.one_thread import on_one_thread
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOptions:
    """From when on, by which models; both are found out when they are not said."""

    origin: datetime | None
    models: tuple[str, ...]
    seed: int
    refit: bool


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "prestage forecast --env dev",
        "prestage forecast --origin 2026-03-01 --model seasonal_naive_24",
        "prestage forecast show",
    ),
)
@click.option("--origin", type=click.DateTime(), help="First moment not seen, UTC; the end of the history by default.")
@click.option("--model", "models", multiple=True, help="A model that competes; all by default. May be repeated.")
@click.option("--seed", type=int, default=1, show_default=True, help="For models that draw numbers.")
@click.option("--refit", is_flag=True, help="Fit every model anew, whatever the last forecast left.")
@scoped(ForecastOptions)
def command(scope: Scope, options: ForecastOptions) -> int:
    """Forecast every series, hourly and daily, with 15 quantiles."""
    if click.get_current_context().invoked_subcommand is not None:
        return ExitCode.CLEAN
    on_one_thread()
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
        refit=options.refit,
    )
    made = forecast_environment(order, clock_of(scope.folder), scope.progress)
    bundle = made.bundle
    click.echo(f"models: {made.models}", err=True)
    scope.answer(bundle.document, lambda: forecast_text(bundle))
    return ExitCode.CLEAN


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions:
    """Which series, hourly or daily, and where to draw them."""

    series: tuple[str, ...]
    daily: bool
    plot: Path | None


@command.command(
    "show",
    epilog=examples(
        "prestage forecast show",
        "prestage forecast show --series 'traffic:fra->*' --plot traffic.svg",
        "prestage forecast show --daily --series 'region_traffic:*' --plot days.png",
        "prestage forecast show --json | jq '.series[0]'",
    ),
)
@click.option("--series", multiple=True, metavar="NAME", help="Such as 'cpu:*', 'traffic:fra->ams'. May be repeated.")
@click.option("--daily", is_flag=True, help="Daily series, which reach further, instead of hourly ones.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw fan charts with what was seen: .png, .svg or .html.",
)
@scoped(ShowOptions)
def show(scope: Scope, options: ShowOptions) -> int:
    """Show the forecast that plans are made of."""
    from contracts.series import Granularity
    from coordinator.forecast_door import forecast_file, forecast_of
    from prestage.projects import read_environment
    from prestage.views.forecast_series import series_like, series_text
    from prestage.views.world import forecast_text

    environment = read_environment(scope)
    path = forecast_file(scope.folder, environment)
    if not path.exists():
        raise PrestageError("there is no forecast yet", where=str(path), next_step="prestage forecast")
    bundle = forecast_of(scope.folder, environment)
    series = series_like(bundle, options.series, Granularity.DAILY if options.daily else Granularity.HOURLY)
    if options.plot is not None:
        from prestage.forecast_plot import plot_forecast
        from prestage.projects import open_history

        drawn = plot_forecast(options.plot, bundle, series, open_history(scope).load(), environment)
        click.echo(f"{drawn} of {len(series)} series drawn: {scope.shown(options.plot)}", err=True)
    whole = "" if options.series else forecast_text(bundle) + "\n\n"
    scope.answer(bundle.document, lambda: whole + series_text(bundle, series))
    return ExitCode.CLEAN
