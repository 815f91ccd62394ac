"""Cloud Monitoring's ListTimeSeries on loopback: filters by metric type, windows, pages, alignment, sums, errors.

It speaks the API's own gRPC messages. Of filters it knows `metric.type = "..."`; of aggregations those we ask for.
"""

import re
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # its advice about versions of Python that will end some day
    from google.cloud.monitoring_v3 import Aggregation, ListTimeSeriesRequest, ListTimeSeriesResponse
    from google.cloud.monitoring_v3.types import Point, TimeSeries
    from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # generated, without types

_METHOD = "ListTimeSeries"
_SERVICE = "google.monitoring.v3.MetricService"


@dataclass
class Stored:
    """A series as it was written: when, and what; counters begin at 0 and only rise."""

    type: str
    labels: dict[str, str]
    points: list[tuple[int, float]]
    counter: bool = False


@dataclass
class Monitoring:
    """What the server holds, what it was asked, and how it fails."""

    series: list[Stored] = field(default_factory=list)
    asked: list[ListTimeSeriesRequest] = field(default_factory=list)
    failures: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    partial: str = ""
    text: bool = False
    url: str = ""

    def answer(self, request: ListTimeSeriesRequest, context: grpc.ServicerContext) -> ListTimeSeriesResponse:
        self.asked.append(request)
        if self.failures:
            code, said = self.failures.pop(0)
            context.abort(code, said)
        wanted = re.search(r'metric\.type\s*=\s*"([^"]+)"', request.filter)
        if wanted is None:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Field filter had an invalid value")
        assert wanted is not None
        found = [item for item in self.series if item.type == wanted[1]]
        if not found:
            context.abort(grpc.StatusCode.NOT_FOUND, f'Cannot find metric(s) that match type = "{wanted[1]}".')
        rows = _reduced(request, found)
        begin = int(request.page_token or 0)
        page = rows[begin : begin + request.page_size]
        response = ListTimeSeriesResponse(
            time_series=[self._series(labels, points) for labels, points in page],
            next_page_token=str(begin + request.page_size) if len(rows) > begin + request.page_size else "",
        )
        if self.partial:
            response.execution_errors.append(Status(code=4, message=self.partial))
        return response

    def _series(self, labels: dict[str, str], points: list[tuple[int, float]]) -> TimeSeries:
        told = [
            Point(
                interval={"start_time": {"seconds": end}, "end_time": {"seconds": end}},
                value={"string_value": "x"} if self.text else {"double_value": value},
            )
            for end, value in reversed(points)  # newest first, as the API has them
        ]
        return TimeSeries(resource={"type": "gce_instance", "labels": labels}, points=told)


def _reduced(
    request: ListTimeSeriesRequest, found: list[Stored]
) -> list[tuple[dict[str, str], list[tuple[int, float]]]]:
    """Aligned series, summed by the labels that are named."""
    groups: dict[tuple[tuple[str, str], ...], dict[int, float]] = {}
    names = [name.rpartition(".")[2] for name in request.aggregation.group_by_fields]
    for item in found:
        total = groups.setdefault(tuple((name, item.labels[name]) for name in names), {})
        for end, value in _aligned(request, item):
            total[end] = total.get(end, 0.0) + value
    return [(dict(labels), sorted(points.items())) for labels, points in sorted(groups.items())]


def _aligned(request: ListTimeSeriesRequest, item: Stored) -> Iterator[tuple[int, float]]:
    period = int(request.aggregation.alignment_period.total_seconds())
    begin, end = (int(moment.timestamp()) for moment in (request.interval.start_time, request.interval.end_time))
    for last in range(begin + period, end + 1, period):
        inside = [value for time, value in item.points if last - period < time <= last]
        before = [value for time, value in item.points if time <= last - period]
        match request.aggregation.per_series_aligner:
            case Aggregation.Aligner.ALIGN_RATE if inside and before:
                yield last, (inside[-1] - before[-1]) / period
            case Aggregation.Aligner.ALIGN_MEAN if inside:
                yield last, sum(inside) / len(inside)
            case Aggregation.Aligner.ALIGN_SUM if inside:
                yield last, sum(inside)


@contextmanager
def monitoring_server() -> Iterator[Monitoring]:
    """Serves until the block ends."""
    monitoring = Monitoring()
    handler = grpc.unary_unary_rpc_method_handler(
        monitoring.answer,
        request_deserializer=ListTimeSeriesRequest.deserialize,
        response_serializer=ListTimeSeriesResponse.serialize,
    )
    server = grpc.server(ThreadPoolExecutor(max_workers=2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monitoring.url = f"http://127.0.0.1:{port}"
    try:
        yield monitoring
    finally:
        server.stop(None).wait()
