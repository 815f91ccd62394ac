"""Files of flow records: packed, old, unfinished, damaged; what is wrong with a record is said."""

import gzip
import json
import os
import zoneinfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import PrestageError
from forecaster.errors import FormChanged, MalformedFile, NothingMeasured
from forecaster.sources.flows.lines import Lines
from forecaster.sources.flows.reading import read_flows
from forecaster.sources.flows.records import BadRecord, Reading, flow_of
from forecaster.sources.flows.tally import Places, Tally
from forecaster.sources.routes.table import region_table
from tests.forecaster.sources.fakes import BEGIN, rows, window
from tests.forecaster.sources.flow_records import (
    EPOCH,
    GOFLOW1,
    GOFLOW2,
    OWN,
    PMACCT,
    PMACCT_CSV,
    flow,
    read,
    source,
)


def test_files_of_a_collector_packed_and_old(tmp_path):
    line = (json.dumps(PMACCT) + "\n").encode()
    (tmp_path / "a.gz").write_bytes(gzip.compress(line))
    (tmp_path / "b.json").write_bytes(line)
    old = tmp_path / "c.json"
    old.write_bytes(line)
    os.utime(old, (BEGIN - 1, BEGIN - 1))  # written before the window: nothing of it can be in it
    batch = read_flows(source(), window(), OWN, tmp_path)
    assert batch.rows_read == 2
    (tmp_path / "a.gz").write_bytes(gzip.compress(line * 1000)[:-9])
    with pytest.raises(MalformedFile, match=r"a\.gz: cannot be read whole"):
        read_flows(source(), window(), OWN, tmp_path)


def test_marks_headers_and_an_unfinished_line(tmp_path):
    marks = (
        "--START (1772409600)--\n",
        {"event_type": "purge_init", "writer_pid": 1},
        PMACCT,
        {"event_type": "purge_close"},
    )
    batch = read(tmp_path, *marks, '{"bytes": 12')
    assert batch.rows_read == 1
    assert batch.notes == ("flows.json: its last line is not finished: left for the next time",)
    assert read(tmp_path, PMACCT_CSV, PMACCT_CSV).rows_read == 2


def test_a_bad_line_is_told_and_many_are_another_form(tmp_path):
    batch = read(tmp_path, *[PMACCT] * 99, "{ nonsense\n")
    assert batch.rows_read == 99 and "line 100: Expecting property name" in batch.notes[0]
    with pytest.raises(FormChanged, match=r"5 of 104 lines are no flow records; line 100: has no bytes; it has octet"):
        read(tmp_path, *[PMACCT] * 99, *[{"octet": 5}] * 5)
    with pytest.raises(FormChanged, match="neither JSON nor a row below a header"):
        read(tmp_path, "hello world\n")
    with pytest.raises(FormChanged, match="longer than"):
        read(tmp_path, "x" * (1 << 20))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bytes": -5}, "bytes is -5"),
        ({"bytes": "many"}, "bytes is 'many'"),
        ({"bytes": None}, "bytes is"),
        ({"bytes": 1e30}, "bytes is"),
        ({"ip_src": "10.16.0.256"}, "no address"),
        ({"timestamp_end": "yesterday-ish"}, "no time"),
        ({"timestamp_end": 1e18 * 10}, "time is"),
        ({"sampling_rate": "x"}, "sampling rate"),
    ],
)
def test_what_is_wrong_with_a_record_is_said(change, said):
    with pytest.raises(BadRecord, match=said):
        flow_of(PMACCT | change, Reading(zone=zoneinfo.ZoneInfo("UTC")))


def test_times_that_cannot_be():
    reading = Reading()
    unset = GOFLOW2 | {"time_flow_start_ns": 0, "time_flow_end_ns": 0}
    assert flow(unset, reading).end_s == pytest.approx(1772410200.157626)  # when it was received
    turned = EPOCH | {"timestamp_end": "1772410100"}
    assert (flow(turned, reading).begin_s, flow(turned, reading).end_s) == (1772410100, 1772410100)
    endless = EPOCH | {"timestamp_start": "1262304000"}
    assert flow(endless, reading).begin_s == 1772413100


def test_nothing_to_read_is_said(tmp_path):
    with pytest.raises(NothingMeasured, match=r"no file fits \*\.json"):
        read_flows(source(), window(), OWN, tmp_path)
    with pytest.raises(
        NothingMeasured, match=r"none of 1 flows lies in a known region; most bytes are of 10\.16\.0\.0/16"
    ):
        read(tmp_path, PMACCT, own=())
    late = EPOCH | {"timestamp_start": str(BEGIN + 90000), "timestamp_end": str(BEGIN + 90000)}
    quiet = read(tmp_path, late)
    assert rows(quiet) == [] and "no flow of" in quiet.notes[0]


cells = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.lists(st.integers(), max_size=2)
)
names = st.sampled_from([*PMACCT, *GOFLOW2, *GOFLOW1, "x"])


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.just(PMACCT), st.just(GOFLOW2), st.just(GOFLOW1)), st.dictionaries(names, cells, max_size=5))
def test_no_record_breaks_the_reader(base, change):
    try:
        flow = flow_of(base | change, Reading())
    except BadRecord:
        return
    if flow is not None:
        assert flow.begin_s <= flow.end_s and flow.bytes >= 0
        Tally(source(block_length=24), window(), Places(own=region_table(OWN, where="t"))).add(flow)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.one_of(st.binary(max_size=60), st.just(json.dumps(GOFLOW2).encode()), st.just(PMACCT_CSV.encode())),
        max_size=8,
    )
)
def test_no_file_breaks_the_reader(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("fuzz") / "flows.json"
    path.write_bytes(b"\n".join(pieces))
    lines = Lines(path)
    try:
        flows = list(lines.flows(Reading(zone=None)))
    except PrestageError as error:
        assert "flows.json" in error.render()
    else:
        assert len(flows) <= lines.good
