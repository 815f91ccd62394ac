"""CloudWatch: pages, periods, statistics; and moto's own GetMetricData behind boto3."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.accounts import Account, TargetName
from contracts.environment import Environment, RegionSettings
from contracts.errors import PrestageError
from contracts.sources import CloudWatchSource
from forecaster.errors import FormChanged, NothingMeasured, SourceRefused, SourceUnreachable, UnitUnclear
from forecaster.sources.clouds.cloudwatch import read_cloudwatch
from forecaster.sources.window import HOUR_S, Window
from prestage.sources import SourceReader
from stacks.clouds.aws.session import aws_clients
from tests.clouds.moto_server import aws_environ, moto_server
from tests.forecaster.sources.fakes import BEGIN, rows, window

CPU = {
    "kind": "cpu", "subject": "fra", "unit": "vcpu", "scale": 0.64, "namespace": "AWS/EC2",
    "metric": "CPUUtilization", "dimensions": {"AutoScalingGroupName": "web"},
}  # fmt: skip
OUT = {
    "kind": "bandwidth", "subject": "fra", "unit": "Bps", "statistic": "Sum", "namespace": "AWS/EC2",
    "metric": "NetworkOut", "dimensions": {"AutoScalingGroupName": "web"},
}  # fmt: skip


def source(*metrics):
    return CloudWatchSource.model_validate(
        {"name": "aws", "account": "main", "location": "eu-central-1", "metrics": metrics}
    )


class Cloud:
    """GetMetricData over samples every five minutes, in pages of some points; notes what it was asked."""

    def __init__(self, values, page=1000, state="Complete"):
        self.values, self.page, self.state, self.asked = values, page, state, []

    def __call__(self, arguments):
        self.asked.append(arguments)
        begin, end = (int(arguments[name].timestamp()) for name in ("StartTime", "EndTime"))
        first = int(arguments.get("NextToken", 0))
        results, more = [], False
        for query in arguments["MetricDataQueries"]:
            period = query["MetricStat"]["Period"]
            value = self.values.get(query["MetricStat"]["Metric"]["MetricName"])
            times = list(range(begin, end, period)) if value is not None else []
            part = times[first : first + self.page]
            more |= len(times) > first + self.page
            results.append(
                {
                    "Id": query["Id"],
                    "Timestamps": [datetime.fromtimestamp(time, UTC) for time in part],
                    "Values": [value * (period if query["MetricStat"]["Stat"] == "Sum" else 1) for _ in part],
                    "StatusCode": "PartialData" if len(times) > first + self.page else self.state,
                }
            )
        return {"MetricDataResults": results, **({"NextToken": str(first + self.page)} if more else {})}


def test_averages_and_sums_in_pages():
    cloud = Cloud({"CPUUtilization": 50.0, "NetworkOut": 125e6}, page=7)
    batch = read_cloudwatch(source(CPU, OUT), window(), cloud)
    assert rows(batch) == [
        ("bandwidth", "fra", 0, 1.0, 1.0),
        ("bandwidth", "fra", 1, 1.0, 1.0),
        ("cpu", "fra", 0, 32.0, 1.0),
        ("cpu", "fra", 1, 32.0, 1.0),
    ]
    assert len(cloud.asked) == 4 and batch.rows_read == 48


def test_metrics_of_one_subject_are_added_up():
    cloud = Cloud({"NetworkOut": 125e6, "NetworkIn": 250e6})
    assert [row[3] for row in rows(read_cloudwatch(source(OUT, OUT | {"metric": "NetworkIn"}), window(1), cloud))] == [
        3.0
    ]


def test_counts_are_of_an_hour():
    requests = OUT | {"kind": "transactions", "subject": "web@fra", "unit": "count", "metric": "RequestCount"}
    for unit in ("count", "count/s"):
        batch = read_cloudwatch(source(requests | {"unit": unit}), window(1), Cloud({"RequestCount": 2.0}))
        assert rows(batch) == [("transactions", "web@fra", 0, 7200.0, 1.0)]


def test_what_is_old_is_asked_for_by_the_hour_and_long_spans_in_calls():
    cloud = Cloud({"CPUUtilization": 10.0}, page=10**6)
    long = Window(BEGIN - 70 * 24 * HOUR_S, BEGIN)
    batch = read_cloudwatch(source(CPU), long, cloud)
    periods = {one["MetricDataQueries"][0]["MetricStat"]["Period"] for one in cloud.asked}
    assert periods == {300, 3600} and len(cloud.asked) == 10
    assert len(batch.measurements) == 70 * 24 and (batch.measurements.covered == 1).all()


def test_more_metrics_than_a_call_takes():
    cloud = Cloud({"NetworkOut": 1.0})
    metrics = [OUT | {"subject": f"r{number}"} for number in range(501)]
    assert len(read_cloudwatch(source(*metrics), window(1), cloud).measurements) == 501
    assert [len(one["MetricDataQueries"]) for one in cloud.asked] == [500, 1]


def test_a_metric_that_is_silent_is_a_gap_unless_it_means_zero():
    both = (OUT, OUT | {"metric": "Absent"})
    cloud = Cloud({"NetworkOut": 125e6})
    batch = read_cloudwatch(source(*both), window(1), cloud)
    assert rows(batch) == [] and "AWS/EC2 Absent of AutoScalingGroupName=web is silent" in batch.notes[0]
    zero = read_cloudwatch(source(both[0], both[1] | {"silent": "zero"}), window(1), cloud)
    assert [row[3] for row in rows(zero)] == [1.0]


def test_unhappy_answers():
    with pytest.raises(NothingMeasured, match="no value of any of 1 metrics") as nothing:
        read_cloudwatch(source(CPU), window(), Cloud({}))
    assert "list-metrics" in nothing.value.next_step
    with pytest.raises(SourceRefused, match="may not be read"):
        read_cloudwatch(source(CPU), window(), Cloud({"CPUUtilization": 1.0}, state="Forbidden"))
    with pytest.raises(SourceUnreachable, match=r"only in part \(InternalError\)"):
        read_cloudwatch(source(CPU), window(), Cloud({"CPUUtilization": 1.0}, state="InternalError"))
    with pytest.raises(SourceRefused, match="'bytes/300s' with the statistic Sum"):
        read_cloudwatch(source(OUT | {"unit": "bytes/300s"}), window(), Cloud({}))
    with pytest.raises(UnitUnclear, match="'percent' is not a unit of cpu"):
        read_cloudwatch(source(CPU | {"unit": "percent"}), window(), Cloud({}))
    with pytest.raises(FormChanged, match="more than 1000 pages"):
        read_cloudwatch(source(CPU), window(), lambda arguments: {"MetricDataResults": [], "NextToken": "again"})


anything = st.recursive(
    st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5), st.datetimes()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
results = st.lists(
    st.fixed_dictionaries(
        {
            "Id": st.sampled_from(["m0", "m1", "m-1", "x", ""]),
            "Timestamps": st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)), max_size=3),
            "Values": st.lists(st.floats(), max_size=3),
            "StatusCode": st.sampled_from(["Complete", "PartialData", "odd"]),
        }
    ),
    max_size=3,
)


@settings(max_examples=120, deadline=None)
@given(st.one_of(anything, st.fixed_dictionaries({"MetricDataResults": st.one_of(anything, results)})))
def test_no_answer_breaks_the_reader(answer):
    try:
        batch = read_cloudwatch(source(CPU), window(), lambda arguments: answer)
    except PrestageError:
        return
    assert (batch.measurements.value >= 0).all()


@pytest.fixture(scope="module")
def moto():
    with moto_server() as url:
        yield url


def test_get_metric_data_of_moto(moto, monkeypatch, tmp_path):
    for name, value in aws_environ().items():
        monkeypatch.setenv(name, value)
    account = Account(name="main", target=TargetName.AWS, id="123456789012", endpoint=moto)
    clients = aws_clients(account, "eu-central-1")
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    dimensions = [{"Name": "AutoScalingGroupName", "Value": "web"}]
    for minute in range(0, 120, 5):
        at = begin + timedelta(minutes=minute)
        values = ({"MetricName": "CPUUtilization", "Value": 50.0}, {"MetricName": "NetworkOut", "Value": 300 * 125e6})
        clients.call(
            "cloudwatch",
            "put_metric_data",
            Namespace="AWS/EC2",
            MetricData=[{**value, "Dimensions": dimensions, "Timestamp": at} for value in values],
        )
    hours = Window(int(begin.timestamp()), int(begin.timestamp()) + 3 * HOUR_S)
    environment = Environment(name="dev", accounts=(account,), regions=(RegionSettings(name="fra"),))
    reader = SourceReader(
        environment=environment, folder=tmp_path, state=tmp_path, clock=lambda: datetime.now(UTC), variables={}
    )
    batch = reader(source(CPU, OUT), hours)
    found = batch.measurements
    assert found.groupby("kind").value.apply(list).to_dict() == {"bandwidth": [1.0, 1.0], "cpu": [32.0, 32.0]}
    assert (found.covered == 1).all() and any("silent in 1 of 3 hours" in note for note in batch.notes)
