"""`prestage explain`: why one resource of a plan is as it is."""

from dataclasses import dataclass
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """Which resource, of which plan; the environment's own by default."""

    key: str
    plan: Path | None


@click.command(
    epilog=examples(
        "prestage explain fra/compute/serving/m8",
        "prestage explain ams--fra/circuit/serving/10g --plan plans/dev.json --json",
    )
)
@click.argument("key")
@click.option("--plan", type=click.Path(path_type=Path, dir_okay=False), help="Plan file; plans/ENV.json by default.")
@scoped(ExplainOptions)
def command(scope: Scope, options: ExplainOptions) -> int:
    """Show why a resource is planned: forecast, requirement, price, alternatives refused."""
    from contracts.files import read_document
    from contracts.plan import Plan
    from planner.explain import explain
    from prestage.views.explain import explanation_document, explanation_text

    path = scope.existing(options.plan or scope.folder / "plans" / f"{scope.environment}.json")
    explanation = explain(read_document(Plan, path), options.key)
    scope.answer(explanation_document(explanation), lambda: explanation_text(explanation))
    return ExitCode.CLEAN
