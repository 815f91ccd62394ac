"""`prestage drift`: what is live against what was applied and what is wanted. It never writes to what it looks at."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples, scoped

if TYPE_CHECKING:
    from contracts.drift import DriftReport
    from coordinator.project import Project
    from coordinator.watch import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOptions:
    """Whether to look once or again and again, and where the figures go."""

    watch: bool
    every: float
    looks: int | None
    metrics_file: Path | None


@click.command(
    epilog=examples(
        "prestage drift --env dev",
        "prestage drift --json | jq '.differences[] | select(.drift_class == \"harmful\")'",
        "prestage drift --watch --every 300 --metrics-file /var/lib/node_exporter/prestage_drift.prom",
        "",
        "Exit codes: 0 no drift (grants are expected), 3 drift. With --watch, those of the last look; --json is one",
        "document a line then.",
    )
)
@click.option("--watch", is_flag=True, help="Look again and again; tell what is new.")
@click.option("--every", type=click.FloatRange(min=1), default=300.0, show_default=True, metavar="SECONDS")
@click.option("--looks", type=click.IntRange(min=1), help="With --watch, end after so many looks.")
@click.option(
    "--metrics-file", type=click.Path(path_type=Path), help="Write counts by class there, in Prometheus' text form."
)
@scoped(DriftOptions)
def command(scope: Scope, options: DriftOptions) -> int:
    """Show what differs from what was applied, and whether that is expected."""
    from coordinator.drift import find_drift
    from prestage.projects import open_project
    from prestage.views.runs import drift_text

    with open_project(scope) as project:
        if options.watch:
            return _watch(scope, options, project)
        report = find_drift(project, scope.progress)
    _keep_metrics(options, report)
    scope.answer(report, lambda: drift_text(report))
    return _code(report)


def _watch(scope: Scope, options: DriftOptions, project: "Project") -> int:
    from coordinator.drift import find_drift
    from coordinator.watch import watch
    from prestage.views.runs import look_text

    seen: list[DriftReport] = []

    def hear(look: "Look") -> None:
        if look.report is not None:
            seen[:] = [look.report]
            _keep_metrics(options, look.report)
        if look.failure is not None or not scope.as_json:
            click.echo(look_text(look, project.clock()), err=look.failure is not None)
        elif look.report is not None:
            click.echo(look.report.canonical())

    with contextlib.suppress(KeyboardInterrupt):  # how a person ends it
        watch(lambda: find_drift(project), hear, time.sleep, every_s=options.every, looks=options.looks)
    return _code(seen[0]) if seen else ExitCode.ERROR


def _keep_metrics(options: DriftOptions, report: "DriftReport") -> None:
    if options.metrics_file is not None:
        from contracts.files import write_bytes
        from coordinator.metrics import drift_metrics

        write_bytes(options.metrics_file, drift_metrics(report).encode())


def _code(report: "DriftReport") -> int:
    return ExitCode.DRIFT if report.found else ExitCode.CLEAN
