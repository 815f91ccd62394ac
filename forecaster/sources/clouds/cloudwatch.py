"""`read_cloudwatch`: metrics of an AWS account's location, by GetMetricData.

Whoever calls hands in how the operation is called, with the account's credentials, retries and errors.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.measured import CloudWatchMetric, CloudWatchStatistic
from contracts.series import SeriesKey
from contracts.sources import CloudWatchSource
from forecaster.batch import Batch
from forecaster.errors import FormChanged, NothingMeasured, SourceRefused, SourceUnreachable
from forecaster.sources.naming import key_of, measure_in
from forecaster.sources.samples import Notes, Samples, batch_of_samples, canonical
from forecaster.sources.window import HOUR_S, Numbers, Seconds, Window
from forecaster.units import Gather

PERIOD_S, OLD_PERIOD_S, OLD_S = 300, HOUR_S, 63 * 24 * HOUR_S
"""Five minutes are kept for 63 days, hours for 455 (CloudWatch, metrics retention)."""
METRICS_A_CALL, HOURS_A_CALL = 500, 168
MAX_PAGES = 1000

GetMetricData: TypeAlias = Callable[[Mapping[str, object]], Mapping[str, object]]
"""One call of GetMetricData: its arguments and what it answered, as boto3 spells them."""


class _Result(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    Id: str
    Timestamps: list[datetime] = []
    Values: list[float] = []
    StatusCode: str = "Complete"


class _Page(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    MetricDataResults: list[_Result]
    NextToken: str | None = None


def read_cloudwatch(source: CloudWatchSource, window: Window, ask: GetMetricData) -> Batch:
    """Everything that a source names, for the hours of the window.

    Raises:
        SourceRefused: no permission, or a unit that does not fit the statistic.
        SourceUnreachable: only part of the values was answered.
        FormChanged: the answer is of another form.
        NothingMeasured: no metric has a value.
        UnitUnclear: a unit is none of its kind.
    """
    where = f"source {source.name} ({source.location})"
    keys = [_key(metric, where) for metric in source.metrics]
    found: list[list[tuple[Seconds, Numbers, int]]] = [[] for _ in keys]
    for begin, end, period in _spans(window):
        for first in range(0, len(keys), METRICS_A_CALL):
            metrics = source.metrics[first : first + METRICS_A_CALL]
            for index, (times, values) in _values(metrics, (begin, end, period), ask, where).items():
                found[first + index].append((times, values, period))
    rows = sum(len(times) for pieces in found for times, _, _ in pieces)
    if not rows:
        raise NothingMeasured(
            f"has no value of any of {len(keys)} metrics, {window}",
            where=where,
            expected=", ".join(_name(metric) for metric in source.metrics[:5]),
            next_step="aws cloudwatch list-metrics shows names and dimensions; all of a metric's dimensions are needed",
        )
    notes = Notes()
    samples = [
        _samples(metric, key, pieces, notes, where)
        for metric, key, pieces in zip(source.metrics, keys, found, strict=True)
    ]
    return batch_of_samples(samples, window, origin=source.name, rows_read=rows, notes=notes)


def _key(metric: CloudWatchMetric, where: str) -> SeriesKey:
    """The series of a metric, after its unit was checked."""
    measure_in(metric, where=f"{where}, {_name(metric)}")
    if metric.statistic in _PER_PERIOD and metric.unit.startswith(("bytes", "bits")):
        raise SourceRefused(
            f"the unit {metric.unit!r} with the statistic {metric.statistic.value}",
            where=f"{where}, {_name(metric)}",
            expected="Bps or bps: sums of a period become rates per second",
        )
    return key_of(metric, metric.dimensions, where=f"{where}, {_name(metric)}")


_PER_PERIOD = (CloudWatchStatistic.SUM, CloudWatchStatistic.SAMPLES)


def _spans(window: Window) -> Iterator[tuple[int, int, int]]:
    """Begin, end and period of the calls: what is old is kept by the hour only."""
    begin = window.begin
    while begin < window.end:
        end = min(begin + HOURS_A_CALL * HOUR_S, window.end)
        yield begin, end, OLD_PERIOD_S if window.end - begin > OLD_S else PERIOD_S
        begin = end


def _values(
    metrics: Sequence[CloudWatchMetric], span: tuple[int, int, int], ask: GetMetricData, where: str
) -> dict[int, tuple[Seconds, Numbers]]:
    """All pages of a call: times and values of each metric, by its place."""
    begin, end, period = span
    arguments: dict[str, object] = {
        "MetricDataQueries": [_query(index, metric, period) for index, metric in enumerate(metrics)],
        "StartTime": datetime.fromtimestamp(begin, UTC),
        "EndTime": datetime.fromtimestamp(end, UTC),
        "ScanBy": "TimestampAscending",
    }
    found: dict[int, dict[int, float]] = {}
    states: dict[int, str] = {}
    for page in _pages(arguments, ask, where):
        for result in page.MetricDataResults:
            index = _index(result, len(metrics), where)
            states[index] = result.StatusCode
            times = [round(moment.timestamp()) for moment in result.Timestamps]
            found.setdefault(index, {}).update(zip(times, result.Values, strict=True))
    _check_states(metrics, states, where)
    return {index: _arrays(values) for index, values in found.items()}


def _pages(arguments: Mapping[str, object], ask: GetMetricData, where: str) -> Iterator[_Page]:
    token: str | None = ""
    for _ in range(MAX_PAGES):
        raw = ask({**arguments, **({"NextToken": token} if token else {})})
        try:
            page = _Page.model_validate(raw)
        except ValidationError as error:
            raise FormChanged(
                f"the answer is not one of GetMetricData: {error.errors()[0]['msg']}",
                where=where,
                expected="MetricDataResults, each with Id, Timestamps and Values",
            ) from error
        yield page
        token = page.NextToken
        if not token:
            return
    raise FormChanged(f"answers more than {MAX_PAGES} pages", where=where, expected="an end")


def _index(result: _Result, count: int, where: str) -> int:
    text = result.Id.removeprefix("m")
    if not text.isdecimal() or int(text) >= count or len(result.Timestamps) != len(result.Values):
        raise FormChanged(
            f"a result {result.Id!r} with {len(result.Timestamps)} times and {len(result.Values)} values",
            where=where,
            expected="the ids that were asked for, a value a time",
        )
    return int(text)


def _check_states(metrics: Sequence[CloudWatchMetric], states: Mapping[int, str], where: str) -> None:
    for index, state in sorted(states.items()):
        name = f"{where}, {_name(metrics[index])}"
        if state == "Forbidden":
            raise SourceRefused("may not be read", where=name, next_step="allow cloudwatch:GetMetricData")
        if state != "Complete":
            raise SourceUnreachable(
                f"was answered only in part ({state})", where=name, next_step="it is asked again next time"
            )


def _arrays(values: Mapping[int, float]) -> tuple[Seconds, Numbers]:
    times = sorted(values)
    return np.array(times, dtype=np.int64), np.array([values[time] for time in times], dtype=np.float64)


def _samples(
    metric: CloudWatchMetric,
    key: SeriesKey,
    pieces: list[tuple[Seconds, Numbers, int]],
    notes: Notes,
    where: str,
) -> Samples:
    """Values of all calls; a period begins at its time stamp."""
    measure = measure_in(metric, where=where)
    rate = metric.statistic in _PER_PERIOD and measure.gather is Gather.MEAN
    begins, lengths, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for times, numbers, period in pieces:
        begins.append(times)
        lengths.append(np.full(len(times), period, dtype=np.int64))
        values.append(canonical(numbers / (period if rate else 1), period, measure, metric.scale))
    whole = np.concatenate(values)
    lost = int((~np.isfinite(whole)).sum())
    if lost:
        notes.add("values", f"{key}: {lost} values of {_name(metric)} are no numbers from 0: left as gaps")
    return Samples(
        key=key,
        part=_name(metric),
        begins=np.concatenate(begins),
        lengths=np.concatenate(lengths),
        values=whole,
        silent=metric.silent,
    )


def _query(index: int, metric: CloudWatchMetric, period: int) -> dict[str, object]:
    return {
        "Id": f"m{index}",
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.metric,
                "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions.items())],
            },
            "Period": period,
            "Stat": metric.statistic.value,
        },
        "ReturnData": True,
    }


def _name(metric: CloudWatchMetric) -> str:
    dimensions = ", ".join(f"{name}={value}" for name, value in sorted(metric.dimensions.items()))
    return f"{metric.namespace} {metric.metric}" + (f" of {dimensions}" if dimensions else "")
