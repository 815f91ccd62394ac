"""`prestage render`: a plan in an engine's own words, for people to read, diff and apply by hand."""

from dataclasses import dataclass, replace
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped

ENGINES = ("terraform", "pulumi", "cloudformation")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """Which plan, in whose words, and where to."""

    plan: Path | None
    engine: str
    out: Path


@click.command(
    epilog=examples(
        "prestage render --engine terraform --out rendered",
        "prestage render --engine cloudformation --out templates plans/dev.json",
        "",
        "Makes nothing and asks for no review. The folder is replaced as a whole, and only if all that is in it",
        "was written by this command. Exit code 6: the plan is not what was sealed.",
    )
)
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--engine", type=click.Choice(ENGINES), required=True, help="In whose words.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder to write.")
@scoped(RenderOptions)
def command(scope: Scope, options: RenderOptions) -> int:
    """Write a plan as Terraform, Pulumi or CloudFormation, to read, diff and apply by hand."""
    from coordinator.plan_file import read_plan
    from prestage.projects import read_environment
    from prestage.views.render import rendering_document, rendering_text
    from stacks.render.folder import write_rendering
    from stacks.render.plan import RenderEngine, render_plan

    path = scope.existing(options.plan or scope.folder / "plans" / f"{scope.environment}.json")
    plan = read_plan(path)
    if scope.asked_environment not in (None, plan.environment):
        raise click.UsageError(f"{scope.shown(path)} is of environment {plan.environment!r}")
    environment = read_environment(replace(scope, asked_environment=plan.environment))
    rendering = render_plan(plan, environment, RenderEngine(options.engine))
    changed = write_rendering(options.out, rendering)
    shown = scope.shown(options.out)
    scope.answer(
        rendering_document(rendering, shown, changed=changed), lambda: rendering_text(rendering, shown, changed=changed)
    )
    return ExitCode.CLEAN
