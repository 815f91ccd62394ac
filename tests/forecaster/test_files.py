"""Files in: each table, units, time zones, samples to hours; and each way in which a file is refused."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.errors import (
    ConflictingRows,
    FileRefused,
    MalformedFile,
    TimeUnclear,
    UnitUnclear,
    UnknownColumn,
)
from forecaster.sources.files import ImportOptions, read_file
from forecaster.sources.tables import Table

TRAFFIC = "time,source,destination,value\n"
GOOD = TRAFFIC + "2026-01-05T00:00Z,fra,ams,2000\n2026-01-05T01:00Z,fra,ams,4000\n"
UTILISATION = "time,region,metric,value\n"


def read(folder: Path, text: str | bytes, table: Table = Table.TRAFFIC, **options: str):
    path = folder / "telemetry.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    if table is Table.TRAFFIC:
        options = {"unit": "mbps", **options}
    return read_file(path, ImportOptions(table=table, **options))


def rows(batch) -> list[tuple[str, str, str, float]]:
    frame = batch.measurements
    return [
        (kind, subject, time.strftime("%m-%d %H"), round(value, 9))
        for kind, subject, time, value in zip(frame.kind, frame.subject, frame.time, frame.value, strict=True)
    ]


def test_traffic_in_canonical_units(tmp_path):
    batch = read(tmp_path, GOOD)
    assert rows(batch) == [("traffic", "fra->ams", "01-05 00", 2.0), ("traffic", "fra->ams", "01-05 01", 4.0)]
    assert batch.rows_read == 2 and batch.notes == ()


def test_the_unit_column_states_the_unit(tmp_path):
    text = "time,source,destination,value,unit\n2026-01-05T00:00Z,fra,ams,1,GBps\n"
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert read_file(path, ImportOptions(table=Table.TRAFFIC)).measurements.value.tolist() == [8.0]


def test_utilisation_knows_its_own_units_but_for_bandwidth(tmp_path):
    text = UTILISATION + "2026-01-05T00:00Z,fra,cpu,12\n2026-01-05T00:00Z,fra,memory,64\n"
    assert [row[0] for row in rows(read(tmp_path, text, Table.UTILISATION))] == ["cpu", "memory"]
    text += "2026-01-05T00:00Z,fra,bandwidth,900\n"
    with pytest.raises(UnitUnclear, match="no unit is stated for bandwidth"):
        read(tmp_path, text, Table.UTILISATION)
    with_unit = read(tmp_path, text, Table.UTILISATION, unit="mbps")
    assert rows(with_unit)[0] == ("bandwidth", "fra", "01-05 00", 0.9)


def test_telemetry_and_blocks(tmp_path):
    text = "time,region,service,metric,value\n2026-01-05T00:00Z,fra,web,users,5\n"
    assert rows(read(tmp_path, text, Table.TELEMETRY))[0][:2] == ("users", "web@fra")
    text = "time,prefix,value\n2026-01-05T00:00Z,10.0.0.0/24,5\n"
    assert rows(read(tmp_path, text, Table.BLOCKS, unit="gbps"))[0][:2] == ("block_traffic", "10.0.0.0/24")


def test_requests_count_addresses_of_a_prefix(tmp_path):
    text = "time,source,destination,vcpu,prefix_length\n2026-01-05T10:37Z,fra,ams,4,28\n2026-01-05T10:37Z,fra,ams,2,\n"
    asked = read(tmp_path, text, Table.REQUESTS).requests
    assert asked.vcpu.tolist() == [2, 4] and asked.addresses.tolist() == [1, 16] and asked.ordinal.tolist() == [0, 1]


def test_quarter_hours_average_rates_and_sum_counts(tmp_path):
    quarters = [f"2026-01-05T00:{minute:02}Z" for minute in (0, 15, 30, 45)] + ["2026-01-05T01:00Z"]
    text = TRAFFIC + "".join(f"{time},fra,ams,{1000 * n}\n" for n, time in enumerate(quarters, 1))
    assert [row[3] for row in rows(read(tmp_path, text))] == [2.5, 5.0]
    header = "time,region,service,metric,value\n"
    counted = header + "".join(f"{time},fra,web,transactions,{n}\n" for n, time in enumerate(quarters, 1))
    batch = read(tmp_path, counted, Table.TELEMETRY)
    assert [row[3] for row in rows(batch)] == [10.0, 20.0]  # the second hour is covered by a quarter
    assert batch.measurements.covered.tolist() == [1.0, 0.25]
    assert any("partly covered" in note for note in batch.notes)


def test_empty_values_are_gaps_and_equal_repeats_are_dropped(tmp_path):
    text = GOOD + "2026-01-05T01:00Z,fra,ams,4000\n2026-01-05T02:00Z,fra,ams,\n"
    batch = read(tmp_path, text)
    assert len(batch.measurements) == 2 and len(batch.notes) == 2


def test_a_repeated_local_hour_is_told_apart_by_order(tmp_path):
    local = ["00:00", "01:00", "02:00", "02:00", "03:00"]  # Berlin, clock back from 03:00 to 02:00
    text = TRAFFIC + "".join(f"2026-10-25T{time},fra,ams,{n}000\n" for n, time in enumerate(local))
    batch = read(tmp_path, text, timezone="Europe/Berlin")
    assert [row[2:] for row in rows(batch)] == [
        ("10-24 22", 0.0),
        ("10-24 23", 1.0),
        ("10-25 00", 2.0),
        ("10-25 01", 3.0),
        ("10-25 02", 4.0),
    ]


def test_quarter_hours_of_a_repeated_hour(tmp_path):
    minutes = [0, 15, 30, 45]
    local = [f"02:{m:02}" for m in minutes] * 2
    text = TRAFFIC + "".join(f"2026-10-25T{time},fra,ams,{1000 * (1 + n // 4)}\n" for n, time in enumerate(local))
    assert [row[2:] for row in rows(read(tmp_path, text, timezone="Europe/Berlin"))] == [
        ("10-25 00", 1.0),
        ("10-25 01", 2.0),
    ]


def test_a_local_hour_that_never_was(tmp_path):
    text = TRAFFIC + "2026-03-29T01:00,fra,ams,1\n2026-03-29T02:00,fra,ams,1\n"
    with pytest.raises(TimeUnclear, match=r"line 3.*never was"):
        read(tmp_path, text, timezone="Europe/Berlin")


def test_offsets_are_followed_whatever_zone_is_stated(tmp_path):
    text = TRAFFIC + "2026-01-05T01:00+01:00,fra,ams,1\n2026-01-05 02:00:00,fra,ams,2\n"
    assert [row[2] for row in rows(read(tmp_path, text, timezone="Europe/Berlin"))] == ["01-05 00", "01-05 01"]


REFUSED = [
    ("", MalformedFile, ["is empty"]),
    (TRAFFIC, MalformedFile, ["no rows"]),
    (GOOD[:-4], MalformedFile, ["line 3", "cut off"]),
    (GOOD + "2026-01-05T02:00Z,fra\n", MalformedFile, ["line 4", "2 cells", "4 cells"]),
    (GOOD + "2026-01-05T02:00Z,fra,ams,1,2\n", MalformedFile, ["line 4", "5 cells"]),
    (GOOD + '2026-01-05T02:00Z,"fra,ams,1\n', MalformedFile, ["line 4"]),
    (GOOD + "2026-01-05T02:00Z,fra,ams,much\n", MalformedFile, ["line 4", "'value'", "much"]),
    (GOOD + "2026-01-05T02:00Z,fra,ams,-3\n", MalformedFile, ["line 4", "-3 is negative"]),
    (GOOD + "2026-01-05T02:00Z,fra,ams,inf\n", MalformedFile, ["line 4", "finite"]),
    (GOOD + "yesterday,fra,ams,1\n", MalformedFile, ["line 4", "'time'", "yesterday"]),
    (GOOD + "2026-01-32T02:00Z,fra,ams,1\n", MalformedFile, ["line 4", "2026-01-32"]),
    (GOOD + "2026-01-05,fra,ams,1\n", MalformedFile, ["line 4", "not a time"]),
    (GOOD + "2026-01-05T02:00Z,Frankfurt am Main,ams,1\n", MalformedFile, ["line 4", "'source'"]),
    (GOOD + "2026-01-05T02:00,fra,ams,1\n", TimeUnclear, ["line 4", "--timezone"]),
    (GOOD + "2026-01-05T01:00Z,fra,ams,5000\n", ConflictingRows, ["line 4", "line 3", "different values"]),
    (GOOD.replace("value", "vlaue"), UnknownColumn, ["'vlaue'", "did you mean 'value'?"]),
    (TRAFFIC.replace(",value", ""), UnknownColumn, ["no column 'value'"]),
    (GOOD.replace("source,destination", "source,source"), MalformedFile, ["'source' twice"]),
    (GOOD.replace(",", ";"), MalformedFile, ["commas"]),
    (GOOD.encode().replace(b"fra", b"fr\xe4"), MalformedFile, ["line 2", "UTF-8"]),
]


@pytest.mark.parametrize(("text", "error", "said"), REFUSED)
def test_refused_with_line_column_and_what_was_expected(tmp_path, text, error, said):
    with pytest.raises(error) as refused:
        read(tmp_path, text)
    message = refused.value.render()
    assert all(part in message for part in [*said, "telemetry.csv"]), message


def test_units_that_contradict_each_other(tmp_path):
    header = "time,source,destination,value,unit\n"
    mixed = header + "2026-01-05T00:00Z,fra,ams,1,mbps\n2026-01-05T01:00Z,fra,ams,1,MBps\n"
    path = tmp_path / "t.csv"
    path.write_text(mixed)
    with pytest.raises(UnitUnclear, match=r"line 3.*mixed units: 'MBps' here and 'mbps' in line 2"):
        read_file(path, ImportOptions(table=Table.TRAFFIC))
    path.write_text(header + "2026-01-05T00:00Z,fra,ams,1,mbps\n")
    with pytest.raises(UnitUnclear, match="the file says 'mbps' and the option says 'gbps'"):
        read_file(path, ImportOptions(table=Table.TRAFFIC, unit="gbps"))
    path.write_text(GOOD)
    with pytest.raises(UnitUnclear, match="no unit is stated"):
        read_file(path, ImportOptions(table=Table.TRAFFIC))


def test_other_refusals(tmp_path):
    with pytest.raises(MalformedFile, match=r"telemetry\.csv, line 2.*not a metric"):
        read(tmp_path, UTILISATION + "2026-01-05T00:00Z,fra,cpus,1\n", Table.UTILISATION)
    with pytest.raises(TimeUnclear, match=r"did you mean 'Europe/Berlin'\?"):
        read(tmp_path, TRAFFIC + "2026-01-05T00:00,fra,ams,1\n", timezone="Europe/Brelin")
    with pytest.raises(UnknownColumn, match="one of the two"):
        read(tmp_path, "time,source,destination,addresses,prefix_length\n", Table.REQUESTS)
    with pytest.raises(MalformedFile, match="prefix length"):
        read(tmp_path, "time,source,destination,prefix_length\n2026-01-05T00:00Z,fra,ams,33\n", Table.REQUESTS)
    with pytest.raises(MalformedFile, match=r"No such file"):
        read_file(tmp_path / "absent.csv", ImportOptions(table=Table.TRAFFIC))
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(MalformedFile, match=r"\.csv or \.parquet"):
        read_file(tmp_path / "t.xlsx", ImportOptions(table=Table.TRAFFIC))


def wide_parquet(folder: Path, values: list[float | None]) -> Path:
    times = pd.date_range("2005-01-01", periods=len(values), freq="h")
    names = pa.array(["r01->r02"] * len(values)).dictionary_encode()
    table = pa.table({"ds": pa.array(times), "unique_id": names, "y": pa.array(values, pa.float32())})
    pq.write_table(table, folder / "wide.parquet")
    return folder / "wide.parquet"


def test_parquet_interchange_needs_its_zone(tmp_path):
    path = wide_parquet(tmp_path, [1e6, None, 3e6])
    with pytest.raises(TimeUnclear, match=r"wide\.parquet, row 1, column 'ds'"):
        read_file(path, ImportOptions(table=Table.TRAFFIC, unit="kbps"))
    batch = read_file(path, ImportOptions(table=Table.TRAFFIC, unit="kbps", timezone="UTC"))
    assert rows(batch) == [("traffic", "r01->r02", "01-01 00", 1.0), ("traffic", "r01->r02", "01-01 02", 3.0)]


def test_parquet_negative_value_names_its_row(tmp_path):
    path = wide_parquet(tmp_path, [1.0, -2.0])
    with pytest.raises(MalformedFile, match=r"row 2, column 'y': -2\.0 is negative"):
        read_file(path, ImportOptions(table=Table.TRAFFIC, unit="kbps", timezone="UTC"))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_parquet_cut_off(tmp_path, share):
    path = wide_parquet(tmp_path, [1.0] * 500)
    payload = path.read_bytes()
    path.write_bytes(payload[: int(len(payload) * share)])
    with pytest.raises(MalformedFile, match="not a whole Parquet file"):
        read_file(path, ImportOptions(table=Table.TRAFFIC, unit="kbps", timezone="UTC"))


@given(cut=st.integers(1, len(GOOD) - 1))
def test_a_csv_cut_anywhere_is_refused_or_loses_whole_rows(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    try:
        batch = read(folder, GOOD[:cut])
    except FileRefused:
        return
    assert rows(batch) == [("traffic", "fra->ams", "01-05 00", 2.0)]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(["2026-01-05T00:00Z", "fra", "ams", "1", "-1", "nan", '"', ",", "\n", "\r\n", "\0", ";"]),
        ),
        max_size=30,
    )
)
def test_no_text_breaks_the_reader(tmp_path_factory, pieces):
    """Whatever follows a good file is read, or refused with this file's name: never another error."""
    folder = tmp_path_factory.mktemp("fuzz")
    try:
        batch = read(folder, GOOD.encode() + ",".join(pieces).encode("utf-8", "replace") + b"\n")
    except FileRefused as refused:
        assert "telemetry.csv" in refused.render()
    else:
        assert (batch.measurements.value >= 0).all()
