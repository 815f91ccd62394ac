"""`read_monitoring`: time series of a Google Cloud project, by the Cloud Monitoring API (v3, ListTimeSeries)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from contracts.measured import Aligner, MonitoringMetric
from contracts.sources import MonitoringSource
from forecaster.batch import Batch
from forecaster.errors import NothingMeasured, SourceRefused
from forecaster.sources.naming import key_of, measure_in
from forecaster.sources.samples import Notes, Samples, batch_of_samples, canonical
from forecaster.sources.window import Window
from forecaster.units import Gather

PERIOD_S = 600
"""Points older than six weeks are kept every ten minutes (Cloud Monitoring, data retention)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for: series of one filter, aligned, summed by labels, over a window."""

    filter: str
    aligner: Aligner
    group_by: tuple[str, ...]
    window: Window
    period_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeries:
    """One series of an answer: labels by their whole name and by its last part; ends of periods, and values."""

    labels: Mapping[str, str]
    ends: Sequence[int]
    values: Sequence[float]


ListTimeSeries: TypeAlias = Callable[[Question], Sequence[TimeSeries]]
"""Answers a question with all of its pages. Raises SourceFailed."""


def read_monitoring(source: MonitoringSource, window: Window, ask: ListTimeSeries) -> Batch:
    """Everything that a source names, for the hours of the window.

    Raises:
        SourceFailed: Cloud Monitoring is not to be had, refuses, or has none of what was asked for.
        UnitUnclear: a unit is none of its kind.
    """
    where = f"source {source.name}"
    for metric in source.metrics:
        measure_in(metric, where=f"{where}, {metric.filter}")
    notes, samples, rows = Notes(), [], 0
    for metric in source.metrics:
        found = _samples(metric, window, ask, notes, where)
        samples += found
        rows += sum(len(item.begins) for item in found)
    if not rows:
        raise NothingMeasured(
            f"has no point of any of {len(source.metrics)} filters, {window}",
            where=where,
            expected="; ".join(metric.filter for metric in source.metrics[:3]),
            next_step="try the filter in the Metrics Explorer",
        )
    return batch_of_samples(samples, window, origin=source.name, rows_read=rows, notes=notes)


def _samples(metric: MonitoringMetric, window: Window, ask: ListTimeSeries, notes: Notes, where: str) -> list[Samples]:
    """Points of one filter. A point stands for the period that ends with it."""
    where = f"{where}, {metric.filter}"
    measure = measure_in(metric, where=where)
    question = Question(
        filter=metric.filter, aligner=metric.aligner, group_by=metric.group_by, window=window, period_s=PERIOD_S
    )
    rate = metric.aligner is Aligner.SUM and measure.gather is Gather.MEAN
    samples: dict[object, Samples] = {}
    for series in ask(question):
        key = key_of(metric, series.labels, where=where)
        if key in samples:
            raise SourceRefused(
                f"two series are {key}",
                where=where,
                expected="one series a subject",
                next_step="name the labels of the subject in group_by, and no others",
            )
        order = np.argsort(np.asarray(series.ends, dtype=np.int64), kind="stable")
        ends = np.asarray(series.ends, dtype=np.int64)[order]
        raw = np.asarray(series.values, dtype=np.float64)[order] / (PERIOD_S if rate else 1)
        values = canonical(raw, PERIOD_S, measure, metric.scale)
        lost = int((~np.isfinite(values)).sum())
        if lost:
            notes.add("values", f"{key}: {lost} points are no numbers from 0: left as gaps")
        samples[key] = Samples(
            key=key,
            part=metric.filter,
            begins=ends - PERIOD_S,
            lengths=np.full(len(ends), PERIOD_S, dtype=np.int64),
            values=values,
            silent=metric.silent,
        )
    if not samples:
        notes.add("filters", f"no series fits {metric.filter}")
    return list(samples.values())
