"""Prometheus without a server: pages, units, interfaces, and every way in which an answer can be wrong."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import PrestageError
from contracts.sources import PrometheusSource
from forecaster.errors import FormChanged, NothingMeasured, SourceRefused, SourceUnreachable, UnitUnclear
from forecaster.sources.prometheus.answers import TooMuch, matrix_of
from forecaster.sources.prometheus.reading import misspelt, read_prometheus
from tests.forecaster.sources.fakes import BEGIN, FakeWeb, Naps, door, reply, rows, scripted, window

CPU = {"kind": "cpu", "subject": "{region}", "unit": "vcpu", "query": "sum by (region) (cpu)"}


def source(**settings):
    return PrometheusSource.model_validate({"name": "prom", "url": "http://prometheus:9090", **settings})


def matrix(*series, warnings=()):
    result = [{"metric": labels, "values": values} for labels, values in series]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}, "warnings": list(warnings)}


def steady(value="2", labels=None):
    """A server on which every query has one series of one value."""

    def answer(ask):
        query = dict(ask.query)
        if "query" not in query:
            return reply({"status": "success", "data": ["ifHCInOctets"]})
        grid = range(int(query["start"]), int(query["end"]) + 1, int(query["step"]))
        return reply(matrix((labels or {"region": "fra"}, [[moment, value] for moment in grid])))

    return FakeWeb(answer)


def counting(per_second, *, reset_at=None, of=lambda query: True):
    """A server whose counters grow steadily; one that is asked for with rate() answers the rate."""

    def answer(ask):
        query = dict(ask.query)
        if not of(query["query"]):
            return reply(matrix())
        grid = range(int(query["start"]), int(query["end"]) + 1, int(query["step"]))
        if "rate(" in query["query"]:
            return reply(matrix(({}, [[moment, str(per_second)] for moment in grid])))
        since = [moment - (reset_at if reset_at and moment >= reset_at else 0) for moment in grid]
        values = [[moment, str(per_second * past)] for moment, past in zip(grid, since, strict=True)]
        return reply(matrix(({"ifName": "xe0"}, values)))

    return FakeWeb(answer)


def test_a_query_becomes_hours_of_its_subject():
    web = steady()
    batch = read_prometheus(source(queries=[CPU]), window(), door(web))
    assert rows(batch) == [("cpu", "fra", 0, 2.0, 1.0), ("cpu", "fra", 1, 2.0, 1.0)]
    assert batch.rows_read == 24
    asked = dict(web.asks[0].query)
    assert int(asked["start"]) == BEGIN + 300 and int(asked["end"]) == BEGIN + 7200  # values look back


def test_no_page_has_more_points_than_are_allowed():
    web = steady()
    batch = read_prometheus(source(queries=[CPU], step_seconds=60, page_points=50), window(), door(web))
    asked = [dict(ask.query) for ask in web.asks]
    assert len(asked) == 3 and all((int(one["end"]) - int(one["start"])) // 60 < 50 for one in asked)
    assert batch.rows_read == 120 and [row[4] for row in rows(batch)] == [1.0, 1.0]


def test_a_page_that_is_too_much_is_asked_for_in_halves():
    good = steady().answer

    def answer(ask):
        query = dict(ask.query)
        if int(query["end"]) - int(query["start"]) > 1200:
            text = "query processing would load too many samples into memory in query execution"
            return reply({"status": "error", "errorType": "execution", "error": text}, status=422)
        return good(ask)

    assert len(rows(read_prometheus(source(queries=[CPU]), window(), door(FakeWeb(answer))))) == 2
    refusing = FakeWeb(lambda ask: reply({"status": "error", "error": "too many samples"}, status=422))
    with pytest.raises(SourceRefused, match="asked too much at once"):
        read_prometheus(source(queries=[CPU]), window(), door(refusing))


def test_units_names_and_scale():
    query = CPU | {"unit": "millicores", "scale": 2, "names": {"eu-central-1": "fra"}}
    batch = read_prometheus(source(queries=[query]), window(1), door(steady("500", {"region": "eu-central-1"})))
    assert rows(batch)[0][1:4] == ("fra", 0, 1.0)
    users = {"kind": "transactions", "subject": "{job}@{region}", "unit": "count/s", "query": "sum(rate(x[5m]))"}
    batch = read_prometheus(source(queries=[users]), window(1), door(steady("2", {"job": "web", "region": "fra"})))
    assert rows(batch)[0][:4] == ("transactions", "web@fra", 0, 7200.0)
    with pytest.raises(UnitUnclear, match="did you mean 'vcpu'"):
        read_prometheus(source(queries=[CPU | {"unit": "vcpus"}]), window(), door(steady()))


@pytest.mark.parametrize("rate_by", ["prestage", "prometheus"])
def test_an_interface_counts_both_ways(rate_by):
    per_second = 1e9 / 8  # 1 gbit/s
    out = counting(per_second, of=lambda query: "Out" in query).answer
    back = counting(per_second / 2, of=lambda query: "In" in query).answer
    web = FakeWeb(lambda ask: (out if "Out" in dict(ask.query)["query"] else back)(ask))
    interfaces = [{"instance": "edge1.fra", "interface": 'xe-0/0/0 "x"', "pair": "fra->ams"}]
    batch = read_prometheus(source(interfaces=interfaces, counters={"rate_by": rate_by}), window(1), door(web))
    assert rows(batch) == [("traffic", "ams->fra", 0, 0.5, 1.0), ("traffic", "fra->ams", 0, 1.0, 1.0)]
    assert r'{instance="edge1.fra",ifName="xe-0/0/0 \"x\""}' in dict(web.asks[0].query)["query"]


def test_a_reset_is_told_and_its_step_left_out():
    interfaces = [{"instance": "edge1", "interface": "xe0", "region": "fra"}]
    web = counting(1e9 / 8, reset_at=BEGIN + 900)
    batch = read_prometheus(source(interfaces=interfaces), window(1), door(web))
    assert rows(batch) == [("bandwidth", "fra", 0, 2.0, round(11 / 12, 6))]
    assert any("began anew" in note for note in batch.notes)


def test_a_silent_direction_leaves_gaps_and_says_so():
    interfaces = [{"instance": "edge1", "interface": "xe0", "region": "fra"}]
    web = counting(1.0, of=lambda query: "Out" in query)
    batch = read_prometheus(source(interfaces=interfaces), window(1), door(web))
    assert rows(batch) == []
    assert "ifHCInOctets of edge1 xe0 is silent in 1 of 1 hours" in batch.notes[0]


def test_an_interface_that_was_renumbered_is_two_series():
    def answer(ask):
        query = dict(ask.query)
        grid = list(range(int(query["start"]), int(query["end"]) + 1, 300))
        early = [[moment, str(1e12 * index)] for index, moment in enumerate(grid[:7])]
        stale = [[grid[7], early[-1][1]]]
        late = [[moment, str(1e12 * index)] for index, moment in enumerate(grid[6:])]
        return reply(matrix(({"ifIndex": "1"}, early + stale), ({"ifIndex": "7"}, late)))

    interfaces = [{"instance": "edge1", "interface": "xe0", "pair": "fra->ams"}]
    batch = read_prometheus(source(interfaces=interfaces), window(1), door(FakeWeb(answer)))
    assert [row[3] for row in rows(batch)] == [round(8 * 1000 / 300, 9)] * 2
    assert [row[4] for row in rows(batch)] == [1.0, 1.0]


def test_nan_and_warnings_are_told():
    values = [[BEGIN + 300 * number, "NaN" if number == 2 else "3"] for number in range(1, 13)]
    web = FakeWeb(
        lambda ask: reply(
            matrix(({"region": "fra"}, values), warnings=["PromQL warning: metric might not be a counter"])
        )
    )
    batch = read_prometheus(source(queries=[CPU]), window(1), door(web))
    assert rows(batch) == [("cpu", "fra", 0, 3.0, round(11 / 12, 6))]
    assert batch.notes == (
        "the server warns: PromQL warning: metric might not be a counter",
        "cpu:fra: 1 values are NaN, infinite or negative: left as gaps",
    )


def test_an_answer_that_may_be_partial_is_kept_only_where_that_is_said():
    values = [[BEGIN + 300 * number, "3"] for number in range(1, 13)]
    web = FakeWeb(lambda ask: reply(matrix(({"region": "fra"}, values), warnings=["store 3: deadline exceeded"])))
    with pytest.raises(SourceUnreachable, match="part of the answer may be missing: store 3"):
        read_prometheus(source(queries=[CPU]), window(1), door(web))
    batch = read_prometheus(source(queries=[CPU], keep_partial=True), window(1), door(web))
    assert len(rows(batch)) == 1 and batch.notes == ("the server warns: store 3: deadline exceeded",)


def test_two_series_of_one_subject_are_refused():
    both = matrix(({"region": "fra", "pod": "a"}, [[BEGIN + 300, "1"]]), ({"region": "fra", "pod": "b"}, []))
    with pytest.raises(SourceRefused, match=r"two series of the query are cpu:fra") as refused:
        read_prometheus(source(queries=[CPU]), window(), door(FakeWeb(lambda ask: reply(both))))
    assert "sum by" in refused.value.next_step


def test_a_label_that_is_not_there_is_named():
    with pytest.raises(SourceRefused, match="no label 'region'; it has regin") as refused:
        read_prometheus(source(queries=[CPU]), window(), door(steady(labels={"regin": "fra"})))
    assert "did you mean 'regin'" in refused.value.next_step
    with pytest.raises(SourceRefused, match="'Frankfurt' is no subject of cpu") as refused:
        read_prometheus(source(queries=[CPU]), window(), door(steady(labels={"region": "Frankfurt"})))
    assert "names: {'Frankfurt': fra}" in refused.value.next_step


def test_nothing_measured_names_the_metric_that_was_meant():
    def answer(ask):
        if "query" in dict(ask.query):
            return reply(matrix())
        return reply({"status": "success", "data": ["up", "node_memory_used_bytes"]})

    query = CPU | {"query": "sum by (region) (node_memory_use_bytes)"}
    with pytest.raises(NothingMeasured, match=r"there is no metric 'node_memory_use_bytes', did you mean"):
        read_prometheus(source(queries=[query]), window(), door(FakeWeb(answer)))
    assert misspelt(["sum(rate(up[5m]))"], ("up",)) == ""


def test_one_unknown_metric_does_not_end_the_others():
    def answer(ask):
        query = dict(ask.query)
        return reply(matrix()) if "nothing" in query.get("query", "") else steady().answer(ask)

    batch = read_prometheus(source(queries=[CPU, CPU | {"query": "nothing_at_all"}]), window(1), door(FakeWeb(answer)))
    assert len(rows(batch)) == 1 and any("no series answers 'nothing_at_all'" in note for note in batch.notes)


UNHAPPY = [
    (reply("<html>login</html>", content_type="text/html"), FormChanged, "text/html"),
    (reply("{}"), FormChanged, "not one of Prometheus"),
    (reply(b""), FormChanged, "0 bytes"),
    (reply({"status": "success", "data": {"resultType": "vector", "result": []}}), FormChanged, "matrix"),
    (reply(matrix(({}, [[2, "1"], [1, "1"]]))), FormChanged, "do not ascend"),
    (reply(matrix(({}, [[2, "one"]]))), FormChanged, "not one of Prometheus"),
    (reply("nothing here", status=404), FormChanged, "404"),
    (reply({"status": "error", "errorType": "bad_data", "error": "parse error"}, 400), SourceRefused, "parse error"),
    (reply("no", status=401), SourceRefused, "credentials"),
]


@pytest.mark.parametrize(("answer", "error", "said"), UNHAPPY)
def test_answers_that_are_none(answer, error, said):
    with pytest.raises(error, match=said) as raised:
        read_prometheus(source(queries=[CPU]), window(), door(FakeWeb(lambda ask: answer)))
    assert "prom" in raised.value.where


def test_an_overloaded_server_is_asked_again_as_it_wishes():
    naps = Naps()
    trouble = (reply("busy", status=429, retry_after="7"), reply("", status=503), SourceUnreachable("cut off"))
    web = scripted([*trouble, steady().answer(_ask())])
    batch = read_prometheus(source(queries=[CPU]), window(1), door(web, naps))
    assert len(rows(batch)) == 1 and len(naps.taken) == 3 and naps.taken[0] >= 7


def test_a_server_that_stays_down_is_told():
    naps = Naps()
    web = FakeWeb(lambda ask: reply("", status=502))
    with pytest.raises(SourceUnreachable, match="answers 502"):
        read_prometheus(source(queries=[CPU]), window(1), door(web, naps))
    assert len(web.asks) == 5 and len(naps.taken) == 4


def _ask():
    from forecaster.sources.web import Ask

    query = (("query", "x"), ("start", str(BEGIN + 300)), ("end", str(BEGIN + 3600)), ("step", "300"))
    return Ask(url="http://prometheus", query=query)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
pairs = st.lists(st.tuples(st.one_of(st.integers(0, 2**40), st.floats(), json_values), json_values), max_size=4)
shaped = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["success", "error", "x"]),
        "data": st.one_of(
            json_values,
            st.fixed_dictionaries(
                {
                    "resultType": st.sampled_from(["matrix", "vector"]),
                    "result": st.lists(st.fixed_dictionaries({"metric": json_values, "values": pairs}), max_size=3),
                }
            ),
        ),
    }
)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), shaped.map(lambda value: json.dumps(value).encode())),
    st.sampled_from([200, 400, 422]),
)
def test_no_answer_breaks_the_reader(body, status):
    try:
        found = matrix_of(reply(body, status), where="fuzz")
    except (PrestageError, TooMuch):
        return
    assert all(len(item.times) == len(item.values) for item in found.series)
