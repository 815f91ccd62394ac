"""Address to region: prefixes that nest, a file, BGP table dumps; whatever a dump may hold."""

import bz2
import gzip
import ipaddress
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.accounts import Account, CloudRegion, TargetName
from contracts.environment import Environment, RegionSettings
from contracts.inventory import InventoryFacts, RegionInventory
from forecaster.errors import FileRefused, MalformedFile, UnknownColumn
from forecaster.sources.routes.mrt import read_dump
from forecaster.sources.routes.origins import dumped_table, read_prefixes
from forecaster.sources.routes.table import own_prefixes, region_table
from tests.forecaster.sources.mrt_bytes import SET, dump, path, peers, record, route


def network(text):
    return ipaddress.ip_network(text)


def where(table, text):
    address = ipaddress.ip_address(text)
    found = table.place(address.version, int(address))
    return (found.region, found.length) if found else None


def test_the_longest_prefix_says():
    prefixes = [("10.0.0.0/8", "fra"), ("10.1.0.0/16", "ams"), ("10.1.2.0/24", "fra"), ("2001:db8::/32", "lon")]
    table = region_table([(network(prefix), region) for prefix, region in prefixes], where="test")
    assert where(table, "10.0.0.1") == ("fra", 8) and where(table, "10.1.0.1") == ("ams", 16)
    assert where(table, "10.1.2.255") == ("fra", 24) and where(table, "10.1.3.0") == ("ams", 16)
    assert where(table, "10.255.255.255") == ("fra", 8) and where(table, "11.0.0.0") is None
    assert where(table, "2001:db8:1::") == ("lon", 32) and where(table, "::1") is None


networks = st.builds(
    lambda number, length: ipaddress.IPv4Network((number >> (32 - length) << (32 - length) if length else 0, length)),
    st.sampled_from([0, 2**31, 2**32 - 1, 10 << 24, (10 << 24) + 300, (10 << 24) + 2**15]),
    st.integers(0, 32),
)


@given(st.dictionaries(networks, st.sampled_from(["fra", "ams", "lon"]), max_size=12), st.integers(0, 2**32 - 1))
def test_the_table_is_a_scan_of_all_prefixes(prefixes, address):
    table = region_table(prefixes.items(), where="law")
    edges = {int(prefix.network_address) for prefix in prefixes} | {
        int(prefix.broadcast_address) for prefix in prefixes
    }
    for number in (address, *edges, *(min(edge + 1, 2**32 - 1) for edge in edges)):
        inside = [prefix for prefix in prefixes if ipaddress.ip_address(number) in prefix]
        best = max(inside, key=lambda prefix: prefix.prefixlen, default=None)
        assert where(table, str(ipaddress.ip_address(number))) == (best and (prefixes[best], best.prefixlen))


def test_blocks_of_an_environment():
    cloud = CloudRegion(
        account="main", location="eu-west-1", zones=("a",), pools=("10.9.0.0/16",), continent="eu", fault_domain="x"
    )
    environment = Environment(
        name="dev",
        accounts=(Account(name="main", target=TargetName.AWS, id="123456789012"),),
        regions=(RegionSettings(name="dub", cloud=cloud), RegionSettings(name="fra", prefixes=("10.8.0.0/16",))),
    )
    place = RegionInventory(name="fra", continent="eu", fault_domain="f", prices={}, pools=("10.7.0.0/16",))
    found = own_prefixes(environment, InventoryFacts(regions=(place,)))
    assert sorted((str(prefix), region) for prefix, region in found) == [
        ("10.7.0.0/16", "fra"),
        ("10.8.0.0/16", "fra"),
        ("10.9.0.0/16", "dub"),
    ]


def test_a_file_of_prefixes(tmp_path):
    (tmp_path / "p.csv").write_text("prefix,region\n10.0.0.0/8,fra\n2001:db8::/32,ams\n")
    assert read_prefixes(tmp_path / "p.csv") == ((network("10.0.0.0/8"), "fra"), (network("2001:db8::/32"), "ams"))
    (tmp_path / "p.csv").write_text("prefix,region\n10.0.0.1/8,fra\n")
    with pytest.raises(MalformedFile, match=r"p\.csv, line 2.*host bits"):
        read_prefixes(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_text("prefix,place\n10.0.0.0/8,fra\n")
    with pytest.raises(UnknownColumn, match="prefix, place"):
        read_prefixes(tmp_path / "p.csv")


def read(folder, payload):
    (folder / "rib").write_bytes(payload)
    return read_dump(folder / "rib")


def origins(dumped):
    return {
        f"{(ipaddress.IPv4Network if r.version == 4 else ipaddress.IPv6Network)((r.address, r.length))}": r.origin
        for r in dumped.routes
    }


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_a_dump_plain_and_packed(tmp_path, pack):
    records = (
        route("10.1.0.0/16", path(65001, 64512), path(65002, 64512)),
        route("2001:db8::/29", path(65001, 4200000001), extended=True),
        route("0.0.0.0/0", path(65001)),
        route("10.2.0.0/15", path(65001, 64513), ids=True),
        route("2001:db8:8::/45", path(65001, 64513), ids=True),
    )
    found = read(tmp_path, pack(dump(*records)))
    assert origins(found) == {
        "10.1.0.0/16": 64512,
        "2001:db8::/29": 4200000001,
        "0.0.0.0/0": 65001,
        "10.2.0.0/15": 64513,
        "2001:db8:8::/45": 64513,
    }
    assert (found.without_origin, found.disputed, found.passed_over) == (0, 0, 0)


def test_most_paths_decide_and_sets_do_not_vote(tmp_path):
    disputed = route("10.1.0.0/16", path(1, 64513), path(2, 64512), path(3, 64512))
    drawn = route("10.2.0.0/16", path(1, 9), path(2, 8))
    of_sets = route("10.3.0.0/16", path(1, 2) + path(64512, 64513, kind=SET))
    of_one = route("10.4.0.0/16", path(1) + path(64514, kind=SET))
    empty = route("10.5.0.0/16", b"")
    confederation = route("10.6.0.0/16", path(1, 64515) + path(65000, kind=3))
    found = read(tmp_path, dump(disputed, drawn, of_sets, of_one, empty, confederation))
    assert origins(found) == {"10.1.0.0/16": 64512, "10.2.0.0/16": 8, "10.4.0.0/16": 64514, "10.6.0.0/16": 64515}
    assert (found.without_origin, found.disputed) == (2, 2)


def test_other_records_are_passed_over(tmp_path):
    others = record(4, b"x" * 30, kind=16) + record(6, b"generic") + record(99, b"", kind=77)
    assert read(tmp_path, dump(others, route("10.1.0.0/16", path(64512)))).passed_over == 3
    with pytest.raises(MalformedFile, match=r"holds no routes \(1 records of other kinds\)"):
        read(tmp_path, record(4, b"x", kind=16))
    with pytest.raises(MalformedFile, match="holds no routes"):
        read(tmp_path, b"")


def test_bits_behind_a_prefix_mean_nothing(tmp_path):
    body = struct.pack("!IB", 0, 12) + bytes([10, 0xFF]) + struct.pack("!H", 1)
    told = b"\x40\x02\x06" + path(64512)
    body += struct.pack("!HIH", 0, 0, len(told)) + told
    assert origins(read(tmp_path, dump(record(2, body)))) == {"10.240.0.0/12": 64512}


GOOD = route("10.1.0.0/16", path(65001, 64512))
DAMAGED = [
    (dump(GOOD)[:-1], "has .* of its .* bytes"),
    (dump(GOOD)[: len(peers()) + 5], "header is cut off"),
    (dump(record(2, b"", length=2**31)), "says that it has 2147483648 bytes"),
    (dump(record(2, struct.pack("!IB", 0, 33) + b"12345")), "a prefix of 33 bits"),
    (dump(record(4, struct.pack("!IB", 0, 128) + b"12345")), "prefix is cut off"),
    (dump(record(2, struct.pack("!IBBH", 0, 8, 10, 1) + struct.pack("!HIH", 9, 0, 0))), "peer 9, of which there are 2"),
    (dump(record(2, struct.pack("!IBBH", 0, 8, 10, 1) + struct.pack("!HIH", 0, 0, 50))), "paths are cut off"),
    (dump(record(2, struct.pack("!IBBH", 0, 8, 10, 0) + b"junk")), "4 bytes follow"),
    (dump(record(2, struct.pack("!IBBH", 0, 8, 10, 1) + struct.pack("!HIH", 0, 0, 3) + b"\x40\x02\xff")), "longer"),
    (
        dump(record(2, struct.pack("!IBBH", 0, 8, 10, 1) + struct.pack("!HIH", 0, 0, 5) + b"\x40\x02\x02\x02\x09")),
        "path is longer",
    ),
    (record(1, b"\0\0\0\0" + struct.pack("!HH", 0, 500)), "is damaged"),
]


@pytest.mark.parametrize(("payload", "said"), DAMAGED)
def test_a_damaged_dump_is_refused_with_its_place(tmp_path, payload, said):
    with pytest.raises(MalformedFile, match=said) as refused:
        read(tmp_path, payload)
    assert "record" in refused.value.where and "at byte" in refused.value.where


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_dump_that_is_cut_off(tmp_path, pack):
    packed = pack(dump(*[GOOD] * 500))
    for size in (len(packed) - 1, len(packed) // 2, 12):
        with pytest.raises(MalformedFile, match=r"cannot be read whole|cut off|has \d+ of its"):
            read(tmp_path, packed[:size])
    with pytest.raises(MalformedFile, match="No such file"):
        read_dump(tmp_path / "absent")


def test_regions_of_origins_leave_out_what_others_announce_inside(tmp_path):
    (tmp_path / "rib").write_bytes(
        dump(route("10.0.0.0/8", path(64512)), route("10.1.0.0/16", path(65500)), route("10.1.1.0/24", path(64513)))
    )
    table, notes = dumped_table([tmp_path / "rib"], {64512: "fra", 64513: "ams"})
    assert where(table, "10.2.0.1") == ("fra", 8)
    assert where(table, "10.1.0.1") is None  # somebody else's, within ours
    assert where(table, "10.1.1.1") == ("ams", 24)
    assert notes == ("rib: 3 prefixes with an origin",)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bytes_break_the_reader(tmp_path_factory, data):
    """Bytes of a good dump, cut off, overwritten, doubled: read, or refused with the file's name."""
    good = bytearray(dump(GOOD, route("2001:db8::/32", path(1, 2, 3)), route("10.2.0.0/24", path(5), ids=True)))
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at] = data.draw(st.integers(0, 255))
    payload = bytes(good[: data.draw(st.integers(0, len(good)))]) + data.draw(st.binary(max_size=20))
    if data.draw(st.booleans()):
        payload = gzip.compress(payload)[: data.draw(st.integers(1, 400))]
    target = tmp_path_factory.mktemp("mrt") / "rib"
    target.write_bytes(payload)
    try:
        found = read_dump(target)
    except FileRefused as refused:
        assert "rib" in refused.render()
    else:
        assert all(0 <= r.length <= (32 if r.version == 4 else 128) for r in found.routes)
