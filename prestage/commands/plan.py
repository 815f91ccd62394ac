"""`prestage plan`: what is wanted, as a file that people review."""

from dataclasses import dataclass
from pathlib import Path

import click

from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Where the plan goes; `plans/<environment>.json` of the project by default."""

    out: Path | None


@click.command(
    epilog=examples(
        "prestage plan --env dev --out plans/dev.json",
        "prestage plan --env dev --json | jq .cost",
        "",
        "Exit codes: 0 nothing to change, 2 changes, 4 changes and drift, 7 demand cannot be met.",
    )
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; plans/<env>.json by default."
)
@scoped(PlanOptions)
def command(scope: Scope, options: PlanOptions) -> int:
    """Build the plan out of forecast, live capacity, prices and rules.

    It is written to a file, to be reviewed and applied.
    """
    from contracts.plan import Infeasible
    from coordinator.plan import make_plan
    from prestage.projects import open_project
    from prestage.views.paper import next_steps
    from prestage.views.plan import infeasible_text, plan_text

    with open_project(scope) as project:
        outcome = make_plan(project, options.out)
    if isinstance(outcome.plan, Infeasible):
        infeasible = outcome.plan
        scope.answer(infeasible, lambda: infeasible_text(infeasible))
        return outcome.exit_code
    plan, file = outcome.plan, scope.shown(outcome.path)
    steps = [next_steps(f"prestage review {file}", f"prestage explain KEY --plan {file}")] if plan.changes else []
    scope.answer(plan, lambda: "\n".join([plan_text(plan), *steps]))
    return outcome.exit_code
