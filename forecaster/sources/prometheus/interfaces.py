"""Counters of interfaces to traffic of pairs and bandwidth of regions."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from contracts.names import pair_ends, pair_name
from contracts.series import SeriesKey, SeriesKind
from contracts.sources import Interface, PrometheusSource, RateBy
from forecaster.sources.counters import rates
from forecaster.sources.prometheus.answers import Matrix
from forecaster.sources.samples import Notes, Samples
from forecaster.sources.window import Numbers, Seconds, Window

GBPS = 8 / 1e9
"""Octets per second to gbit/s."""

AskRange: TypeAlias = Callable[[str, int, int], Matrix]
"""A query at a step, from and to, seconds."""


def interface_samples(
    source: PrometheusSource, interface: Interface, window: Window, *, ask: AskRange, notes: Notes
) -> tuple[list[Samples], int]:
    """What an interface carries, out and in, and how many samples that took."""
    counters = source.counters
    out_key, in_key = _keys(interface)
    samples, rows = [], 0
    for metric, key in ((counters.sent, out_key), (counters.received, in_key)):
        selector = f"{metric}{{instance={_quoted(interface.instance)}," + (
            f"{counters.interface_label}={_quoted(interface.interface)}}}"
        )
        part = f"{metric} of {interface.instance} {interface.interface}"
        read = _rates_by_server if counters.rate_by is RateBy.SERVER else _rates_by_us
        begins, lengths, values, count = read(source, selector, window, ask, notes)
        samples.append(Samples(key=key, part=part, begins=begins, lengths=lengths, values=values * GBPS))
        rows += count
    return samples, rows


def _keys(interface: Interface) -> tuple[SeriesKey, SeriesKey]:
    """What leaves counts for, and what comes in."""
    if interface.region:
        region = SeriesKey(SeriesKind.BANDWIDTH, interface.region)
        return region, region
    here, there = pair_ends(interface.pair)
    return (
        SeriesKey(SeriesKind.TRAFFIC, interface.pair),
        SeriesKey(SeriesKind.TRAFFIC, pair_name(there, here)),
    )


def _rates_by_us(
    source: PrometheusSource, selector: str, window: Window, ask: AskRange, notes: Notes
) -> tuple[Seconds, Seconds, Numbers, int]:
    """Rates between neighbouring counts. An interface that was renumbered is several series, one at a time."""
    matrix = ask(selector, window.begin, window.end)
    fastest = source.counters.max_gbps / GBPS
    for warning in matrix.warnings:
        notes.add("warnings", f"the server warns: {warning}")
    found = [rates(item.times, item.values, bits=source.counters.bits, fastest=fastest) for item in matrix.series]
    resets, wraps = sum(item.resets for item in found), sum(item.wraps for item in found)
    if resets:
        notes.add("resets", f"{selector}: the counter began anew or jumped {resets} times: those steps are left out")
    if wraps:
        notes.add("wraps", f"{selector}: the counter went over its end {wraps} times: followed")
    if not found:
        return _nothing()
    begins = np.concatenate([item.begins for item in found])
    lengths = np.concatenate([item.lengths for item in found])
    values = np.concatenate([item.per_second for item in found])
    return (*_largest(begins, lengths, values), matrix.samples)


def _rates_by_server(
    source: PrometheusSource, selector: str, window: Window, ask: AskRange, notes: Notes
) -> tuple[Seconds, Seconds, Numbers, int]:
    """Rates over each step by `rate()`."""
    step = source.step_seconds
    matrix = ask(f"sum(rate({selector}[{step}s]))", window.begin + step, window.end)
    for warning in matrix.warnings:
        notes.add("warnings", f"the server warns: {warning}")
    if not matrix.series:
        return _nothing()
    times, values = matrix.series[0].times, matrix.series[0].values
    return times - step, times * 0 + step, values, matrix.samples


def _largest(begins: Seconds, lengths: Seconds, values: Numbers) -> tuple[Seconds, Seconds, Numbers]:
    """Of intervals that begin together the one with most: the others are of a series that has gone quiet."""
    order = np.lexsort((-values, begins))
    begins, lengths, values = begins[order], lengths[order], values[order]
    first = np.concatenate([[True], np.diff(begins) > 0]) if len(begins) else np.zeros(0, dtype=bool)
    return begins[first], lengths[first], values[first]


def _nothing() -> tuple[Seconds, Seconds, Numbers, int]:
    return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0), 0


def _quoted(text: str) -> str:
    """A string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
