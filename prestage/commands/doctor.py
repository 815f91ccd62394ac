"""`prestage doctor`: what could keep Prestage from working here."""

import dataclasses

import click

from contracts.exits import ExitCode
from prestage.scope import NoOptions, Scope, examples, scoped


@click.command(epilog=examples("prestage doctor", "prestage doctor --json | jq .findings"))
@scoped(NoOptions)
def command(scope: Scope, _options: NoOptions) -> int:
    """Check the installation, the engines, the project's files and its state."""
    from prestage.doctor import Health, examine
    from prestage.views.doctor import doctor_text

    findings = tuple(examine(scope))
    document = {"findings": [dataclasses.asdict(finding) for finding in findings]}
    scope.answer(document, lambda: doctor_text(findings))
    return ExitCode.ERROR if any(finding.health is Health.BAD for finding in findings) else ExitCode.CLEAN
