"""`prestage reconcile`: back to what is wanted, through plan, review and apply like anything else."""

import click

from contracts.exits import ExitCode
from prestage.scope import NoOptions, Scope, examples, scoped


@click.command(
    epilog=examples(
        "prestage reconcile --env dev",
        "prestage reconcile --json | jq .passes",
        "",
        "Stays within the environment's `unattended` limits: beyond them it leaves the plan for a person (exit 5).",
    )
)
@scoped(NoOptions)
def command(scope: Scope, _options: NoOptions) -> int:
    """Plan, review and apply until nothing is left to change.

    Everything stays within the environment's limits for what is applied without a person.
    """
    from coordinator.reconcile import reconcile
    from prestage.projects import open_project
    from prestage.views.reconcile import reconcile_document, reconcile_text

    with open_project(scope) as project:
        result = reconcile(project, scope.progress)
    scope.answer(reconcile_document(result), lambda: reconcile_text(result))
    return ExitCode.UNMET if result.infeasible else ExitCode.CLEAN
