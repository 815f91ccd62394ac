"""The day as a script: time, scene, and what is told of it. `play` is what `prestage demo` calls."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contracts.engines import EngineName
from contracts.ports import Progress
from prestage.demo import customers, evening, morning
from prestage.demo.folder import DayClock, keep_time, start_afresh
from prestage.demo.report import DemoReport, EngineFigures, request_figures, shown_files
from prestage.demo.stage import Scene, Script, Stage
from prestage.demo.stand_ins import END
from prestage.scaffold import ENVIRONMENT, project_files, write_project

SCRIPT: Script = (
    ("00:00", "estate", morning.survey),
    ("00:05", "history", morning.import_history),
    ("00:10", "back-test", morning.back_test),
    ("00:15", "forecast", morning.make_the_forecast),
    ("00:20", "plan", morning.plan_the_day),
    ("00:25", "review", morning.review_the_plan),
    ("00:30", "apply", morning.apply_the_plan),
    ("08:15", "peering", customers.peering_from_staging),
    ("09:40", "peering", customers.peering_on_demand),
    ("11:20", "peering", customers.peering_refused),
    ("13:05", "addresses", customers.addresses_from_staging),
    ("14:30", "addresses", customers.addresses_from_pool),
    ("16:45", "tampering", evening.tamper),
    ("17:00", "drift", evening.find_the_drift),
    ("17:10", "reconcile", evening.put_right),
    ("23:30", "last plan", evening.last_plan),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One scene that was played: when in the demo's day, under which name, and how long it really took."""

    at: str
    name: str
    scene: Scene
    seconds: float


Tell = Callable[[Told], None]


def play(folder: Path, engine: EngineName, progress: Progress, tell: Tell) -> DemoReport:
    """Plays the whole day in a folder of its own.

    Raises:
        NotDemoFolder: the folder holds something that the demo did not make.
        PrestageError: a step failed; what was made so far stays to be looked at.
    """
    from coordinator.project import Project

    began = time.perf_counter()
    start_afresh(folder)
    clock = DayClock(END)
    write_project(folder, demo_files(engine))
    with Project.open(folder, ENVIRONMENT, clock=clock) as project:
        stage = Stage(project=project, clock=clock, progress=progress)
        for at, name, act in SCRIPT:
            clock.set(at)
            scene_began = time.perf_counter()
            scene = act(stage)
            tell(Told(at=at, name=name, scene=scene, seconds=time.perf_counter() - scene_began))
    keep_time(folder, clock(), real=datetime.now(UTC))
    return _report(stage, time.perf_counter() - began)


def demo_files(engine: EngineName) -> dict[str, str]:
    """The sample project, with the engine that was asked for and without sample telemetry: the demo has real one."""
    files = project_files("prestage-demo", now=END, engine=engine)
    return {path: text for path, text in files.items() if "history/" not in path}


def _report(stage: Stage, seconds: float) -> DemoReport:
    assert stage.run is not None and stage.drift is not None and stage.backtest is not None
    return DemoReport(
        seconds=round(seconds, 3),
        files=shown_files(stage.files),
        plans=tuple(stage.plans),
        requests=tuple(request_figures(decision) for decision in stage.decisions),
        drift=stage.drift,
        engine=EngineFigures(name=stage.run.program, version=stage.run.program_version),
        backtest=stage.backtest,
    )
