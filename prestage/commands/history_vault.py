"""`prestage history keys|encrypt|rotate|compact|verify`: the history at rest."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.scope import NoOptions, Scope, examples, scoped

if TYPE_CHECKING:
    from forecaster.history.keyring import Kms


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateArguments:
    """Where the history's key was until now, if elsewhere; and whether the master key gets a new version."""

    previous: str | None
    renew: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactArguments:
    """How long kinds are kept, `traffic=400`, beside what the environment says."""

    keep: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyArguments:
    """Whether what is there is taken for the last state."""

    accept: bool


def _days(_ctx: click.Context, _param: click.Parameter, told: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """`traffic=400` as kind and days."""
    from contracts.series import SeriesKind

    kinds = [*(str(kind) for kind in SeriesKind), "requests"]
    pairs = tuple(text.partition("=") for text in told)
    for kind, _, days in pairs:
        if kind not in kinds:
            raise click.BadParameter(f"{kind!r} is no kind of series: {', '.join(kinds)}")
        if not days.isdecimal() or int(days) < 1:
            raise click.BadParameter(f"{days!r} is no whole number of days from 1: traffic=400")
    return tuple((kind, int(days)) for kind, _, days in pairs)


@click.command("keys", epilog=examples("prestage history keys", "prestage history keys --json"))
@scoped(NoOptions)
def keys(scope: Scope, _options: NoOptions) -> int:
    """Show whether the history is encrypted, and under which key."""
    from prestage.projects import open_history
    from prestage.views.history_vault import keys_document, keys_text

    history = open_history(scope)
    manifest = history.vault.look().manifest  # opens it, so that a key that is missing or wrong is told
    keyring = history.vault.keys
    scope.answer(keys_document(manifest, keyring), lambda: keys_text(manifest, keyring))
    return ExitCode.CLEAN


@click.command("encrypt", epilog=examples("prestage history encrypt", "prestage history encrypt --env dev"))
@scoped(NoOptions)
def encrypt(scope: Scope, _options: NoOptions) -> int:
    """Encrypt a history that is not, under the environment's key."""
    from forecaster.history.manifest import read_manifest
    from forecaster.history.upkeep import encrypt as encrypt_history
    from prestage.forecast_keys import closed_anew
    from prestage.forecast_state import forget_plain
    from prestage.forecasts import ForecastOrder
    from prestage.projects import read_environment
    from prestage.views.paper import plural

    order = ForecastOrder(folder=scope.folder, environment=read_environment(scope))
    history = order.history()
    with closed_anew(order, history.vault):
        files = encrypt_history(history)
    with history.vault.locked():
        if read_manifest(history.folder).key:  # also where an earlier run was killed before it came here
            _tell_gone(forget_plain(order.file.parent, order.environment.name))
    told = f"{plural(files, 'file')} encrypted; the plain ones are removed" if files else "nothing to encrypt"
    scope.answer({"encrypted": files}, lambda: told)
    return ExitCode.CLEAN


@click.command(
    "rotate",
    epilog=examples(
        "prestage history rotate                # a new version of the key that the environment names",
        "prestage history rotate --no-renew     # the cloud renewed it: wrap under its current version",
        "prestage history rotate --from local   # the environment names another key now",
    ),
)
@click.option("--from", "previous", metavar="KEY", help="The key until now, as the environment named it.")
@click.option("--renew/--no-renew", default=True, help="Make a new version of the key first, or take the current one.")
@scoped(RotateArguments)
def rotate(scope: Scope, options: RotateArguments) -> int:
    """Wrap every file's key anew, under a new key; no value is read or written."""
    from forecaster.history.upkeep import opener_of
    from forecaster.history.upkeep import rotate as rotate_history
    from prestage.forecast_keys import closed_anew
    from prestage.forecasts import ForecastOrder
    from prestage.projects import read_environment
    from prestage.views.history_vault import rotated_text

    order = ForecastOrder(folder=scope.folder, environment=read_environment(scope))
    history = order.history()
    previous = _kms(scope, options.previous) if options.previous else None
    with closed_anew(order, opener_of(history, previous)):
        report = rotate_history(history, previous=previous, renew=options.renew)
    scope.answer({"files": report.files, "key": report.version}, lambda: rotated_text(report))
    return ExitCode.CLEAN


def _kms(scope: Scope, setting: str) -> "Kms":
    from forecaster.history.open_keys import open_kms
    from prestage.projects import places_of, read_environment

    return open_kms(setting, places_of(scope.folder, read_environment(scope)))


@click.command(
    "compact",
    epilog=examples("prestage history compact", "prestage history compact --keep traffic=400 --keep requests=800"),
)
@click.option(
    "--keep",
    multiple=True,
    callback=_days,
    metavar="KIND=DAYS",
    help="Forget rows of a kind that are older; may be repeated.",
)
@scoped(CompactArguments)
def compact(scope: Scope, options: CompactArguments) -> int:
    """Put months together into fewer files, and forget what is older than the environment keeps it."""
    from coordinator.forecast_door import forecast_file
    from forecaster.history.upkeep import Keeping
    from forecaster.history.upkeep import compact as compact_history
    from prestage.demo.folder import clock_of
    from prestage.forecast_state import forget_kept
    from prestage.projects import history_of, read_environment
    from prestage.views.history_vault import compacted_document, compacted_text

    environment = read_environment(scope)
    days = {str(kind): count for kind, count in environment.history.keep_days.items()} | dict(options.keep)
    keeping = Keeping(now=clock_of(scope.folder)(), days=days)
    forecasts = forecast_file(scope.folder, environment).parent
    report = compact_history(
        history_of(scope.folder, environment), keeping, lambda: _tell_gone(forget_kept(forecasts, environment.name))
    )
    scope.answer(compacted_document(report), lambda: compacted_text(report))
    return ExitCode.CLEAN


def _tell_gone(gone: tuple[str, ...]) -> None:
    if gone:
        click.echo(f"what forecasts had kept is removed: {', '.join(gone)}", err=True)


@click.command("verify", epilog=examples("prestage history verify", "prestage history verify --accept"))
@click.option("--accept", is_flag=True, help="Take what is there for the last state: it was restored on purpose.")
@scoped(VerifyArguments)
def verify(scope: Scope, options: VerifyArguments) -> int:
    """Read every byte, and name what is not as it was written: altered, missing, swapped, rolled back, added."""
    from forecaster.history.verify import accept
    from forecaster.history.verify import verify as verify_history
    from prestage.projects import open_history
    from prestage.views.history_vault import verified_document, verified_text

    history = open_history(scope)
    if options.accept:
        accept(history)
    report = verify_history(history)
    scope.answer(verified_document(report), lambda: verified_text(report))
    return ExitCode.ERROR if report.findings else ExitCode.CLEAN


AT_REST = (keys, encrypt, rotate, compact, verify)
"""Commands of `prestage history` that are about how it is kept."""
