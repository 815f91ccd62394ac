"""What there is and what will be wanted: history, forecast, live capacity."""

from collections import Counter

from contracts.capacity import CapacityKind, CapacitySnapshot, Quota, Reading
from contracts.forecast import Evidence, Forecast, ForecastBundle, ModelScore
from contracts.names import is_link
from contracts.series import Granularity, SeriesKind
from prestage.views.backtest import score_cells
from prestage.views.demand import outlook_lines
from prestage.views.paper import dim, moment, number, plural, short, table, title, warn
from prestage.views.treatments import treatment_lines

STALE_HOURS = 24
"""Quotas and prices that are older say little of now."""

HEAVIEST = 3
"""Series shown of each kind: those with the highest expected peak."""


def forecast_text(bundle: ForecastBundle) -> str:
    """What was forecast, how right the models have been, and the peaks ahead."""
    document = bundle.document
    hourly = [item for item in document.series if item.granularity is Granularity.HOURLY]
    thin = sum(item.evidence is Evidence.THIN for item in document.series)
    note = f"{short(document.digest())}, from {moment(document.origin)}, {document.seconds:.1f} s"
    lines = [title(f"Forecast of {document.environment}", note)]
    daily = len(document.series) - len(hourly)
    lines.append(f"  {len(hourly)} hourly series, {daily} daily, {len(document.levels)} quantiles")
    if thin:
        lines.append(warn(f"  {thin} of {len(document.series)} series rest on thin evidence"))
    lines += ["", scores_text(document), "", *_peaks(bundle), *outlook_lines(document), *treatment_lines(document)]
    return "\n".join(lines)


def scores_text(document: Forecast) -> str:
    """The models compared, as the choice between them saw them."""
    head = ("model", "steps", "chosen for", "MASE", "sCRPS", "80 % cover", "95 % cover", "above 99 %")
    chosen = Counter((item.model, item.granularity) for item in document.series)
    rows = [_score(item, chosen[item.model, item.granularity]) for item in document.models]
    return table(rows, head=head, right=range(2, 8))


def capacity_text(snapshot: CapacitySnapshot) -> str:
    """Totals, use, staged and free, a line a region and kind."""
    lines = [title(f"Capacity of {snapshot.environment}", f"{snapshot.target}, read {moment(snapshot.read_at)}")]
    head = ("place", "kind", "total", "used", "ours", "staged", "free", "use")
    quotas = sorted(snapshot.quotas, key=lambda quota: (is_link(quota.place), quota.place, quota.kind))
    lines.append(table([_quota(item) for item in quotas], head=head, right=range(2, 8)))
    states = Counter(item.state for item in snapshot.resources)
    told = [plural(len(snapshot.resources), "resource")]
    told += [f"{count} {state}" for state, count in sorted(states.items())]
    lines.append(dim(f"  {', '.join(told)}; {plural(len(snapshot.offers), 'price')}"))
    lines += [warn(f"  could not be read: {_unread(item, snapshot)}") for item in snapshot.readings if item.failed]
    sources = {item.prices for item in snapshot.readings if item.prices}
    return "\n".join([*lines, *(dim(f"  list prices: {source}") for source in sorted(sources))])


def _unread(item: Reading, snapshot: CapacitySnapshot) -> str:
    """Which region, why, and of when the figures shown are."""
    if item.read_at is None:
        return f"{item.region} ({item.failed}), and never was"
    hours = (snapshot.read_at - item.read_at).total_seconds() / 3600
    stale = ": too old to lean on" if hours > STALE_HOURS else ""
    return f"{item.region} ({item.failed}); its figures are {number(hours, 1)} h old{stale}"


def _score(item: ModelScore, chosen: int) -> tuple[str, ...]:
    return item.model, item.granularity, str(chosen), *score_cells(item.scores)


def _peaks(bundle: ForecastBundle) -> list[str]:
    rows = []
    steps = {item.key: item for item in bundle.document.series if item.granularity is Granularity.HOURLY}
    for kind in SeriesKind:
        keys = [key for key in steps if key.kind is kind]
        peaks = sorted(((bundle.peak(key, 0.5, steps[key].steps), key) for key in keys), reverse=True)[:HEAVIEST]
        for median, key in peaks:
            upper = bundle.peak(key, 0.95, steps[key].steps)
            rows.append(
                (
                    str(key),
                    number(median.value),
                    number(upper.value),
                    steps[key].unit,
                    moment(upper.at),
                    steps[key].model,
                )
            )
    head = ("highest peaks ahead", "median", "95 %", "unit", "when", "model")
    return [table(rows, head=head, right=(1, 2))]


def _quota(quota: Quota) -> tuple[str, ...]:
    free = quota.total - quota.used
    share = quota.used / quota.total if quota.total else 0.0
    digits = 0 if quota.kind is not CapacityKind.GBPS else 1
    values = (quota.total, quota.used, quota.ours, quota.staged, free)
    told = f"{share:.0%}"
    return quota.place, quota.kind, *(number(value, digits) for value in values), warn(told) if share > 0.9 else told
