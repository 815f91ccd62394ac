"""Demand in cheaper regions from the front door: the plan, its explanation and review, and what a price would move."""

import pytest

from contracts.environment import Environment, RegionSettings
from contracts.exits import ExitCode
from contracts.failover import FailoverSettings, Reserve
from contracts.files import read_document
from contracts.plan import Plan
from contracts.preference import PlacementSettings
from contracts.review import Review
from policies.markdown import as_markdown
from prestage.doctor import _unused
from prestage.failures import run
from tests.coordinator.world import write_project
from tests.prestage.estate_engine import in_memory

MOVABLE = "placement: {movable: 0.5, max_latency_ms: 60, saves_share: 0.01}\n"
DEAR = "format: prestage/what-if\nversion: 1\nprices:\n  - {place: ams, item: '*', times: 2}\n"
CUSTOMERS = """\
format: prestage/customers
version: 1
customers:
  - name: acme
    service_level: critical
    start: 2026-01-01T00:00:00Z
    known_at: 2026-01-01T00:00:00Z
    use: [{kind: cpu, subject: lon, value: 100000, unit: vcpu}]
"""


@pytest.fixture
def world(tmp_path, monkeypatch):
    in_memory(monkeypatch)
    write_project(tmp_path, load=5.0, extra=MOVABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_price_that_rises_would_move_demand_away(world, capsys):
    (world / "what.yaml").write_text(DEAR)
    assert run(["plan", "--what-if", "what.yaml"]) == ExitCode.CHANGES
    said = " ".join(capsys.readouterr().out.split())
    assert "served elsewhere ams at home -> fra 50%" in said
    assert not (world / "plans").exists()


def test_a_plan_its_review_and_its_explanation_say_where_demand_is_served(world, capsys):
    assert run(["plan"]) == ExitCode.CHANGES
    said = capsys.readouterr().out
    assert "of the demand of lon" in said and "with all demand at home" in said
    plan = read_document(Plan, world / "plans" / "dev.json")
    assert plan.preference and {move.region for move in plan.preference.moves} == {"lon"}
    run(["review", "plans/dev.json"])
    review = read_document(Review, world / "plans" / "dev.review.json")
    assert {item.rule for item in review.findings} == {"forecast_reaches"}  # the project's forecast is of another year
    assert "of the demand of lon" in as_markdown(review, plan)
    key = next(item.resource.key for item in plan.resources if item.resource.key.startswith("lon/compute/serving"))
    capsys.readouterr()
    assert run(["explain", key, "--plan", "plans/dev.json"]) == ExitCode.CLEAN
    assert "USD per vCPU hour" in capsys.readouterr().out
    settings = world / "environments" / "dev.yaml"
    settings.write_text(settings.read_text().replace("movable: 0.5", "movable: 0.1"))
    run(["review", "plans/dev.json"])
    review = read_document(Review, world / "plans" / "dev.review.json")
    assert any("of the demand of lon is served elsewhere, 10% may be" in item.message for item in review.findings)


def test_what_customers_announced_who_are_promised_most_stays(world, capsys):
    (world / "customers.yaml").write_text(CUSTOMERS)
    assert run(["plan"]) == ExitCode.CHANGES
    plan = read_document(Plan, world / "plans" / "dev.json")
    assert plan.preference and not plan.preference.moves
    assert [item.bound for item in plan.preference.regions if item.region == "lon"] == [{"acme": 1.0}]


def test_the_doctor_says_where_no_demand_is_placed_elsewhere():
    shared = FailoverSettings(reserve=Reserve.SHARED)
    said = PlacementSettings(movable=0.3)
    environment = Environment(name="dev", regions=(RegionSettings(name="fra"),), placement=said, failover=shared)
    assert ["no demand is served elsewhere" in item.found for item in _unused(environment)] == [True]
