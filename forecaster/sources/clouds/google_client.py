"""`GoogleMonitoring`: ListTimeSeries over gRPC with google-cloud-monitoring, which is imported late.

Credentials are those of whoever runs it (application default), acting as the account's role where it has one; none
where the account has an endpoint of its own.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any  # Any: what an API answered, at this boundary only

from contracts.accounts import Account
from contracts.measured import Aligner
from forecaster.errors import FormChanged, SourceFailed, SourceRefused, SourceUnreachable
from forecaster.sources.clouds.monitoring import Question, TimeSeries
from forecaster.sources.patience import Sleep, patiently

if TYPE_CHECKING:
    from google.cloud.monitoring_v3 import MetricServiceClient

HOST = "monitoring.googleapis.com:443"
_SCOPES = ("https://www.googleapis.com/auth/monitoring.read",)
_ALIGNERS = {
    Aligner.MEAN: "ALIGN_MEAN",
    Aligner.RATE: "ALIGN_RATE",
    Aligner.SUM: "ALIGN_SUM",
    Aligner.MAXIMUM: "ALIGN_MAX",
}


@dataclass(slots=True, kw_only=True)
class GoogleMonitoring:
    """Answers `Question`s of one project.

    Attributes:
        account: whose project.
        timeout_s: of one page.
        max_bytes: of one page.
        page_size: points of one page.
        sleep: how to wait between tries.
    """

    account: Account
    timeout_s: float
    max_bytes: int
    page_size: int
    sleep: Sleep
    _client: "MetricServiceClient | None" = field(default=None, repr=False)

    def __call__(self, question: Question) -> tuple[TimeSeries, ...]:
        """All pages of an answer; see `forecaster.sources.clouds.monitoring.ListTimeSeries`."""
        return patiently(lambda: tuple(self._series(question)), self.sleep)

    def close(self) -> None:
        """Gives the connection back."""
        if self._client is not None:
            self._client.transport.close()
            self._client = None

    def _series(self, question: Question) -> Iterator[TimeSeries]:
        import_client(self.account)
        from google.api_core.exceptions import GoogleAPICallError
        from google.auth.exceptions import GoogleAuthError

        where = f"Cloud Monitoring of {self.account.name} ({self.account.id}), {question.filter}"
        try:
            for page in (
                self._opened()
                .list_time_series(request=self._request(question), timeout=self.timeout_s, retry=None)
                .pages
            ):
                if page.execution_errors:
                    told = page.execution_errors[0].message
                    raise SourceUnreachable(f"was answered only in part ({told})", where=where)
                for series in page.time_series:
                    yield _plain(series, where)
        except GoogleAPICallError as error:
            raise _translated(error, where) from error
        except GoogleAuthError as error:
            raise SourceRefused(
                f"there are no Google Cloud credentials ({error})"[:300],
                where=where,
                next_step="gcloud auth application-default login; in a pipeline, its own identity",
            ) from error

    def _request(self, question: Question) -> dict[str, object]:
        from google.cloud.monitoring_v3 import Aggregation

        return {
            "name": f"projects/{self.account.id}",
            "filter": question.filter,
            "interval": {
                "start_time": {"seconds": question.window.begin},
                "end_time": {"seconds": question.window.end},
            },
            "aggregation": {
                "alignment_period": {"seconds": question.period_s},
                "per_series_aligner": getattr(Aggregation.Aligner, _ALIGNERS[question.aligner]),
                "cross_series_reducer": Aggregation.Reducer.REDUCE_SUM,
                "group_by_fields": list(question.group_by),
            },
            "page_size": self.page_size,
        }

    def _opened(self) -> "MetricServiceClient":
        if self._client is None:
            from google.cloud.monitoring_v3 import MetricServiceClient
            from google.cloud.monitoring_v3.services.metric_service.transports import MetricServiceGrpcTransport

            transport = MetricServiceGrpcTransport(channel=self._channel(MetricServiceGrpcTransport))
            self._client = MetricServiceClient(transport=transport)
        return self._client

    def _channel(self, transport: Any) -> Any:
        options = [("grpc.max_receive_message_length", self.max_bytes), ("grpc.enable_retries", 0)]
        if self.account.endpoint:
            import grpc

            return grpc.insecure_channel(self.account.endpoint.split("://")[-1].rstrip("/"), options=options)
        return transport.create_channel(HOST, credentials=_credentials(self.account), options=options)


def import_client(account: Account) -> None:
    """Imports google-cloud-monitoring, without its advice about versions of Python that will end some day.

    Raises:
        SourceRefused: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            import google.cloud.monitoring_v3  # noqa: F401 - only whether it can be imported
    except ImportError as error:
        raise SourceRefused(
            "google-cloud-monitoring is not installed",
            where=f"account {account.name}",
            next_step="pip install 'prestage[monitoring]'",
        ) from error


def _credentials(account: Account) -> Any:
    import google.auth
    from google.auth import impersonated_credentials

    own, _ = google.auth.default(scopes=_SCOPES)
    if not account.role:
        return own
    return impersonated_credentials.Credentials(
        source_credentials=own, target_principal=account.role, target_scopes=list(_SCOPES)
    )


def _plain(series: Any, where: str) -> TimeSeries:
    """A series of the API as a value: numbers only, labels by whole name and by last part."""
    labels: dict[str, str] = {}
    groups = (
        ("metadata.user_labels", series.metadata.user_labels),
        ("resource.labels", series.resource.labels),
        ("metric.labels", series.metric.labels),
    )
    for group, found in groups:
        for name, value in dict(found).items():
            labels[name] = labels[f"{group}.{name}"] = str(value)
    ends, values = [], []
    for point in series.points:
        ends.append(round(point.interval.end_time.timestamp()))
        values.append(_number(point.value, where))
    return TimeSeries(labels=labels, ends=ends, values=values)


def _number(value: Any, where: str) -> float:
    kind = value._pb.WhichOneof("value")
    if kind not in ("double_value", "int64_value"):
        raise FormChanged(
            f"a point is a {kind or 'nothing'}",
            where=where,
            expected="numbers",
            next_step="align it to numbers: aligner: rate, sum or mean; distributions are not read",
        )
    return float(getattr(value, kind))


def _translated(error: Any, where: str) -> SourceFailed:
    """An error of the API by what helps against it (google.rpc.Code)."""
    code = getattr(error.grpc_status_code, "name", type(error).__name__)
    said = str(error.message)[:300]
    match code:
        case "UNAVAILABLE" | "DEADLINE_EXCEEDED" | "INTERNAL" | "ABORTED" | "UNKNOWN":
            return SourceUnreachable(f"gives no answer ({code}: {said})", where=where)
        case "RESOURCE_EXHAUSTED" if "larger than max" in said:
            return FormChanged(f"a page is too large ({said})", where=where, next_step="a smaller page_size")
        case "RESOURCE_EXHAUSTED":
            return SourceUnreachable(f"asks for patience ({said})", where=where)
        case "PERMISSION_DENIED" | "UNAUTHENTICATED":
            return SourceRefused(f"may not be read ({said})", where=where, next_step="grant roles/monitoring.viewer")
        case "NOT_FOUND":
            return SourceRefused(f"knows no such metric ({said})", where=where, next_step="check the metric.type")
        case _:
            return SourceRefused(f"refuses the question ({code}: {said})", where=where)
