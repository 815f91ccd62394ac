"""`prestage adopt`: what exists already comes under management, and changes nothing but its tags."""

from dataclasses import dataclass
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptOptions:
    """Where a proposal goes, or which one is applied, and whether it is confirmed already."""

    out: Path | None
    apply: Path | None
    yes: bool


@click.command(
    epilog=examples(
        "prestage adopt --env prod                                  # proposes, changes nothing",
        "prestage adopt --env prod --apply plans/prod.adoption.json",
        "",
        "Exit codes: 0 nothing to adopt or done, 2 there is a proposal,",
        "6 refused (altered, it would change something), 8 partly done: the same command goes on.",
    )
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; plans/<env>.adoption.json by default.",
)
@click.option("--apply", type=click.Path(path_type=Path, dir_okay=False), help="The proposal to take in.")
@click.option("--yes", "-y", is_flag=True, help="Take it in without asking; needed where there is no terminal.")
@scoped(AdoptOptions)
def command(scope: Scope, options: AdoptOptions) -> int:
    """Propose what exists in the clouds for a place here; take it in, unchanged.

    Without --apply, look for networks, gateways, capacity and blocks that bear no environment's tag, and write a
    proposal for people to review. With it, import just that: the only thing that changes is whose tags they bear.
    """
    if options.apply is None:
        return _propose(scope, options.out)
    if options.out is not None:
        raise click.UsageError("--out is where a proposal is written, --apply takes one in: not both")
    if not options.yes and not scope.interactive:
        raise click.UsageError("there is no terminal to ask on: confirm with --yes")
    return _adopt(scope, options.apply, confirmed=options.yes)


def _propose(scope: Scope, out: Path | None) -> int:
    from contracts.files import write_document
    from coordinator.adopt import lines_for
    from coordinator.propose import propose
    from prestage.projects import open_project
    from prestage.views.adopt import proposal_text

    with open_project(scope) as project:
        proposal = propose(project, scope.progress)
        path = out or project.paths.proposal
        lines = lines_for(proposal, project.environment)
    write_document(path, proposal)
    scope.answer(proposal, lambda: proposal_text(proposal, lines, scope.shown(path)))
    return ExitCode.CHANGES if proposal.proposed else ExitCode.CLEAN


def _adopt(scope: Scope, path: Path, *, confirmed: bool) -> int:
    from contracts.adoption import AdoptionProposal
    from contracts.files import read_document
    from coordinator.adopt import adopt
    from prestage.projects import open_project
    from prestage.views.adopt import proposal_text
    from prestage.views.runs import run_text

    path = scope.existing(path)
    if not confirmed:
        click.echo(proposal_text(read_document(AdoptionProposal, path), (), ""), err=True)
        click.confirm(f"Take in {scope.shown(path)}?", abort=True, err=True)
    with open_project(scope) as project:
        report = adopt(project, path, scope.progress)
    scope.answer(report, lambda: run_text(report))
    return ExitCode.CLEAN if report.complete else ExitCode.PARTIAL
