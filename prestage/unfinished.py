"""What is told of a run that is not complete: which roots are left and why, and the command that goes on."""

from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode

if TYPE_CHECKING:
    from contracts.run import RunReport


def tell_rest(report: "RunReport", resume: str) -> ExitCode:
    """Says on stderr what is left of a run, and how to go on; its exit code."""
    from stacks.apply import incomplete

    left = incomplete(report, resume=resume)
    if left is None:
        return ExitCode.CLEAN
    click.echo(left.render(), err=True)
    return left.exit_code
