"""`prestage plan`: what is wanted, as a file that people review; and what differs between two such files."""

from dataclasses import dataclass
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Where the plan goes, `plans/<environment>.json` of the project by default; or what would be otherwise.

    Attributes:
        anew: whether a fleet is solved in full, though planning the one that stands again would do.
        capacity: a saved snapshot in place of what is live.
    """

    out: Path | None
    what_if: Path | None
    anew: bool
    capacity: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """Two plan files."""

    before: Path
    after: Path


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "prestage plan --env dev --out plans/dev.json",
        "prestage plan --env dev --json | jq .cost",
        "prestage plan --what-if fra-lost.yaml",
        "prestage plan --anew",
        "prestage plan --capacity capacity.json",
        "prestage plan compare yesterday.json plans/dev.json",
        "",
        "Exit codes: 0 nothing to change, 2 changes, 4 changes and drift, 7 demand cannot be met. With --what-if:",
        "0 nothing would differ, 2 something would or is over the budget, 7 demand could not be met.",
    ),
)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; plans/<env>.json by default."
)
@click.option(
    "--what-if",
    type=click.Path(path_type=Path, dir_okay=False),
    help="YAML of what would be otherwise: show the difference it makes, and write nothing.",
)
@click.option(
    "--anew", is_flag=True, help="Solve in full, though little changed since the plan applied last (shared reserves)."
)
@click.option(
    "--capacity",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Snapshot saved by `prestage capacity --json`, in place of what is live; drift is not looked for.",
)
@scoped(PlanOptions)
def command(scope: Scope, options: PlanOptions) -> int:
    """Build the plan out of forecast, live capacity, prices and rules.

    It is written to a file, to be reviewed and applied.
    """
    below = click.get_current_context().invoked_subcommand
    if below is not None and (options.out or options.what_if or options.anew or options.capacity):
        raise click.UsageError(
            f"--out, --what-if, --anew and --capacity are of `prestage plan` alone, not of `{below}`"
        )
    if below is not None:
        return ExitCode.CLEAN  # that one runs next
    if options.what_if is not None:
        if options.out is not None or options.anew:
            raise click.UsageError("a what-if writes nothing: leave --out and --anew away")
        return _what_if(scope, options.what_if, options.capacity)
    from contracts.plan import Infeasible
    from coordinator.plan import make_plan
    from prestage.projects import open_project
    from prestage.views.paper import next_steps
    from prestage.views.plan import infeasible_text, plan_text

    with open_project(scope) as project:
        outcome = make_plan(project, options.out, why=True, anew=options.anew, saved=options.capacity)
    if isinstance(outcome.plan, Infeasible):
        infeasible = outcome.plan
        scope.answer(infeasible, lambda: infeasible_text(infeasible))
        return outcome.exit_code
    plan, file = outcome.plan, scope.shown(outcome.path)
    steps = [next_steps(f"prestage review {file}", f"prestage explain KEY --plan {file}")] if plan.changes else []
    scope.answer(plan, lambda: "\n".join([plan_text(plan), *steps]))
    return outcome.exit_code


def _what_if(scope: Scope, file: Path, saved: Path | None) -> int:
    """Answers the question of a file, of what is live or of a saved snapshot."""
    from contracts.what_if import WhatIf
    from contracts.yaml_files import read_yaml_document
    from coordinator.what_if import ask
    from prestage.projects import open_project
    from prestage.views.what_if import what_if_text

    asked = read_yaml_document(WhatIf, file)
    with open_project(scope) as project:
        answer = ask(project, asked, saved)
    scope.answer(answer, lambda: what_if_text(answer))
    if answer.infeasible is not None:
        return ExitCode.UNMET
    over = answer.budget is not None and answer.budget.over_usd_per_hour > 0
    differs = over or answer.comparison is None or answer.comparison.wants_differ
    return ExitCode.CHANGES if differs else ExitCode.CLEAN


@command.command(
    "compare",
    epilog=examples(
        "prestage plan compare yesterday.json plans/dev.json",
        "prestage plan compare a.json b.json --json | jq '.resources[0]'",
        "",
        "Exit codes: 0 nothing differs, 2 something does.",
    ),
)
@click.argument("before", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("after", type=click.Path(path_type=Path, dir_okay=False))
@scoped(CompareOptions)
def compare_plans(scope: Scope, options: CompareOptions) -> int:
    """Show what differs between two plan files.

    Resources and their sizes, cost by place, failover partners, requirements, and what both were computed from; the
    dearest difference first.
    """
    from coordinator.plan_file import read_plan
    from planner.compare import compare
    from prestage.views.compare import comparison_text

    before, after = (read_plan(scope.existing(path)) for path in (options.before, options.after))
    found = compare(before, after)
    scope.answer(found, lambda: comparison_text(found))
    return ExitCode.CHANGES if found.differs else ExitCode.CLEAN
