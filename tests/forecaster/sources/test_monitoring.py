"""Cloud Monitoring over gRPC: groups, counters, pages, and what a server may answer instead."""

import importlib.util

import grpc
import pytest

if importlib.util.find_spec("google.cloud.monitoring_v3") is None:
    pytest.skip("google-cloud-monitoring is not installed: the extra `monitoring`", allow_module_level=True)

from contracts.accounts import Account, TargetName
from contracts.environment import Environment, RegionSettings
from contracts.sources import MonitoringSource
from forecaster.errors import FormChanged, NothingMeasured, SourceRefused, SourceUnreachable, UnitUnclear
from forecaster.sources.clouds.google_client import GoogleMonitoring
from forecaster.sources.clouds.monitoring import read_monitoring
from prestage.sources import NoSuchSource, SourceReader
from tests.forecaster.sources.fakes import BEGIN, NOW, Naps, rows, window
from tests.forecaster.sources.monitoring_server import Stored, monitoring_server

USE, SENT = "compute.googleapis.com/instance/cpu/usage_time", "compute.googleapis.com/instance/network/sent_bytes_count"
CPU = {
    "kind": "cpu", "subject": "{zone}", "unit": "vcpu", "filter": f'metric.type = "{USE}"', "aligner": "rate",
    "group_by": ["resource.labels.zone"], "names": {"europe-west3-a": "fra", "europe-west4-b": "ams"},
}  # fmt: skip


@pytest.fixture
def server():
    with monitoring_server() as running:
        for zone, pace in (("europe-west3-a", 2.0), ("europe-west3-a", 1.0), ("europe-west4-b", 5.0)):
            counted = [(time, pace * (time - BEGIN + 600)) for time in range(BEGIN - 600, BEGIN + 7201, 60)]
            running.series.append(Stored(type=USE, labels={"zone": zone}, points=counted, counter=True))
        yield running


@pytest.fixture
def client(server):
    account = Account(name="lab", target=TargetName.GCP, id="lab-project", endpoint=server.url)
    opened = GoogleMonitoring(account=account, timeout_s=5, max_bytes=1 << 20, page_size=1, sleep=Naps())
    yield opened
    opened.close()


def source(*metrics):
    return MonitoringSource.model_validate({"name": "gcp", "account": "lab", "metrics": metrics or [CPU]})


def test_counters_of_instances_become_vcpus_of_regions(server, client):
    batch = read_monitoring(source(), window(), client)
    assert rows(batch) == [
        ("cpu", "ams", 0, 5.0, 1.0),
        ("cpu", "ams", 1, 5.0, 1.0),
        ("cpu", "fra", 0, 3.0, 1.0),
        ("cpu", "fra", 1, 3.0, 1.0),
    ]
    assert [request.page_token for request in server.asked] == ["", "1"]
    assert server.asked[0].name == "projects/lab-project"


def test_by_the_account_of_an_environment(server, tmp_path):
    account = Account(name="lab", target=TargetName.GCP, id="lab-project", endpoint=server.url)
    environment = Environment(name="dev", accounts=(account,), regions=(RegionSettings(name="fra"),))
    reader = SourceReader(
        environment=environment, folder=tmp_path, state=tmp_path, clock=lambda: NOW, variables={}, sleep=Naps()
    )
    assert len(rows(reader(source(), window(1)))) == 2
    assert server.asked[0].page_size == 10_000
    other = source().model_copy(update={"account": "lap"})
    with pytest.raises(NoSuchSource, match="no gcp account 'lap'") as unknown:
        reader(other, window(1))
    assert unknown.value.next_step == "did you mean 'lab'?"


def test_gauges_sums_and_gaps(server, client):
    gauge = [(time, 7.0) for time in range(BEGIN + 60, BEGIN + 3601, 60)]
    server.series.append(Stored(type="custom/users", labels={}, points=gauge))
    server.series.append(Stored(type=SENT, labels={}, points=[(time, 60 * 125e6) for time, _ in gauge]))
    users = {"kind": "users", "subject": "web@fra", "unit": "count", "filter": 'metric.type = "custom/users"'}
    sent = {"kind": "bandwidth", "subject": "fra", "unit": "Bps", "filter": f'metric.type = "{SENT}"', "aligner": "sum"}
    batch = read_monitoring(source(users, sent), window(), client)
    assert rows(batch) == [("bandwidth", "fra", 0, 1.0, 1.0), ("users", "web@fra", 0, 7.0, 1.0)]
    assert sum("silent in 1 of 2 hours" in note for note in batch.notes) == 2


def test_it_is_asked_again_where_that_helps(server, client):
    server.failures = [(grpc.StatusCode.UNAVAILABLE, "restarting"), (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota")]
    assert len(rows(read_monitoring(source(), window(1), client))) == 2
    assert len(client.sleep.taken) == 2


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (grpc.StatusCode.UNAVAILABLE, SourceUnreachable, "no answer"),
        (grpc.StatusCode.PERMISSION_DENIED, SourceRefused, "may not be read"),
        (grpc.StatusCode.UNAUTHENTICATED, SourceRefused, "may not be read"),
        (grpc.StatusCode.NOT_FOUND, SourceRefused, "no such metric"),
        (grpc.StatusCode.INVALID_ARGUMENT, SourceRefused, "refuses the question"),
    ],
)
def test_errors_of_the_api(server, client, code, error, said):
    server.failures = [(code, "because")] * 9
    with pytest.raises(error, match=said) as raised:
        read_monitoring(source(), window(1), client)
    assert "because" in raised.value.what and "lab-project" in raised.value.where
    assert len(server.asked) == (5 if error is SourceUnreachable else 1)


def test_an_unknown_metric_and_a_filter_that_is_none(client):
    with pytest.raises(SourceRefused, match="Cannot find metric"):
        read_monitoring(source(CPU | {"filter": 'metric.type = "compute.googleapis.com/absent"'}), window(), client)
    with pytest.raises(SourceRefused, match="INVALID_ARGUMENT"):
        read_monitoring(source(CPU | {"filter": "cpu"}), window(), client)
    with pytest.raises(UnitUnclear):
        read_monitoring(source(CPU | {"unit": "percent"}), window(), client)


def test_part_of_an_answer_is_none(server, client):
    server.partial = "deadline of a shard"
    with pytest.raises(SourceUnreachable, match=r"only in part \(deadline of a shard\)"):
        read_monitoring(source(), window(), client)


def test_values_that_are_no_numbers(server, client):
    server.text = True
    with pytest.raises(FormChanged, match="a point is a string_value"):
        read_monitoring(source(), window(), client)


def test_groups_that_do_not_tell_subjects_apart(client):
    with pytest.raises(SourceRefused, match="two series are cpu:fra"):
        read_monitoring(source(CPU | {"names": {"europe-west3-a": "fra", "europe-west4-b": "fra"}}), window(), client)
    with pytest.raises(SourceRefused, match="no label 'zone'"):
        read_monitoring(source(CPU | {"group_by": []}), window(), client)


def test_a_server_that_holds_nothing_of_the_window(server, client):
    server.series[:] = [Stored(type=USE, labels={"zone": "europe-west3-a"}, points=[])]
    with pytest.raises(NothingMeasured, match="no point of any of 1 filters"):
        read_monitoring(source(), window(), client)


def test_a_server_that_is_not_there():
    account = Account(name="lab", target=TargetName.GCP, id="lab-project", endpoint="http://127.0.0.1:9")
    gone = GoogleMonitoring(account=account, timeout_s=5, max_bytes=1 << 20, page_size=10, sleep=Naps())
    with pytest.raises(SourceUnreachable, match="UNAVAILABLE"):
        read_monitoring(source(), window(), gone)
    gone.close()


def test_without_credentials_it_says_how_to_get_some(tmp_path, monkeypatch):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # asks no metadata server
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    account = Account(name="lab", target=TargetName.GCP, id="lab-project")
    client = GoogleMonitoring(account=account, timeout_s=5, max_bytes=1 << 20, page_size=10, sleep=Naps())
    with pytest.raises(SourceRefused, match="no Google Cloud credentials") as refused:
        read_monitoring(source(), window(), client)
    assert "gcloud auth application-default login" in refused.value.next_step


def test_a_page_that_is_too_large(server):
    account = Account(name="lab", target=TargetName.GCP, id="lab-project", endpoint=server.url)
    small = GoogleMonitoring(account=account, timeout_s=5, max_bytes=100, page_size=10, sleep=Naps())
    with pytest.raises(FormChanged, match="page is too large") as refused:
        read_monitoring(source(), window(), small)
    assert refused.value.next_step == "a smaller page_size"
    small.close()
