"""`prestage capacity`: the live state of all targets."""

import click

from contracts.exits import ExitCode
from prestage.scope import NoOptions, Scope, examples, scoped


@click.command(epilog=examples("prestage capacity --env dev", "prestage capacity --json > capacity.json"))
@scoped(NoOptions)
def command(scope: Scope, _options: NoOptions) -> int:
    """Show totals, use, what is staged and what is free, read live.

    Ends with 1 where a region could not be read; the others are shown.
    """
    from prestage.projects import open_project
    from prestage.views.world import capacity_text

    with open_project(scope) as project:
        snapshot = project.estate()
    scope.answer(snapshot, lambda: capacity_text(snapshot))
    return ExitCode.CLEAN if all(region.readable for region in snapshot.regions) else ExitCode.ERROR
