"""`prestage demo`: one day of an on-premises estate, forecast to reconcile."""

from dataclasses import dataclass
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.one_thread import on_one_thread
from prestage.scope import Scope, examples


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """Where it is played, and by which engine."""

    folder: Path
    engine: str


@click.command(
    epilog=examples(
        "prestage demo",
        "prestage demo --engine pulumi --dir /tmp/demo",
        "prestage demo --json | jq .requests",
    )
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Folder to play in; an earlier demo in it is made afresh.",
)
@click.option(
    "--engine", type=click.Choice(["terraform", "pulumi"]), default="terraform", show_default=True, help="Who applies."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def command(folder: Path, engine: str, as_json: bool) -> int:
    """Play one day: telemetry, forecast, plan, review, apply, requests, drift, reconcile."""
    on_one_thread()
    from contracts.engines import EngineName
    from prestage.demo.day import play
    from prestage.views.demo import closing_text, opening_text, scene_text

    options = DemoOptions(folder=folder, engine=engine)
    scope = Scope(asked_folder=folder, asked_environment=None, as_json=as_json)
    if not as_json:
        click.echo(opening_text(options.folder, options.engine))
    report = play(
        options.folder,
        EngineName(options.engine),
        scope.progress,
        (lambda _told: None) if as_json else (lambda told: click.echo(scene_text(told))),
    )
    scope.answer(report.document(), lambda: closing_text(report, options.folder))
    return ExitCode.CLEAN
