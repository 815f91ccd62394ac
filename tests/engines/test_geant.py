"""The whole way over real traffic matrices: 23 regions, 505 pairs, ten weeks (GEANT; not shipped, see its terms).

Needs the folder that PRESTAGE_TEST_DATA names; without it the test skips.
"""

import json
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts.exits import ExitCode
from contracts.files import read_forecast
from contracts.series import Granularity
from coordinator.project import Project
from prestage.demo.folder import keep_time
from prestage.failures import run
from stacks.engines.terraform_engine.program import find_program
from stacks.errors import EngineMissing
from tests.engines.geant_project import REGIONS, GeantProject

DATA = os.environ.get("PRESTAGE_TEST_DATA")
MATRICES = Path(DATA or ".").resolve() / "geant_tm_hourly_dev.parquet"
END = datetime(2005, 3, 14, tzinfo=UTC)


def engine_missing() -> bool:
    try:
        find_program()
    except EngineMissing:
        return True
    return False


pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="PRESTAGE_TEST_DATA is not set: the GEANT matrices may not be shipped"),
    pytest.mark.skipif(engine_missing(), reason="neither tofu nor terraform is installed: python3 run.py engines"),
]


@pytest.fixture(scope="module")
def forecast(tmp_path_factory):
    """A project with everything imported and forecast by all models that compete, and its seconds of CPU."""
    folder = tmp_path_factory.mktemp("geant")
    GeantProject(pd.read_parquet(MATRICES)).write(folder)
    keep_time(folder, END, real=datetime.now(UTC))  # as in the demo: it is the moment when the history ends
    at = ("--project", str(folder))
    traffic = (str(MATRICES), "--table", "traffic", "--unit", "kbps", "--timezone", "UTC")
    assert run([*at, "history", "import", *traffic]) == 0
    assert run([*at, "history", "import", str(folder / "telemetry.parquet"), "--table", "telemetry"]) == 0
    assert run([*at, "history", "import", str(folder / "requests.csv"), "--table", "requests"]) == 0
    begun = time.process_time()
    assert run([*at, "forecast"]) == 0
    return folder, time.process_time() - begun


@pytest.fixture(scope="module")
def planned(forecast):
    """The same with a plan."""
    folder, _ = forecast
    assert run(["--project", str(folder), "plan"]) == ExitCode.CHANGES
    return folder


@pytest.fixture
def project(planned, tmp_path, monkeypatch):
    """A copy to change; the current folder is in it."""
    folder = tmp_path / "geant"
    shutil.copytree(planned, folder)
    monkeypatch.chdir(folder)
    return folder


def tell(capsys, *arguments: str):
    """Exit code and JSON document of a command."""
    capsys.readouterr()
    code = run([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_all_of_it_is_forecast_in_a_minute(forecast):
    folder, cpu_s = forecast
    assert cpu_s < 60
    bundle = read_forecast(folder / ".prestage" / "geant" / "forecasts" / "geant.json")
    hourly = {item.subject for item in bundle.document.series if item.granularity is Granularity.HOURLY}
    assert len([subject for subject in hourly if "->" in subject]) == len(REGIONS) ** 2 and {*REGIONS} <= hourly
    assert all(np.isfinite(values).all() for values in bundle.values.values())


def test_history_knows_every_pair_and_the_hours_without_a_matrix(project, capsys):
    _, summary = tell(capsys, "history", "show")
    traffic = [row for row in summary["series"] if row["kind"] == "traffic"]
    assert len(traffic) == len(REGIONS) ** 2
    missing = {row["missing_hours"] for row in traffic}
    assert missing == {124}  # 7.2 % of 1,728 hours


def test_the_plan_is_near_the_least_possible(planned):
    plan = json.loads((planned / "plans" / "geant.json").read_text())
    assert plan["cost"]["gap"] < 0.05
    roots = {resource["resource"]["root"] for resource in plan["resources"]}
    assert roots == {*REGIONS, "links"}
    kinds = {resource["resource"]["spec"]["kind"] for resource in plan["resources"]}
    assert kinds >= {"network", "compute", "storage", "block", "circuit", "link", "failover"}


def test_from_matrices_to_applied_infrastructure_and_back(project, capsys):
    assert run(["review", "plans/geant.json"]) == 0
    code, report = tell(capsys, "apply", "plans/geant.json", "--yes")
    assert code == 0 and {root["status"] for root in report["roots"]} == {"done"}
    staged = staged_pair(project)
    ask = ["request", "peering", "--id", "one", "--customer", "nren", "--from", staged[0], "--to", staged[1]]
    code, decision = tell(capsys, *ask, "--gbps", "0.5", "--vcpu", "4", "--memory-gib", "16")
    assert (code, decision["outcome"], decision["latency"]) == (0, "staged", "low")
    code, drift = tell(capsys, "drift")
    assert code == 0
    assert {item["key"] for item in drift["differences"]} == set(decision["units"])  # the grant, and nothing else
    key = take_a_circuit_away(project)
    code, drift = tell(capsys, "drift")
    assert code == ExitCode.DRIFT
    assert [item["key"] for item in drift["differences"] if item["drift_class"] == "harmful"] == [key]
    assert run(["reconcile"]) == 0
    assert run(["plan"]) == ExitCode.CLEAN


def test_backtest_of_the_matrices(project, capsys):
    code, report = tell(capsys, "backtest", "--model", "seasonal_naive_168", "--model", "seasonal_median_24x7")
    chosen = [row for row in report["rows"] if row["kind"] == "traffic" and row["chosen"]]
    assert code == 0 and chosen
    for row in chosen:
        assert row["series"] == len(REGIONS) ** 2
        assert 0.6 < row["scores"]["coverage_80"] < 0.95


def staged_pair(folder: Path) -> tuple[str, str]:
    """The ends of a link that has a staged circuit, the one with staged compute last."""
    with Project.open(folder, "geant") as project:
        keys = [row.key for row in project.inventory.listing("geant")]
    computes = {key.split("/")[0] for key in keys if "/compute/staged/" in key}
    links = (key.split("/")[0].split("--") for key in keys if "/circuit/staged/" in key)
    return next((a, b) if b in computes else (b, a) for a, b in links if {a, b} & computes)


def take_a_circuit_away(folder: Path) -> str:
    """Behind the engine's back: a link loses its serving circuit."""
    with Project.open(folder, "geant") as project:
        row = next(row for row in project.inventory.listing("geant") if "/circuit/serving/" in row.key)
        project.inventory.delete("geant", row.key)
    return row.key
