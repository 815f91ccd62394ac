"""A small project on disk, with a forecast, for tests of the whole coordinator."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contracts.document import bytes_digest
from contracts.files import read_document, write_forecast
from contracts.forecast import Forecast, ForecastBundle, RequestProfile
from contracts.forecast_values import values_to_bytes
from contracts.plan import Change, Plan
from contracts.ports import Silent
from contracts.run import RunReport
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from coordinator.apply import apply_reviewed
from coordinator.plan import PlanOutcome, make_plan
from coordinator.project import Project
from coordinator.review import make_review
from stacks.estate.inventory import Inventory
from tests.coordinator.estate_engine import EstateEngine, nothing
from tests.coordinator.factory import NOON, Hands
from tests.forecasts import series_forecast

ROOT = Path(__file__).parents[2]
REGIONS = ("ams", "fra", "lon")
VALUES = "dev.parquet"

ENVIRONMENT = """\
format: prestage/environment
version: 1
name: dev
regions:
  - {name: ams, asn: 64513}
  - {name: fra, asn: 64512}
  - {name: lon, asn: 64514}
staging: {max_units_per_place: 3}
rules: {headroom_quantile: 0.8}
"""


def write_project(folder: Path, load: float = 1.0, extra: str = "") -> Path:
    """Environment, inventory, catalog and forecast."""
    (folder / "environments").mkdir(parents=True)
    (folder / "environments" / "dev.yaml").write_text(ENVIRONMENT + extra)
    shutil.copytree(ROOT / "estate", folder / "estate")
    write_load(folder, load)
    return folder


def write_load(folder: Path, load: float, regions: tuple[str, ...] = REGIONS) -> None:
    """A forecast of so much load, from noon on."""
    values = demand(load, regions)
    payload = values_to_bytes(values, len(LEVELS))
    document = Forecast(
        environment="dev",
        origin=NOON,
        made_at=NOON,
        seconds=0.1,
        series=tuple(series_forecast(key, granularity, len(table)) for (key, granularity), table in values.items()),
        request_profiles=tuple(_profile(one, other) for one in regions for other in regions if one != other),
        history_digest="sha256:history",
        values_file=VALUES,
        values_digest=bytes_digest(payload),
    )
    path = folder / ".prestage" / "dev" / "forecasts" / "dev.json"
    write_forecast(path, ForecastBundle(document, values))


def demand(load: float, regions: tuple[str, ...] = REGIONS) -> dict[tuple[SeriesKey, Granularity], NDArray[np.float64]]:
    values = {}
    for region in regions:
        for kind, size in ((SeriesKind.CPU, 40), (SeriesKind.MEMORY, 150), (SeriesKind.STORAGE, 2000)):
            values[SeriesKey(kind, region), Granularity.HOURLY] = _wave(load * size)
        values[SeriesKey(SeriesKind.REGION_TRAFFIC, region), Granularity.HOURLY] = _wave(load * 4)
        for other in regions:
            if other != region:
                pair = f"{region}->{other}"
                values[SeriesKey(SeriesKind.TRAFFIC, pair), Granularity.HOURLY] = _wave(load * 2)
                values[SeriesKey(SeriesKind.PEERING_REQUESTS, pair), Granularity.HOURLY] = _wave(0.04)
    return values


def _wave(size: float) -> NDArray[np.float64]:
    hours = size * (1 + 0.2 * np.sin(np.arange(48) * 2 * np.pi / 24))
    return np.round(hours[:, None] * (0.8 + 0.4 * np.asarray(LEVELS))[None, :], 6)


def _profile(source: str, destination: str) -> RequestProfile:
    return RequestProfile(
        source=source,
        destination=destination,
        requests_seen=40,
        vcpu=4,
        memory_gib=8,
        storage_gib=80,
        gbps=0.8,
        addresses=14,
        duration_hours=3,
    )


def open_project(
    folder: Path, clock: Callable[[], datetime] | None = None, at: Callable[[str], None] = nothing
) -> Project:
    """The project, with the engine that needs no program."""
    state = folder / ".prestage" / "dev"
    engine = EstateEngine(Inventory(state / "estate.db"), state / "engine.json", at)
    return Project.open(folder, "dev", clock=clock or Hands(), engine=engine)


def changes_of(outcome: PlanOutcome) -> tuple[Change, ...]:
    """The changes of a plan that was found."""
    assert isinstance(outcome.plan, Plan)
    return outcome.plan.changes


def plan_review_apply(project: Project) -> tuple[PlanOutcome, RunReport]:
    """All three, as a pipeline does them."""
    outcome = make_plan(project)
    make_review(project, outcome.path)
    return outcome, apply_confirmed(project, outcome.path)


def apply_confirmed(project: Project, path: Path) -> RunReport:
    """Applies a plan as somebody does who counted what it destroys."""
    return apply_reviewed(project, path, Silent(), confirmed=read_document(Plan, path).destroyed)


def allow_destruction(folder: Path, most: int = 50) -> None:
    """Lets plans destroy so many resources without a person."""
    file = folder / "environments" / "dev.yaml"
    file.write_text(file.read_text() + f"unattended: {{max_destroyed: {most}}}\n")
