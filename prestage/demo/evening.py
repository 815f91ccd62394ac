"""What happens behind the engine's back, how it is found and put right, and a last plan that changes nothing."""

from typing import TYPE_CHECKING

from contracts.errors import PrestageError
from contracts.plan import Infeasible
from prestage.demo.report import drift_figures, plan_figures
from prestage.demo.stage import Scene, Stage
from prestage.views.paper import plural, usd

if TYPE_CHECKING:
    from stacks.estate.inventory import Row


class NotSettled(PrestageError):
    """The demo did not end as it has to: a defect."""


TAMPERED = "estate_compute"


def tamper(stage: Stage) -> Scene:
    """Somebody takes host shares away with the estate's own tools: no plan and no engine knows of it."""
    inventory, environment = stage.project.inventory, stage.project.environment.name
    serving = (row for row in inventory.listing(environment) if row.type == TAMPERED and "/serving/" in row.key)
    row, before = max(((row, _instances(row)) for row in serving), key=lambda found: (found[1], found[0].key))
    inventory.update(environment, row.type, row.key, {**row.arguments, "instances": before - 1})
    return Scene(headline=f"{row.key}: {before} -> {before - 1} instances, by hand")


def find_the_drift(stage: Stage) -> Scene:
    """The change is drift; what was handed out since the morning is not."""
    from coordinator.drift import find_drift
    from prestage.views.runs import drift_text

    report = find_drift(stage.project)
    stage.before = report
    file = stage.keep("drift", report, "drift.json")
    text = drift_text(report)
    stage.keep_text("drift_text", text + "\n", "drift.txt")
    told = tuple(
        f"{item.drift_class}: {item.key} {item.field}, {item.last_applied} applied, {item.live} live"
        for item in report.found
    )
    handed_out = {item.key for item in report.expected}
    expected = (f"expected: {plural(len(handed_out), 'resource')} that the ledger handed out",)
    return Scene(
        headline=f"{plural(len(report.found), 'difference')} found, {len(report.expected)} expected",
        lines=(*told, *expected),
        files=(file,),
    )


def put_right(stage: Stage) -> Scene:
    """Plan, review, apply: the change is undone, what was made on demand is adopted, staging is filled up again."""
    from coordinator.drift import find_drift
    from coordinator.reconcile import reconcile
    from prestage.views.plan import plan_counts
    from prestage.views.reconcile import reconcile_text

    result = reconcile(stage.project, stage.progress)
    if stage.before is not None:
        stage.drift = drift_figures(stage.before, find_drift(stage.project))
    for item in result.passes:
        stage.plans.append(plan_figures(item.plan))
    file = stage.keep_text("reconcile", reconcile_text(result) + "\n", "reconcile.txt")
    for item in result.passes:
        stage.keep("reconcile_plan", item.plan, "reconcile-plan.json")
        stage.keep("reconcile_run", item.report, "reconcile-run.json")
    return Scene(headline="; ".join(plan_counts(item.plan) for item in result.passes), files=(file,))


def last_plan(stage: Stage) -> Scene:
    """The day ends as it should: there is nothing left to do."""
    from coordinator.plan import make_plan
    from stacks.apply import make_order, preview_plan

    path = stage.remember("last_plan", stage.folder / "results" / "last-plan.json")
    plan = make_plan(stage.project, path).plan
    if isinstance(plan, Infeasible) or plan.changes:
        raise NotSettled("the last plan of the day should change nothing", where=str(path))
    order = make_order(plan, stage.project.environment, resume="prestage demo")
    if not preview_plan(order, stage.project.engine, stage.progress).clean:
        raise NotSettled("the engine would change something although the plan does not", where=str(path))
    stage.plans.append(plan_figures(plan))
    cost = usd(plan.cost.after_usd_per_hour)
    return Scene(headline=f"nothing to change, and the engine says the same; {cost} USD/h", files=(path,))


def _instances(row: "Row") -> int:
    count = row.arguments["instances"]
    assert isinstance(count, int)
    return count
