"""`prestage review`: what the policies say of a plan, for people, for pull requests, for pipelines."""

from dataclasses import dataclass
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped

FORMATS = ("text", "json", "markdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewOptions:
    """Which plan, and in which form the verdict is printed."""

    plan: Path
    format: str


@click.command(
    epilog=examples(
        "prestage review plans/dev.json",
        "prestage review plans/dev.json --format markdown > comment.md",
        "",
        "Writes plans/dev.review.json beside the plan: commit both. Exit code 5: a policy denies.",
    )
)
@click.argument("plan", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--format", type=click.Choice(FORMATS), default="text", show_default=True, help="Form of the verdict.")
@scoped(ReviewOptions)
def command(scope: Scope, options: ReviewOptions) -> int:
    """Review a plan against the policies and write the verdict beside it."""
    from contracts.files import read_document
    from contracts.plan import Plan
    from coordinator.review import make_review
    from policies.render import as_markdown, as_text
    from prestage.projects import open_project

    path = scope.existing(options.plan)
    with open_project(scope) as project:
        review = make_review(project, path)
    plan = read_document(Plan, path)
    match options.format:
        case "json":
            click.echo(review.sealed(), nl=False)
        case "markdown":
            scope.answer(review, lambda: as_markdown(review, plan, scope.shown(path)))
        case _:
            scope.answer(review, lambda: as_text(review, plan, scope.shown(path)))
    return ExitCode.DENIED if review.denied else ExitCode.CLEAN
