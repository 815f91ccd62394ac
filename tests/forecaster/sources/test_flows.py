"""Flow records as collectors write them, to traffic of pairs and blocks; sampling, hours, regions."""

import ipaddress
import os
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster.errors import ConflictingRows, FormChanged, SourceRefused
from forecaster.sources.flows.records import Reading
from forecaster.sources.flows.tally import Places, Tally
from forecaster.sources.routes.table import region_table
from tests.forecaster.sources.fakes import BEGIN, rows, window
from tests.forecaster.sources.flow_records import (
    BINNED,
    EPOCH,
    GOFLOW1,
    GOFLOW2,
    GOFLOW2_AGGREGATED,
    GOFLOW2_NETFLOW,
    MILLION_BYTES,
    OWN,
    PMACCT,
    PMACCT_CSV,
    RENORMALISED,
    flow,
    read,
    source,
)
from tests.forecaster.sources.mrt_bytes import dump, path, route


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


def test_now_is_when_the_fixtures_say():
    assert datetime.fromtimestamp(BEGIN, UTC) == datetime(2026, 3, 2, tzinfo=UTC)
