"""Metrics in Prometheus' text form: counters as the ledger keeps them, gauges as they are now.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from contracts.drift import DriftClass, DriftReport
from coordinator.ledger import Ledger, counters, units
from coordinator.ledger.counters import BUCKETS_S, Counter

_BUCKET = "_bucket"
_HELP = {
    "prestage_requests_total": ("counter", "Requests answered, by kind and outcome."),
    "prestage_decision_seconds": ("histogram", "From a request's arrival to its decision."),
    "prestage_units": ("gauge", "Units by kind and state."),
    "prestage_drift_differences": ("gauge", "Differences from what was applied, by class, at the last look."),
    "prestage_drift_read_timestamp_seconds": ("gauge", "When it was looked at last."),
}


def metrics_text(ledger: Ledger) -> str:
    """Everything that is counted, one consistent view."""
    with ledger.read() as tx:
        counted = counters.listing(tx)
        by_state = units.counts(tx)
    return "\n".join([*_counter_lines(counted), *_unit_lines(by_state)]) + "\n"


def drift_metrics(report: DriftReport) -> str:
    """Differences by class, zeros included, and when they were read: for a file that an exporter picks up."""
    counts = Counts(item.drift_class for item in report.differences)
    environment = f'environment="{report.environment}"'
    lines = [*_head("prestage_drift_differences")]
    lines += [
        _line("prestage_drift_differences", f'{environment},class="{name}"', counts[name])
        for name in sorted(DriftClass)
    ]
    lines += [*_head("prestage_drift_read_timestamp_seconds")]
    lines.append(f"prestage_drift_read_timestamp_seconds{{{environment}}} {report.read_at.timestamp():.0f}")
    return "\n".join(lines) + "\n"


def _counter_lines(counted: Iterable[Counter]) -> Iterator[str]:
    for family, members in groupby(
        sorted(counted, key=lambda item: (_family(item.name), item)), lambda c: _family(c.name)
    ):
        yield from _head(family)
        rows = list(members)
        yield from _bucket_lines([item for item in rows if item.name.endswith(_BUCKET)])
        yield from (_line(item.name, item.labels, item.value) for item in rows if not item.name.endswith(_BUCKET))


def _bucket_lines(buckets: Iterable[Counter]) -> Iterator[str]:
    """The ledger counts each bucket by itself; Prometheus wants them cumulative, every bound present."""
    by_labels: dict[str, dict[str, float]] = defaultdict(dict)
    name = ""
    for item in buckets:
        name = item.name
        bound = next(label for label in item.labels.split(",") if label.startswith("le="))
        rest = ",".join(label for label in item.labels.split(",") if not label.startswith("le="))
        by_labels[rest][bound.removeprefix('le="').removesuffix('"')] = item.value
    for labels, values in sorted(by_labels.items()):
        total = 0.0
        for bound in (*(f"{bucket:g}" for bucket in BUCKETS_S), "+Inf"):
            total += values.get(bound, 0.0)
            yield _line(name, ",".join(part for part in (labels, f'le="{bound}"') if part), total)


def _unit_lines(by_state: Mapping[tuple[str, str], int]) -> Iterator[str]:
    yield from _head("prestage_units")
    for (kind, state), count in sorted(by_state.items()):
        yield _line("prestage_units", f'kind="{kind}",state="{state}"', count)


def _family(name: str) -> str:
    for suffix in (_BUCKET, "_sum", "_count"):
        if name.removesuffix(suffix) in _HELP:
            return name.removesuffix(suffix)
    return name


def _head(family: str) -> Iterator[str]:
    kind, text = _HELP.get(family, ("untyped", ""))
    yield f"# HELP {family} {text}"
    yield f"# TYPE {family} {kind}"


def _line(name: str, labels: str, value: float) -> str:
    return f"{name}{{{labels}}} {value:g}" if labels else f"{name} {value:g}"
