"""A real Prometheus server: what it answers of counters, queries, pages and misspelt metrics."""

import time
from datetime import UTC, datetime

import pytest

from contracts.sources import PrometheusSource
from forecaster.errors import NothingMeasured, SourceRefused, SourceUnreachable
from forecaster.sources.prometheus.reading import read_prometheus
from forecaster.sources.web import Credentials, Door, RequestsWeb
from forecaster.sources.window import Window
from tests.forecaster.sources.fakes import BEGIN, Naps, rows
from tests.forecaster.sources.prometheus_server import need_prometheus, prometheus_server

HOURS = 48
SCRAPE_S = 60
OUT_GBPS, IN_GBPS = 4.0, 1.0
RESET_AT = BEGIN + 5 * 3600 + 1500  # the router restarts
DOWN = (BEGIN + 8 * 3600, BEGIN + 10 * 3600)  # the exporter does not answer
WRAP_AT = BEGIN + 3600


def openmetrics():
    """Counters of an interface, a 32-bit one that wraps, and gauges of two regions."""
    times = list(range(BEGIN - 600, BEGIN + HOURS * 3600 + 1, SCRAPE_S))
    up = [time_ for time_ in times if not DOWN[0] <= time_ < DOWN[1]]
    edge = 'instance="edge1",ifName="xe-0/0/0",ifIndex="7"'
    for metric, gbps in (("ifHCOutOctets", OUT_GBPS), ("ifHCInOctets", IN_GBPS)):
        yield f"# TYPE {metric} unknown"
        for time_ in up:
            since = time_ - (RESET_AT if time_ >= RESET_AT else BEGIN - 600)
            yield f"{metric}{{{edge}}} {int(gbps * 1e9 / 8 * since)} {time_}"
    for metric in ("ifInOctets", "ifOutOctets"):
        yield f"# TYPE {metric} unknown"
        for time_ in times:
            yield f'{metric}{{instance="old",ifName="fe0"}} {int(1e6 * (time_ - BEGIN + 600)) % 2**32} {time_}'
    yield "# TYPE cpu_busy gauge"
    for region, level in (("fra", 30), ("ams", 10)):
        for time_ in times:
            yield f'cpu_busy{{region="{region}"}} {level + time_ // 3600 % 24} {time_}'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    need_prometheus()
    with prometheus_server(tmp_path_factory.mktemp("prometheus"), openmetrics()) as url:
        yield url


@pytest.fixture
def door():
    web = RequestsWeb(credentials=Credentials())
    yield Door(web=web, clock=lambda: datetime.now(UTC), sleep=Naps())
    web.close()


def read(server, door, **settings):
    hours = settings.pop("hours", HOURS)
    source = PrometheusSource.model_validate({"name": "prom", "url": server, **settings})
    return read_prometheus(source, Window(BEGIN, BEGIN + hours * 3600), door)


EDGE = {"instance": "edge1", "interface": "xe-0/0/0", "pair": "fra->ams"}


def test_counters_of_an_interface(server, door):
    batch = read(server, door, interfaces=[EDGE])
    found = {(row[1], row[2]): row[3:] for row in rows(batch)}
    assert found["fra->ams", 0] == (OUT_GBPS, 1.0) and found["ams->fra", 0] == (IN_GBPS, 1.0)
    assert found["fra->ams", 5] == (OUT_GBPS, round(11 / 12, 6))  # the step of the restart is left out
    assert ("fra->ams", 9) not in found and found["fra->ams", 11] == (OUT_GBPS, 1.0)
    assert found.pop(("fra->ams", 7))[0] == pytest.approx(OUT_GBPS, rel=0.02)  # its last sample is a minute old
    assert found.pop(("ams->fra", 7))[0] == pytest.approx(IN_GBPS, rel=0.02)
    assert {value for value, _ in found.values()} == {OUT_GBPS, IN_GBPS}
    assert any("began anew" in note for note in batch.notes) and any("silent in" in note for note in batch.notes)


def test_a_reset_by_the_servers_rate(server, door):
    batch = read(server, door, interfaces=[EDGE], counters={"rate_by": "prometheus"}, hours=6)
    found = {(row[1], row[2]): row[3] for row in rows(batch)}
    assert found["fra->ams", 0] == pytest.approx(OUT_GBPS, rel=1e-6)
    assert found["fra->ams", 5] == pytest.approx(OUT_GBPS, rel=0.02)


def test_a_counter_of_32_bits_wraps(server, door):
    old = {"instance": "old", "interface": "fe0", "region": "fra"}
    names = {"received": "ifInOctets", "sent": "ifOutOctets", "bits": 32, "max_gbps": 0.1}
    batch = read(server, door, interfaces=[old], counters=names, hours=6)
    assert [row[3] for row in rows(batch)] == [0.016] * 6  # a megabyte a second, in and out
    assert any("went over its end" in note for note in batch.notes)


def test_queries_in_pages(server, door):
    query = {"kind": "cpu", "subject": "{region}", "unit": "vcpu", "query": "avg_over_time(cpu_busy[5m])"}
    whole = read(server, door, queries=[query])
    paged = read(server, door, queries=[query], page_points=100)
    assert whole.measurements.equals(paged.measurements) and len(rows(whole)) == 2 * HOURS
    hour = BEGIN // 3600 % 24
    assert {row[1]: round(row[3]) for row in rows(whole) if row[2] == 3} == {"fra": 30 + hour + 3, "ams": 10 + hour + 3}


def test_the_server_itself_refuses_longer_pages(server, door):
    """11,000 points are its limit, which is why we page."""
    query = {"kind": "cpu", "subject": "{region}", "unit": "vcpu", "query": "cpu_busy"}
    batch = read(server, door, queries=[query], step_seconds=10, page_points=11_000)
    assert batch.rows_read == 2 * HOURS * 360


def test_misspelt_and_malformed_queries(server, door):
    query = {"kind": "cpu", "subject": "{region}", "unit": "vcpu", "query": "sum by (region) (cpu_buzy)"}
    with pytest.raises(NothingMeasured, match="no metric 'cpu_buzy', did you mean 'cpu_busy'"):
        read(server, door, queries=[query])
    with pytest.raises(SourceRefused, match="parse error"):
        read(server, door, queries=[query | {"query": "sum by (region"}])


def test_a_server_with_little_memory_is_asked_for_less(tmp_path, door):
    need_prometheus()
    lines = [f'busy{{region="fra"}} 1 {time_}' for time_ in range(BEGIN, BEGIN + 6 * 3600 + 1, 60)]
    query = {"kind": "cpu", "subject": "{region}", "unit": "vcpu", "query": "busy"}
    with prometheus_server(tmp_path, ["# TYPE busy gauge", *lines], "--query.max-samples=20") as url:
        batch = read(url, door, queries=[query], hours=6)
    assert [row[2:] for row in rows(batch)] == [(hour, 1.0, 1.0) for hour in range(6)]


def test_a_server_that_is_down(door):
    began = time.monotonic()
    query = {"kind": "cpu", "subject": "fra", "unit": "vcpu", "query": "up"}
    with pytest.raises(SourceUnreachable, match="refused"):
        read("http://127.0.0.1:9", door, queries=[query])
    assert time.monotonic() - began < 5
