"""The whole way over real traffic matrices: 23 regions, 506 pairs, ten weeks (GEANT; not shipped, see its terms).

Needs the folder that PRESTAGE_TEST_DATA names; without it the test skips.
"""

import json
import os
from pathlib import Path

import pytest

from contracts.exits import ExitCode
from coordinator.project import Project
from prestage.failures import run
from tests.engines.geant_project import write_geant_project

DATA = os.environ.get("PRESTAGE_TEST_DATA")
MATRICES = Path(DATA or ".") / "geant_tm_hourly_dev.parquet"

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="PRESTAGE_TEST_DATA is not set: the GEANT matrices may not be shipped"),
]


def test_from_matrices_to_applied_infrastructure_and_back(tmp_path, monkeypatch, capsys):
    write_geant_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    load = ["history", "import", str(MATRICES.resolve()), "--table", "traffic", "--unit", "kbps", "--timezone", "UTC"]
    assert run(load) == 0
    assert run(["forecast", "--model", "seasonal_mean_24x7", "--model", "seasonal_naive_168"]) == 0
    capsys.readouterr()
    assert run(["plan", "--json"]) == ExitCode.CHANGES
    plan = json.loads(capsys.readouterr().out)
    assert len(plan["changes"]) > 500 and plan["cost"]["gap"] < 0.05
    assert run(["review", "plans/geant.json"]) == 0
    assert run(["apply", "plans/geant.json", "--yes"]) == 0
    ask = ["request", "peering", "--id", "one", "--customer", "nren", "--from", "r04", "--to", "r10", "--gbps", "1"]
    assert run([*ask, "--vcpu", "4"]) == 0
    assert run(["drift"]) == 0
    key = take_a_circuit_away(tmp_path)
    capsys.readouterr()
    assert run(["drift", "--json"]) == ExitCode.DRIFT
    drift = json.loads(capsys.readouterr().out)
    assert [item["key"] for item in drift["differences"] if item["drift_class"] == "harmful"] == [key]
    assert run(["reconcile"]) == 0
    assert run(["plan"]) == ExitCode.CLEAN


def take_a_circuit_away(folder: Path) -> str:
    """Behind the engine's back: a link loses its serving circuit."""
    with Project.open(folder, "geant") as project:
        row = next(row for row in project.inventory.listing("geant") if "/circuit/serving/" in row.key)
        project.inventory.delete("geant", row.key)
    return row.key
