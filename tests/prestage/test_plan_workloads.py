"""`prestage plan` with workloads in whole units: listed, explained, refused (exit 7) where one fits nowhere."""

import json

import pytest

from contracts.exits import ExitCode
from contracts.workloads import Packed, Packing, UnitSize
from prestage.failures import run
from prestage.views.packing import packing_lines
from tests.coordinator.world import write_project
from tests.prestage.estate_engine import in_memory


@pytest.fixture
def world(tmp_path, monkeypatch):
    in_memory(monkeypatch)
    write_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asking(folder, text):
    settings = folder / "environments" / "dev.yaml"
    settings.write_text(f"{settings.read_text()}workloads:\n  - {text}\n")


def test_a_plan_lists_its_units_and_explains_them(world, capsys):
    asking(world, "{name: db, regions: [fra], count: 3, vcpu: 5, memory_gib: 9, critical: true, most_per_instance: 1}")
    assert run(["plan"]) == ExitCode.CHANGES
    said = capsys.readouterr().out
    assert "fra  3 x db  5 vCPU, 9 GiB  on " in said and "if lost" in said
    assert all(len(line) <= 110 for line in said.splitlines())
    plan = json.loads((world / "plans" / "dev.json").read_text())
    serving = [item for item in plan["packing"]["instances"] if not item.get("lost")]
    assert sum(item["instances"] for item in serving) == 3
    assert {item["lost"] for item in plan["packing"]["instances"] if item.get("lost")} == {"fra"}
    assert run(["explain", "plans/dev.json", serving[0]["key"]]) == ExitCode.CLEAN
    assert "holds whole units, by instance: " in capsys.readouterr().out
    assert run(["review", "plans/dev.json"]) in (ExitCode.CLEAN, ExitCode.DENIED)


def test_a_unit_that_fits_nowhere_is_7_with_what_is_sold(world, capsys):
    asking(world, "{name: huge, regions: [fra], count: 1, vcpu: 4000, memory_gib: 9}")
    assert run(["plan"]) == ExitCode.UNMET
    said = " ".join(capsys.readouterr().out.split())
    assert "no shape holds a unit of huge (4000 vCPU, 9 GiB)" in said and "the largest shape sold there is" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{name: db, regions: [fraa], count: 1, vcpu: 1, memory_gib: 1}", "did you mean 'fra'?"),
        ("{name: db, vcpu: 1, memory_gib: 1}", "gives neither `count` nor `share`"),
        ("{name: db, count: 1, vcpus: 1, memory_gib: 1}", "did you mean 'vcpu'?"),
    ],
)
def test_mistakes_are_told(world, capsys, text, said):
    asking(world, text)
    assert run(["plan"]) == ExitCode.ERROR
    assert said in capsys.readouterr().err


def test_shared_reserves_refuse_workloads(world, capsys):
    settings = world / "environments" / "dev.yaml"
    settings.write_text(f"{settings.read_text()}failover: {{reserve: shared}}\n")
    asking(world, "{name: db, count: 1, vcpu: 1, memory_gib: 1}")
    assert run(["plan"]) == ExitCode.ERROR
    assert "where failover.reserve is dedicated only" in capsys.readouterr().err


def test_units_with_a_slash_in_their_name_and_of_regions_left_as_they_are_are_listed_with_who_carries_them():
    size = UnitSize(name="team/db", vcpu=4, memory_gib=8)
    here = Packed(key="fra/compute/serving/m16", instances=2, units={"team/db": 1})
    carried = tuple(
        Packed(key="mad/compute/failover/m16", lost=lost, instances=1, units={f"{lost}/team/db": 2})
        for lost in ("fra", "lon")
    )
    _, rows, _ = packing_lines(Packing(sizes=(size,), instances=(here, *carried)))
    fra, lon = (" ".join(row.split()) for row in rows.splitlines())
    assert fra == "fra 2 x team/db 4 vCPU, 8 GiB on 2 m16 if lost 2 in mad"
    assert lon == "lon team/db 4 vCPU, 8 GiB where they are if lost 2 in mad"
