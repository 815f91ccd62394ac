"""What a played day leaves: the one document that `prestage demo --json` prints. Later commands rely on its keys."""

from dataclasses import asdict, dataclass
from pathlib import Path

from contracts.drift import DriftReport
from contracts.plan import Operation, Plan
from contracts.requests import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCounts:
    """Changes of a plan as engines count them: a replacement is a deletion and a creation; adoption is an update."""

    create: int
    update: int
    delete: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFigures:
    """One plan in numbers."""

    changes: ChangeCounts
    usd_per_hour: float
    gap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFigures:
    """One answered request in numbers; `missing` says what a refused one lacks, in words."""

    kind: str
    outcome: str
    latency: str | None
    ms: float
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFigures:
    """Differences that were drift, those that were expected, and how many of the first were put right."""

    found: int
    expected: int
    reconciled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFigures:
    """The program that applied."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFigures:
    """The model that most series use, and its scores."""

    model: str
    mase: float
    coverage_80: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReport:
    """The whole day."""

    seconds: float
    files: dict[str, str]
    plans: tuple[PlanFigures, ...]
    requests: tuple[RequestFigures, ...]
    drift: DriftFigures
    engine: EngineFigures
    backtest: BacktestFigures

    def document(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)


def plan_figures(plan: Plan) -> PlanFigures:
    """A plan's numbers."""
    replaced = plan.count(Operation.REPLACE)
    counts = ChangeCounts(
        create=plan.count(Operation.CREATE) + replaced,
        update=plan.count(Operation.UPDATE) + plan.count(Operation.ADOPT),
        delete=plan.count(Operation.DELETE) + replaced,
    )
    return PlanFigures(changes=counts, usd_per_hour=plan.cost.after_usd_per_hour, gap=plan.cost.gap)


def request_figures(decision: Decision) -> RequestFigures:
    """A decision's numbers."""
    return RequestFigures(
        kind=decision.kind,
        outcome=decision.outcome,
        latency=decision.latency,
        ms=round(decision.ms, 3),
        missing=tuple(
            f"{item.kind} at {item.place}: wanted {item.wanted:g}, there is {item.available:g}"
            for item in decision.missing
        ),
    )


def drift_figures(before: DriftReport, after: DriftReport) -> DriftFigures:
    """What a reconcile did to drift."""
    left = {(item.key, item.field) for item in after.found}
    gone = sum((item.key, item.field) not in left for item in before.found)
    return DriftFigures(found=len(before.found), expected=len(before.expected), reconciled=gone)


def shown_files(files: dict[str, Path]) -> dict[str, str]:
    """Paths as text."""
    return {name: str(path) for name, path in files.items()}
