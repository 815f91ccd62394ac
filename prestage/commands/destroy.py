"""`prestage destroy`: what an environment made ceases to exist, shown and counted first."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from prestage.scope import Scope, examples, scoped

if TYPE_CHECKING:
    from coordinator.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyOptions:
    """What, and how many resources a person said that this is."""

    names: tuple[str, ...]
    confirm: int | None


@click.command(
    epilog=examples(
        "prestage destroy                       # everything; shows it and asks for the number",
        "prestage destroy lon --confirm 14      # a region, with the links to it",
        "prestage destroy fra/compute/staged/s4/0001 --confirm 1",
        "",
        "What is held or active, pinned, or in a paused region stays unless its key is named.",
        "",
        "Exit codes: 0 destroyed, or nothing to destroy; 6 not confirmed, or frozen; 8 partly: the same command goes",
        "on; 9 another apply is running.",
    )
)
@click.argument("names", nargs=-1, metavar="[REGION|LINK|KEY]...")
@click.option("--confirm", type=click.IntRange(min=0), metavar="N", help="How many resources it destroys.")
@scoped(DestroyOptions)
def command(scope: Scope, options: DestroyOptions) -> int:
    """Destroy what the environment made, links first, as far as nobody leans on it."""
    from coordinator.destroy import command as spelled
    from coordinator.destroy import destroy
    from prestage.projects import open_project
    from prestage.unfinished import tell_rest
    from prestage.views.runs import run_text

    with open_project(scope) as project:
        confirmed = options.confirm
        if confirmed is None:
            confirmed = _show(scope, project, options.names)
        report = destroy(project, options.names, scope.progress, confirmed=confirmed)
    scope.answer(report, lambda: run_text(report))
    return tell_rest(report, f"{spelled(options.names)} --confirm {confirmed}")


def _show(scope: Scope, project: "Project", names: tuple[str, ...]) -> int | None:
    """Shows what would be destroyed, and asks for its number where there is somebody to ask."""
    from coordinator.destroy import plan_destruction
    from prestage.views.destruction import destruction_text

    found = plan_destruction(project, names)
    click.echo(destruction_text(found), err=True)
    if not found.keys:
        return 0
    if not scope.interactive:
        return None
    return int(click.prompt("How many resources does it destroy?", type=click.IntRange(min=0), err=True))
