"""Writes the demo's history files, as an operator's exports would look, out of the real series.

Peering requests are not in the real data. They are drawn by a seeded process: the requests of a pair in an hour are
Poisson with an intensity proportional to the pair's traffic in that hour (its thinning of a homogeneous process, Lewis
and Shedler 1979), each at a uniform second of the hour, with log-normal sizes and durations around the stream's
medians (sigma 0.35: most between half and twice the median).
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import timedelta
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contracts.files import write_bytes
from contracts.names import pair_ends, pair_name
from prestage.demo.stand_ins import BEGIN, HOURS, REQUESTS, SERVICES, TRAFFIC, UTILISATION, RequestStream, StandIn

SEED = 11582298
SIGMA = 0.35
MEMORY_GIB_PER_VCPU, STORAGE_GIB_PER_VCPU = 4.0, 25.0

Values = NDArray[np.float64]


def write_history(folder: Path) -> dict[str, Path]:
    """Writes traffic, telemetry and requests as CSV and utilisation as Parquet; table name to file."""
    real = read_series()
    traffic = {part.subject: played(part, real) for part in TRAFFIC}
    rng = np.random.default_rng(SEED)
    files = {
        "traffic": folder / "traffic.csv",
        "utilisation": folder / "utilisation.parquet",
        "telemetry": folder / "telemetry.csv",
        "requests": folder / "requests.csv",
    }
    write_bytes(files["traffic"], _csv(("time", "source", "destination", "value", "unit"), _traffic_rows(traffic)))
    write_bytes(files["utilisation"], _utilisation(real))
    write_bytes(files["telemetry"], _csv(("time", "region", "service", "metric", "value"), _service_rows(real)))
    head = ("time", "source", "destination", "vcpu", "memory_gib", "storage_gib", "gbps", "prefix_length")
    rows = sorted(row for stream in REQUESTS for row in request_rows(stream, traffic, rng))
    write_bytes(files["requests"], _csv((*head, "duration_hours"), rows))
    return files


def read_series() -> dict[str, Values]:
    """The thirty days of every real series that covers them."""
    import pyarrow.parquet as pq

    source = resources.files("prestage.demo") / "ms_cloud_hourly.parquet"
    table = pq.read_table(io.BytesIO(source.read_bytes()))
    names = np.asarray(table["unique_id"].to_pylist())
    hours = table["ds"].to_numpy().astype("datetime64[h]")
    values = table["y"].to_numpy().astype(np.float64)
    begin = np.datetime64(BEGIN.replace(tzinfo=None), "h")
    inside = (hours >= begin) & (hours < begin + HOURS)
    found = {str(name): values[inside & (names == name)] for name in np.unique(names[inside])}
    return {name: series for name, series in found.items() if len(series) == HOURS}


def played(part: StandIn, real: Mapping[str, Values]) -> Values:
    """The part that a series plays: see the module `stand_ins`."""
    series = real[part.series]
    if part.smooth_hours > 1:
        padded = np.concatenate([np.full(part.smooth_hours - 1, series[0]), series])
        series = np.convolve(padded, np.full(part.smooth_hours, 1 / part.smooth_hours), mode="valid")
    values: Values = part.mean * (part.floor + (1 - part.floor) * series / series.mean())
    return values


def request_rows(
    stream: RequestStream, traffic: Mapping[str, Values], rng: np.random.Generator
) -> list[tuple[str, ...]]:
    """The drawn requests of one stream, in the order of time."""
    intensity = traffic[pair_name(stream.source, stream.destination)]
    counts = rng.poisson(stream.a_day / 24 * intensity / intensity.mean())
    rows = []
    for hour in np.repeat(np.arange(HOURS), counts):
        at = BEGIN + timedelta(hours=int(hour), seconds=int(rng.integers(3600)))
        vcpu, gbps, duration = np.array([stream.vcpu, stream.gbps, stream.duration_hours]) * rng.lognormal(0, SIGMA, 3)
        sizes = (vcpu, vcpu * MEMORY_GIB_PER_VCPU, vcpu * STORAGE_GIB_PER_VCPU, gbps)
        told = (f"{at:%Y-%m-%dT%H:%M:%SZ}", stream.source, stream.destination, *(f"{size:.3f}" for size in sizes))
        rows.append((*told, "28", f"{duration:.2f}"))
    return rows


def _traffic_rows(traffic: Mapping[str, Values]) -> Iterable[tuple[str, ...]]:
    for pair, values in traffic.items():
        source, destination = pair_ends(pair)
        for at, value in zip(_times(), values, strict=True):
            yield at, source, destination, f"{value:.6f}", "gbps"


def _service_rows(real: Mapping[str, Values]) -> Iterable[tuple[str, ...]]:
    for part in SERVICES:
        service, _, region = part.subject.partition("@")
        for at, value in zip(_times(), played(part, real), strict=True):
            yield at, region, service, part.metric, f"{value:.0f}"


def _utilisation(real: Mapping[str, Values]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    hours = np.datetime64(BEGIN.replace(tzinfo=None), "us") + np.arange(HOURS) * np.timedelta64(1, "h")
    columns = {
        "time": pa.array(np.tile(hours, len(UTILISATION)), type=pa.timestamp("us", tz="UTC")),
        "region": pa.array(np.repeat([part.subject for part in UTILISATION], HOURS)),
        "metric": pa.array(np.repeat([part.metric for part in UTILISATION], HOURS)),
        "value": pa.array(np.concatenate([played(part, real) for part in UTILISATION])),
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


def _csv(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode()


def _times() -> list[str]:
    return [f"{BEGIN + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in range(HOURS)]
