"""Flow records as collectors write them, to traffic of pairs and blocks; sampling, hours, regions, damage."""

import gzip
import ipaddress
import json
import os
import zoneinfo
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import PrestageError
from contracts.sources import FlowSource
from forecaster.errors import ConflictingRows, FormChanged, MalformedFile, NothingMeasured, SourceRefused
from forecaster.sources.flows.lines import Lines
from forecaster.sources.flows.reading import read_flows
from forecaster.sources.flows.records import BadRecord, Flow, Reading, flow_of
from forecaster.sources.flows.tally import Places, Tally
from forecaster.sources.routes.table import region_table
from tests.forecaster.sources.fakes import BEGIN, rows, window
from tests.forecaster.sources.mrt_bytes import dump, path, route

OWN = tuple(
    (ipaddress.ip_network(prefix), region)
    for prefix, region in (("10.16.0.0/16", "fra"), ("10.17.0.0/16", "ams"), ("2001:db8:10::/48", "fra"))
)

# As nfacctd 1.7.7 wrote them: NetFlow v5 of a router that samples 1 in 100; then the same, renormalised by pmacct.
PMACCT = {
    "event_type": "purge", "as_src": 64512, "as_dst": 64513, "peer_ip_src": "192.168.0.1", "ip_src": "10.16.0.5",
    "ip_dst": "10.17.0.9", "sampling_rate": 100, "timestamp_start": "2026-03-02 00:10:00.000000",
    "timestamp_end": "2026-03-02 00:58:20.000000", "stamp_inserted": "2026-03-02 00:05:00",
    "stamp_updated": "2026-11-21 09:35:43", "packets": 10, "bytes": 10000,
}  # fmt: skip
RENORMALISED = PMACCT | {"sampling_rate": 1, "packets": 1000, "bytes": 1000000}
EPOCH = PMACCT | {"timestamp_start": "1772410200.000000", "timestamp_end": "1772413100.000000"}
BINNED = {
    "event_type": "purge", "net_src": "10.16.0.0", "net_dst": "10.17.0.0", "mask_src": 24, "mask_dst": 24,
    "stamp_inserted": "2026-03-02T00:05:00Z", "stamp_updated": "2026-11-21T09:35:51Z", "packets": 30, "bytes": 1000000,
}  # fmt: skip
# pmacctd, CSV: the end of a flow that has not ended is all zeros.
PMACCT_CSV = (
    "SRC_AS,DST_AS,PEER_SRC_IP,SRC_IP,SRC_NET,DST_IP,DST_NET,SRC_MASK,DST_MASK,SAMPLING_RATE,"
    "TIMESTAMP_START,TIMESTAMP_END,PACKETS,BYTES\n"
    "64512,64513,,10.16.0.5,10.16.0.0,10.17.0.9,10.17.0.0,24,24,1,"
    "2026-03-02 00:00:30.000000,0000-00-00 00:00:00.000000,1,1000000\n"
)
# goflow2 2.2.6, without the fields that nobody asks for. sFlow has no duration; NetFlow says begin and end.
GOFLOW2 = {
    "type": "SFLOW_5", "time_received_ns": 1772410200157626000, "sequence_num": 2999, "sampling_rate": 1000,
    "sampler_address": "192.168.0.1", "time_flow_start_ns": 1772410200157626000,
    "time_flow_end_ns": 1772410200157626000, "bytes": 1000, "packets": 1, "src_addr": "10.16.0.5",
    "dst_addr": "10.17.0.9", "etype": "IPv4", "proto": "TCP", "src_as": 0, "dst_as": 0, "next_hop": "",
    "src_net": "0.0.0.0/0", "dst_net": "0.0.0.0/0", "as_path": [], "layer_stack": ["Ethernet", "IPv4", "UDP"],
}  # fmt: skip
GOFLOW2_NETFLOW = {
    "type": "NETFLOW_V5", "time_received_ns": 1795253923915692893, "sequence_num": 0, "sampling_rate": 100,
    "sampler_address": "127.0.0.1", "time_flow_start_ns": 1772410200000000000,
    "time_flow_end_ns": 1772413100000000000, "bytes": 10000, "packets": 10, "src_addr": "10.16.0.5",
    "dst_addr": "10.17.0.9", "src_as": 64512, "dst_as": 64513, "src_net": "10.16.0.0/24", "dst_net": "10.17.0.0/24",
    "as_path": [],
}  # fmt: skip
GOFLOW2_AGGREGATED = GOFLOW2_NETFLOW | {"src_addr": "", "dst_addr": ""}
# goflow2 version 1.
GOFLOW1 = {
    "Type": "NETFLOW_V9", "TimeReceived": 1772410500, "SamplingRate": 0, "SamplerAddress": "192.168.0.1",
    "TimeFlowStart": 1772410200, "TimeFlowEnd": 1772410500, "Bytes": 1000000, "Packets": 1,
    "SrcAddr": "10.16.0.5", "DstAddr": "10.17.0.9", "SrcNet": 24, "DstNet": 24,
}  # fmt: skip
MILLION_BYTES = 1e6 * 8 / 3600 / 1e9
"""gbit/s, over an hour."""


def source(**settings):
    plain = {"name": "flows", "files": ["*.json", "*.csv", "*.gz"], "timezone": "UTC", "block_length": 0}
    return FlowSource.model_validate(plain | settings)


def flow(record, reading) -> Flow:
    found = flow_of(record, reading)
    assert found is not None
    return found


def read(folder, *records, hours=2, own=OWN, **settings):
    text = "".join(record if isinstance(record, str) else json.dumps(record) + "\n" for record in records)
    (folder / "flows.json").write_text(text)
    return read_flows(source(**settings), window(hours), own, folder)


@pytest.mark.parametrize(
    "record",
    [PMACCT, RENORMALISED, EPOCH, BINNED, PMACCT_CSV, GOFLOW2, GOFLOW2_NETFLOW, GOFLOW2_AGGREGATED, GOFLOW1],
    ids=lambda r: str(r)[:30],
)
def test_each_form_is_a_million_bytes_of_one_pair(tmp_path, record):
    batch = read(tmp_path, record)
    assert [row[:3] for row in rows(batch)] == [("traffic", "fra->ams", 0)]
    assert batch.measurements.value[0] == pytest.approx(MILLION_BYTES, rel=1e-9)
    assert batch.rows_read == 1


def test_a_flow_is_spread_over_the_hours_it_lasted(tmp_path):
    long = PMACCT | {"timestamp_start": "2026-03-01 23:30:00", "timestamp_end": "2026-03-02 01:30:00"}
    values = read(tmp_path, long, hours=3).measurements.value
    assert values.tolist() == pytest.approx([MILLION_BYTES / 2, MILLION_BYTES / 4])  # a quarter was before


def test_blocks_count_both_directions_and_own_prefixes_only(tmp_path):
    foreign = RENORMALISED | {"ip_src": "203.0.113.9", "ip_dst": "10.16.0.77"}
    batch = read(tmp_path, RENORMALISED, foreign, block_length=24)
    found = {row[1]: row[3] for row in rows(batch) if row[0] == "block_traffic"}
    assert found == {
        "10.16.0.0/24": pytest.approx(2 * MILLION_BYTES, abs=1e-9),
        "10.17.0.0/24": pytest.approx(MILLION_BYTES, abs=1e-9),
    }
    assert any("lie in no region: 203.0.0.0/16" in note for note in batch.notes)


def test_blocks_of_ipv6_and_of_prefixes_longer_than_a_block(tmp_path):
    own = (*OWN, (ipaddress.ip_network("198.51.100.64/28"), "fra"))
    six = RENORMALISED | {"ip_src": "2001:db8:10:1::5", "ip_dst": "198.51.100.70"}
    batch = read(tmp_path, six, own=own, block_length=24, block_length_v6=56)
    assert {row[1] for row in rows(batch)} == {"2001:db8:10::/56", "198.51.100.64/28"}
    with pytest.raises(SourceRefused, match="2 address blocks, more than 1"):
        read(tmp_path, six, own=own, block_length=24, block_length_v6=56, max_blocks=1)


def test_an_hour_without_flows_is_a_gap_and_a_pair_without_flows_had_none(tmp_path):
    third = EPOCH | {"timestamp_start": str(BEGIN + 7300), "timestamp_end": str(BEGIN + 7400), "sampling_rate": 1}
    back = third | {"ip_src": "10.17.0.9", "ip_dst": "10.16.0.5"}
    found = rows(read(tmp_path, PMACCT, back, hours=4))
    assert [(row[1], row[2], row[3] > 0) for row in found] == [
        ("ams->fra", 0, False),
        ("ams->fra", 2, True),
        ("fra->ams", 0, True),
        ("fra->ams", 2, False),
    ]


def test_a_collector_that_began_in_mid_hour_covers_the_rest_of_it(tmp_path):
    times = range(BEGIN + 1800, BEGIN + 7200, 10)
    flows = [EPOCH | {"timestamp_start": str(t), "timestamp_end": str(t), "sampling_rate": 1} for t in times]
    first, second = rows(read(tmp_path, *flows))
    assert first[4] == pytest.approx(0.5, abs=0.01) and second[4] == 1.0
    assert first[3] == pytest.approx(second[3], rel=0.02)


def test_traffic_within_a_region_is_no_pairs(tmp_path):
    inside = PMACCT | {"ip_dst": "10.16.200.1"}
    batch = read(tmp_path, PMACCT, inside)
    assert len(rows(batch)) == 1 and "50.0% of bytes stay in their region: not traffic of a pair" in batch.notes


def test_only_exporters_that_are_named_count(tmp_path):
    twice = [PMACCT, PMACCT | {"peer_ip_src": "192.168.0.2"}]
    batch = read(tmp_path, *twice)
    assert batch.rows_read == 2 and any("2 exporters" in note for note in batch.notes)
    assert read(tmp_path, *twice, exporters=["192.168.0.1"]).rows_read == 1


def test_a_rate_that_is_not_stated_is_the_sources(tmp_path):
    unsaid = {name: value for name, value in PMACCT.items() if name != "sampling_rate"}
    batch = read(tmp_path, unsaid, sampling_rate=100)
    assert batch.measurements.value[0] == pytest.approx(MILLION_BYTES)


def test_systems_stand_in_for_addresses(tmp_path):
    bare = {name: value for name, value in PMACCT.items() if not name.startswith("ip_")}
    batch = read(tmp_path, bare, as_regions={64512: "nyc", 64513: "chi"})
    assert rows(batch)[0][1] == "nyc->chi"


def test_a_local_time_needs_its_zone(tmp_path):
    berlin = read(
        tmp_path,
        PMACCT | {"timestamp_start": "2026-03-02 01:10:00", "timestamp_end": "2026-03-02 01:20:00"},
        timezone="Europe/Berlin",
    )
    assert rows(berlin)[0][2] == 0
    with pytest.raises(FormChanged, match="has no time zone: set timezone, or timestamps_utc in pmacct"):
        read(tmp_path, PMACCT, timezone=None)


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


def test_prefixes_of_a_file(tmp_path):
    (tmp_path / "prefixes.csv").write_text("prefix,region\n10.16.0.0/24,mad\n")
    batch = read(tmp_path, PMACCT, prefixes="prefixes.csv", files=["*.json"])
    assert rows(batch)[0][1] == "mad->ams"  # the longer prefix
    (tmp_path / "prefixes.csv").write_text("prefix,region\n10.16.0.0/16,mad\n")
    with pytest.raises(ConflictingRows, match=r"10\.16\.0\.0/16 lies in fra and in mad"):
        read(tmp_path, PMACCT, prefixes="prefixes.csv", files=["*.json"])


def test_origins_of_the_newest_table_dump(tmp_path):
    for age, name, origin in ((0, "bview.1", 64513), (100, "bview.2", 64512)):
        (tmp_path / name).write_bytes(dump(route("10.17.0.0/16", path(origin)), route("10.16.0.0/16", path(64514))))
        os.utime(tmp_path / name, (BEGIN - age, BEGIN - age))
    regions = {64512: "old", 64513: "ams", 64514: "fra"}
    batch = read(tmp_path, PMACCT, own=(), table_dumps=["bview.*"], as_regions=regions)
    assert rows(batch)[0][1] == "fra->ams" and "bview.1: 2 prefixes with an origin" in batch.notes


flow_times = st.tuples(st.integers(-7200, 4 * 3600), st.integers(0, 5 * 3600), st.integers(1, 10**9))


@given(st.lists(flow_times, min_size=1, max_size=30))
def test_no_byte_is_lost_or_doubled(flows):
    """Whatever lies within the window is counted once: against a second-by-second oracle's total."""
    tally = Tally(source(), window(3), Places(own=region_table(OWN, where="test")))
    expected = 0.0
    for begin, length, amount in flows:
        record = EPOCH | {"timestamp_start": str(BEGIN + begin), "timestamp_end": str(BEGIN + begin + length)}
        tally.add(flow(record | {"bytes": amount, "sampling_rate": 1}, Reading()))
        inside = max(0, min(begin + length, 3 * 3600) - max(begin, 0))
        expected += amount * (inside / length if length else float(0 <= begin < 3 * 3600))
    counted = sum(float(total.sum()) for total in tally.pairs.values())
    assert counted == pytest.approx(expected, rel=1e-9, abs=1e-6)


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


def test_now_is_when_the_fixtures_say():
    assert datetime.fromtimestamp(BEGIN, UTC) == datetime(2026, 3, 2, tzinfo=UTC)
