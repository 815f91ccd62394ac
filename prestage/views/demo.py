"""The demo as it is told: a section a scene, and at its end what to look at and what to try."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.files import read_document
from contracts.plan import Plan
from prestage.views.paper import WIDTH, cut, dim, good, next_steps, number, table, title, usd
from prestage.views.plan import dearest

if TYPE_CHECKING:
    from prestage.demo.day import Told
    from prestage.demo.report import DemoReport, PlanFigures

LOOK_AT = ("forecast_text", "plan_text", "review_markdown", "reasons", "engine_plan", "drift_text", "reconcile")


def opening_text(folder: Path, engine: str) -> str:
    """What is about to be played."""
    return "\n".join(
        [
            title("One day of an on-premises estate, from telemetry to applied infrastructure and back"),
            dim(f"in {folder}/ by {engine}; the history ends in July 2018, so the demo's clock says 17 July 2018"),
            "",
        ]
    )


def scene_text(told: "Told") -> str:
    """Time, name and headline; then its lines; then its files."""
    indent = " " * 18
    room = WIDTH - len(indent)
    scene = told.scene
    lines = [f"{dim(told.at)}  {title(f'{told.name:<10}')} {scene.headline}  {dim(f'{told.seconds:.1f} s')}"]
    lines += [f"{indent}{cut(line, room)}" for line in scene.lines]
    lines += [indent + dim(os.path.relpath(path)) for path in scene.files]
    return "\n".join(lines)


def closing_text(report: "DemoReport", folder: Path) -> str:
    """What came of it, what to look at, which commands go on from here."""
    plans = [
        (f"{p.changes.create}+ {p.changes.update}~ {p.changes.delete}-", f"{usd(p.usd_per_hour)} USD/h")
        for p in report.plans
    ]
    costs = ", ".join(f"{changes} {cost}" for changes, cost in plans)
    program = f"{report.engine.name} {report.engine.version}"
    look = table([(os.path.relpath(report.files[name]),) for name in LOOK_AT if name in report.files])
    shown = os.path.relpath(folder)
    command = _command()
    example = dearest(read_document(Plan, Path(report.files["plan"])))
    return "\n".join(
        [
            "",
            good(f"done in {number(report.seconds)} s by {program}") + dim(f"; plans: {costs}"),
            "",
            title("Look at"),
            look,
            title("Try") + dim("  (the demo's clock goes on from 23:30)"),
            next_steps(
                f"{command} --project {shown} status",
                f"{command} --project {shown} explain {example}",
                f"{command} --project {shown} request peering --customer you --from fra --to nyc --vcpu 2 --gbps 0.3",
                f"{command} --project {shown} drift",
                f"{command} --project {shown} plan --out {shown}/plans/dev.json",
            ),
        ]
    )


def _plan(figures: "PlanFigures") -> str:
    changes = figures.changes
    return f"{changes.create}+ {changes.update}~ {changes.delete}- {usd(figures.usd_per_hour)} USD/h"


def _command() -> str:
    """How this process was called, as people would type it."""
    checkout = Path(sys.argv[0]).resolve().parents[1]
    return "python3 run.py prestage" if Path.cwd() == checkout and (checkout / "run.py").exists() else "prestage"
