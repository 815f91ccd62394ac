"""`prestage release`: a hold or a grant is given back."""

from dataclasses import dataclass

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOptions:
    """Which hold or grant."""

    id: str


@click.command(epilog=examples("prestage release g-7f3a", "prestage release h-12ab --json"))
@click.argument("id")
@scoped(ReleaseOptions)
def command(scope: Scope, options: ReleaseOptions) -> int:
    """Give a hold or a grant back.

    What was held is staged at once, what was in use after its quarantine.
    """
    from coordinator.hold import release
    from prestage.projects import open_project
    from prestage.views.holds import release_document, release_text

    with open_project(scope) as project:
        released = release(project, options.id)
    scope.answer(release_document(released), lambda: release_text(released))
    return ExitCode.CLEAN
