"""`prestage explain`: why one resource of a plan is as it is."""

from dataclasses import dataclass
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions:
    """Which resource, of which plan; the environment's own by default. `words` are the file, if named so, and key."""

    words: tuple[str, ...]
    plan: Path | None

    @property
    def key(self) -> str:
        return self.words[-1]

    @property
    def file(self) -> Path | None:
        """The plan file that was named, before the key or as an option.

        Raises:
            UsageError: in both ways, or there are more words than a file and a key.
        """
        named = [*map(Path, self.words[:-1]), *([self.plan] if self.plan else [])]
        if len(named) > 1:
            raise click.UsageError(f"one plan and one key, not {' '.join(map(str, (*named, self.key)))!r}")
        return named[0] if named else None


@click.command(
    epilog=examples(
        "prestage explain fra/compute/serving/m8",
        "prestage explain plans/dev.json fra/compute/serving/m8",
        "prestage explain ams--fra/circuit/serving/10g --plan plans/dev.json --json",
    )
)
@click.argument("words", nargs=-1, required=True, metavar="[PLAN] KEY")
@click.option("--plan", type=click.Path(path_type=Path, dir_okay=False), help="Plan file; plans/ENV.json by default.")
@scoped(ExplainOptions)
def command(scope: Scope, options: ExplainOptions) -> int:
    """Show why a resource is planned: forecast, requirement, price, alternatives refused.

    Or why it goes, or waits. PLAN is a plan file, the environment's own by default.
    """
    from contracts.files import read_document
    from contracts.plan import Plan
    from planner.explain import explain
    from prestage.views.explain import explanation_document, explanation_text

    path = scope.existing(options.file or scope.folder / "plans" / f"{scope.environment}.json")
    explanation = explain(read_document(Plan, path), options.key)
    scope.answer(explanation_document(explanation), lambda: explanation_text(explanation))
    return ExitCode.CLEAN
