"""From telemetry to applied infrastructure: the first hour of the day."""

from collections import Counter
from typing import TYPE_CHECKING

from contracts.capacity import CapacityKind
from contracts.files import read_document, write_forecast
from contracts.plan import Infeasible, Plan
from contracts.run import RunReport
from contracts.series import Granularity
from prestage.demo.report import BacktestFigures, plan_figures
from prestage.demo.stage import Scene, Stage
from prestage.demo.telemetry import write_history
from prestage.views.paper import number, plural, usd
from prestage.views.plan import dearest

if TYPE_CHECKING:
    from contracts.backtest import BacktestReport


def survey(stage: Stage) -> Scene:
    """What there is to begin with."""
    snapshot = stage.project.estate()
    path = stage.keep("capacity", snapshot, "capacity.json")
    regions = plural(len(snapshot.regions), "region")
    domains = plural(len({region.fault_domain for region in snapshot.regions}), "fault domain")
    continents = plural(len({region.continent for region in snapshot.regions}), "continent")
    total: Counter[CapacityKind] = Counter()
    for quota in snapshot.quotas:
        total[quota.kind] += int(quota.total)
    vcpu, gbps = number(total[CapacityKind.VCPU]), number(total[CapacityKind.GBPS])
    return Scene(
        headline=f"{regions}, {domains}, {continents}",
        lines=(f"{vcpu} vCPU, {plural(len(snapshot.links), 'link')} of {gbps} gbps in all; nothing is staged",),
        files=(path,),
    )


def import_history(stage: Stage) -> Scene:
    """Exports of other systems come in, and are kept as Parquet."""
    from forecaster.sources.files import ImportOptions, read_file
    from forecaster.sources.tables import Table
    from prestage.projects import history_of

    history = history_of(stage.folder, stage.project.environment)
    files = write_history(stage.folder / "history")
    for table, path in files.items():
        history.add(read_file(path, ImportOptions(table=Table(table))))
        stage.remember(f"history_{table}", path)
    summary = history.summary()
    stage.remember("history", history.folder)
    first, last = min(item.first for item in summary), max(item.last for item in summary)
    hours = sum(item.hours for item in summary)
    return Scene(
        headline=f"{len(summary)} subjects, {number(hours)} values, {first:%d %b} to {last:%d %b %Y}",
        lines=(
            "real telemetry of services (Microsoft, MIT) stands in for regions and pairs;",
            "peering requests are drawn from its traffic by a seeded process",
        ),
        files=(history.folder,),
    )


def make_the_forecast(stage: Stage) -> Scene:
    """Quantiles of every series, by the models that the back-test chose."""
    from prestage.forecasts import ForecastOrder, forecast_environment
    from prestage.views.world import forecast_text

    order = ForecastOrder(folder=stage.folder, environment=stage.project.environment, fast=True)
    bundle = forecast_environment(order, stage.clock, stage.progress).bundle
    path = stage.remember("forecast", stage.folder / "results" / "forecast.json")
    write_forecast(path, bundle)
    stage.remember("forecast_values", path.parent / bundle.document.values_file)
    stage.keep_text("forecast_text", forecast_text(bundle) + "\n", "forecast.txt")
    hourly = [item for item in bundle.document.series if item.granularity is Granularity.HOURLY]
    chosen = Counter(item.model for item in hourly)
    told = ", ".join(f"{model} {count}" for model, count in chosen.most_common())
    return Scene(
        headline=f"{len(bundle.document.series)} series, {len(bundle.document.levels)} quantiles each",
        lines=(f"hourly: {told}",),
        files=(path,),
    )


def back_test(stage: Stage) -> Scene:
    """The models, tried on windows that they had not seen."""
    from prestage.forecasts import ForecastOrder, backtest_environment
    from prestage.views.backtest import backtest_text

    order = ForecastOrder(folder=stage.folder, environment=stage.project.environment, fast=True)
    report = backtest_environment(order, stage.clock, stage.progress)
    stage.backtest = figures = backtest_figures(report)
    file = stage.keep("backtest", report, "backtest.json")
    stage.keep_text("backtest_text", backtest_text(report) + "\n", "backtest.txt")
    return Scene(
        headline=f"{len(report.origins)} windows that were held back",
        lines=(
            f"hourly, best: {figures.model}, MASE {figures.mase:.2f}, 80 % intervals cover {figures.coverage_80:.1%}",
        ),
        files=(file,),
    )


def plan_the_day(stage: Stage) -> Scene:
    """What is wanted, what it costs, and why."""
    from coordinator.plan import make_plan
    from planner.explain import explain
    from prestage.views.plan import plan_counts, plan_text

    outcome = make_plan(stage.project, None)
    if isinstance(outcome.plan, Infeasible):
        raise AssertionError(f"the demo's demand cannot be met: {outcome.plan.shortfalls}")
    plan = outcome.plan
    stage.plans.append(plan_figures(plan))
    stage.remember("plan", outcome.path)
    stage.keep_text("plan_text", plan_text(plan) + "\n", "plan.txt")
    reasons = stage.keep_text("reasons", reasons_text(plan), "reasons.txt")
    cost = plan.cost
    return Scene(
        headline=plan_counts(plan),
        lines=(
            f"{usd(cost.after_usd_per_hour)} USD/h, proven within {cost.gap:.2%} of the cheapest; for example:",
            *(line.strip() for line in explain(plan, dearest(plan)).lines()[:4]),
        ),
        files=(outcome.path, reasons),
    )


def reasons_text(plan: Plan) -> str:
    """Why each resource is wanted: from the forecast's quantile to what was refused."""
    from planner.explain import explain

    return "\n".join("\n".join(explain(plan, item.resource.key).lines()) + "\n" for item in plan.resources)


def review_the_plan(stage: Stage) -> Scene:
    """The policies' word, for people and for pull requests."""
    from coordinator.review import make_review
    from policies.render import as_markdown

    path = stage.files["plan"]
    plan = read_document(Plan, path)
    review = make_review(stage.project, path)
    markdown = stage.keep_text("review_markdown", as_markdown(review, plan), "review.md")
    file = stage.remember("review", stage.project.paths.review_of(path))
    verdict = "denied" if review.denied else "approved"
    told = tuple(f"{finding.level} {finding.rule}: {finding.message}" for finding in review.findings[:3])
    return Scene(
        headline=f"{verdict}: {plural(len(review.rules), 'rule')}, {plural(len(review.findings), 'finding')}",
        lines=told,
        files=(file, markdown),
    )


def apply_the_plan(stage: Stage) -> Scene:
    """The engine says what it will do, and does it."""
    from coordinator.apply import apply_reviewed

    text = stage.keep_text("engine_plan", engine_plan(stage), "engine-plan.txt")
    report = apply_reviewed(stage.project, stage.files["plan"], stage.progress)
    stage.run = report
    file = stage.keep("run", report, "run.json")
    return Scene(headline=applied(report), files=(text, file))


def engine_plan(stage: Stage) -> str:
    """The engine's own plan, root by root, in its own words."""
    from stacks.apply import make_order, preview_plan

    plan = read_document(Plan, stage.files["plan"])
    order = make_order(plan, stage.project.environment, resume="prestage demo")
    texts: dict[str, list[str]] = {}
    for root in preview_plan(order, stage.project.engine, stage.progress).roots:
        texts.setdefault(root.text.rstrip(), []).append(root.root)  # one Pulumi stack speaks for all of its roots
    return "\n".join(f"# {', '.join(roots)}\n\n{text}\n" for text, roots in texts.items())


def applied(report: RunReport) -> str:
    """A run in one line."""
    created, updated, deleted = (
        sum(getattr(root, count) for root in report.roots) for count in ("created", "updated", "deleted")
    )
    program = f"{report.program} {report.program_version}, {plural(len(report.roots), 'root')}"
    return f"{program}: {created} created, {updated} updated, {deleted} deleted"


def backtest_figures(report: "BacktestReport") -> BacktestFigures:
    """The model that forecasts most hourly series, with its own scores over all of them."""
    rows = [row for row in report.rows if row.granularity is Granularity.HOURLY]
    chosen: Counter[str] = Counter()
    for row in rows:
        if row.chosen and row.kind is not None:
            chosen[row.model] += row.series
    model, _ = chosen.most_common(1)[0]
    scores = next(row.scores for row in rows if row.model == model and row.kind is None)
    return BacktestFigures(model=model, mase=scores.mase or 0.0, coverage_80=scores.coverage_80 or 0.0)
