"""Beneath a plan: what it costs if its forecast is wrong."""

import click

from contracts.risk import PathCase, Together
from prestage.views.plan import plan_text
from tests.planner.worlds import WORLD, plan_of

PLAN = plan_of(WORLD)


def test_a_plan_says_what_a_wrong_forecast_would_cost():
    assert PLAN.risk is not None
    lines = click.unstyle(plan_text(PLAN)).splitlines()
    at = next(number for number, line in enumerate(lines) if "if the forecast is wrong" in line)
    assert "expected over 24 hours" in lines[at]
    told = [line.split()[0] for line in lines[at + 2 : at + 5]]
    assert told == ["50%", "95%", "99%"]
    assert lines[at + 2].split()[2:] == ["nothing"]
    worst = PLAN.risk.exposures[0]
    assert any(worst.place in line and f"{worst.short:.1%}" in line for line in lines[at:])


def test_what_places_cost_together_is_told_where_paths_say_so():
    assert PLAN.risk is not None and PLAN.risk.together is None
    cases = (PathCase(level=0.5, shortage_usd_per_hour=0.0), PathCase(level=0.99, shortage_usd_per_hour=7.5))
    together = Together(paths=400, chance=0.25, cases=cases)
    told = PLAN.model_copy(update={"risk": PLAN.risk.model_copy(update={"together": together})})
    words = "on 400 paths: something is short on 25.0%, shortages cost 7.50 USD/h or less on 99% of them"
    assert words in click.unstyle(plan_text(told)) and "together, on" not in click.unstyle(plan_text(PLAN))


def test_a_plan_made_before_there_was_a_risk_reads_as_before():
    old = PLAN.model_copy(update={"risk": None})
    assert "risk" not in old.model_dump_json(exclude_unset=False)
    assert "if the forecast is wrong" not in plan_text(old)
