"""The inventory: create, read, update, delete, and what is refused with which numbers."""

import sqlite3
from contextlib import nullcontext

import pytest

from stacks.errors import (
    BlockTaken,
    CapacityExceeded,
    EstateBusy,
    InUse,
    InvalidArgument,
    KeyTaken,
    NotInPlace,
    StacksError,
    UnknownPlace,
)
from stacks.estate import database
from stacks.estate.inventory import Inventory
from tests.stacks.estate.rows import TAGS, block, circuit, machines, volume
from tests.stacks.every_kind import CATALOG, facts

KEY = "fra/compute/serving/m8"


def test_create_twice_is_once(inventory):
    first = inventory.create("dev", "estate_compute", KEY, machines(KEY, 2))
    assert inventory.create("dev", "estate_compute", KEY, machines(KEY, 2)) == first
    again = inventory.create("dev", "estate_compute", KEY, machines(KEY, 3))
    assert (again.seq, again.version, again.arguments["instances"]) == (first.seq, 2, 3)
    assert [row.key for row in inventory.listing("dev")] == [KEY]


def test_the_same_key_in_another_environment_is_another_resource(inventory):
    inventory.create("dev", "estate_compute", KEY, machines(KEY, 1))
    inventory.create("test", "estate_compute", KEY, {**machines(KEY, 2), "environment": "test"})
    assert inventory.read("dev", KEY).arguments["instances"] == 1
    assert [row.environment for row in inventory.listing()] == ["dev", "test"]


def test_deleting_what_is_gone_is_no_error_and_what_comes_back_is_new(inventory):
    first = inventory.create("dev", "estate_compute", KEY, machines(KEY, 2))
    inventory.delete("dev", KEY)
    inventory.delete("dev", KEY)
    assert inventory.read("dev", KEY) is None
    assert inventory.create("dev", "estate_compute", KEY, machines(KEY, 2)).seq > first.seq


@pytest.mark.parametrize("state", ["held", "active"])
def test_what_somebody_has_is_not_deleted(inventory, state):
    inventory.create("dev", "estate_compute", KEY, machines(KEY, 2))
    inventory.set_state(KEY, state, "acme", environment="dev")
    with pytest.raises(InUse, match=f"is {state} for acme"):
        inventory.delete("dev", KEY)
    inventory.set_state(KEY, "quarantined", environment="dev")
    inventory.delete("dev", KEY)
    assert inventory.listing("dev") == ()


def test_a_state_is_computed_and_no_change(inventory):
    inventory.create("dev", "estate_compute", KEY, machines(KEY, 2))
    inventory.set_states({KEY: ("active", "acme"), "fra/not/there": ("active", "acme")}, environment="dev")
    row = inventory.create("dev", "estate_compute", KEY, machines(KEY, 2))
    assert (row.state, row.holder, row.version) == ("active", "acme", 1)
    assert row.attributes()["state"] == "active" and row.attributes()["id"] == f"dev/{KEY}"


@pytest.mark.parametrize(
    ("type", "arguments", "error", "told"),
    [
        ("estate_compute", machines("a", 81), CapacityExceeded, "fra has 640 vcpu left of 640, 648 wanted"),
        ("estate_storage", volume("a", 100_001), CapacityExceeded, "fra has 100000 storage_gib left"),
        ("estate_circuit", circuit("a", 11), CapacityExceeded, "ams--fra has 100 gbps left of 100, 110 wanted"),
        ("estate_compute", machines("a", 1, "par"), UnknownPlace, "no region 'par'"),
        ("estate_storage", volume("a", 1, "par"), UnknownPlace, "no replica_region 'par'"),
        ("estate_compute", {**machines("a", 1), "shape": "m9"}, UnknownPlace, "no 'm9'"),
        ("estate_circuit", {**circuit("a", 1), "gbps": 40}, InvalidArgument, "has 10 gbps, not 40"),
        ("estate_block", block("a", "10.2.0.0/24"), InvalidArgument, "outside of pool"),
        ("estate_block", block("a", "10.1.0.1/24"), InvalidArgument, "is not a block"),
        ("estate_block", block("a", "10.2.0.0/24", pool="10.2.0.0/16"), UnknownPlace, "no address pool"),
        ("estate_compute", {**machines("a", 1), "instances": 0}, InvalidArgument, "instances is 0"),
        ("estate_compute", {**machines("a", 1), "instances": "1"}, InvalidArgument, "instances is '1'"),
        ("estate_compute", {**machines("a", 1), "instances": True}, InvalidArgument, "instances is True"),
        ("estate_compute", {**machines("a", 1), "owner": ""}, InvalidArgument, "owner is empty"),
        ("estate_compute", {**machines("a", 1), "shapes": "m8"}, InvalidArgument, "expected: 'shape'"),
        ("estate_network", {"owner": "net", "region": "fra"}, InvalidArgument, "needs the argument 'asn'"),
        ("estate_computer", machines("a", 1), InvalidArgument, "expected: 'estate_compute'"),
    ],
)
def test_what_is_refused_says_why_and_changes_nothing(inventory, type, arguments, error, told):
    with pytest.raises(error, match=told):
        inventory.create("dev", type, "a", arguments)
    assert inventory.listing("dev") == () and inventory.live()[1] == ()


def test_a_replica_takes_storage_in_both_regions(inventory):
    inventory.create("dev", "estate_storage", "a", volume("a", 60_000, "ams"))
    assert {(usage.place, usage.amount) for usage in inventory.live()[1]} == {("fra", 60_000.0), ("ams", 60_000.0)}
    with pytest.raises(CapacityExceeded, match="fra has 40000"):
        inventory.create("dev", "estate_storage", "b", volume("b", 60_000))


def test_what_grows_needs_room_and_what_shrinks_does_not(inventory):
    inventory.create("dev", "estate_compute", "a", machines("a", 60))
    inventory.create("dev", "estate_compute", "b", machines("b", 20))
    with pytest.raises(CapacityExceeded, match="480 vcpu left of 640, 488 wanted"):
        inventory.update("dev", "estate_compute", "a", machines("a", 61))
    assert inventory.read("dev", "a").arguments["instances"] == 60
    inventory.load_facts(facts(hosts=5), CATALOG)  # half of the hosts are gone
    inventory.update("dev", "estate_compute", "a", machines("a", 50))
    with pytest.raises(CapacityExceeded):
        inventory.update("dev", "estate_compute", "a", machines("a", 51))


@pytest.mark.parametrize("prefix", ["10.1.4.0/24", "10.1.4.16/28", "10.1.0.0/20", "10.1.4.0/22"])
def test_blocks_that_overlap_are_refused_naming_the_one_that_is_there(inventory, prefix):
    inventory.create("dev", "estate_block", "a", block("a", "10.1.4.0/24"))
    with pytest.raises(BlockTaken, match=f"{prefix} overlaps 10.1.4.0/24 .a."):
        inventory.create("dev", "estate_block", "b", block("b", prefix))
    inventory.create("dev", "estate_block", "c", block("c", "10.1.5.0/24"))
    inventory.delete("dev", "a")
    with pytest.raises(BlockTaken) if prefix in ("10.1.0.0/20", "10.1.4.0/22") else nullcontext():
        inventory.create("dev", "estate_block", "b", block("b", prefix))


def test_overlap_is_a_constraint_of_the_database(inventory):
    inventory.create("dev", "estate_block", "a", block("a", "10.1.4.0/24"))
    row = (inventory.create("dev", "estate_compute", KEY, machines(KEY, 1)).seq, "fra", "x", 0x0A010480, 0x0A0104FF)
    with inventory._database.writing() as connection, pytest.raises(sqlite3.IntegrityError, match="overlaps"):
        connection.execute("INSERT INTO block VALUES (?, ?, ?, ?, ?)", row)
    with inventory._database.writing() as connection, pytest.raises(sqlite3.IntegrityError, match="never moves"):
        connection.execute("UPDATE block SET last = last + 1")


def test_what_cannot_change_in_place_is_refused(inventory):
    inventory.create("dev", "estate_block", "a", block("a", "10.1.4.0/24"))
    with pytest.raises(NotInPlace, match=r"prefix cannot change in place from '10\.1\.4\.0/24'"):
        inventory.update("dev", "estate_block", "a", block("a", "10.1.5.0/24"))
    with pytest.raises(KeyTaken, match="is an estate_block, not an estate_compute"):
        inventory.create("dev", "estate_compute", "a", machines("a", 1))
    with pytest.raises(UnknownPlace, match="no such resource"):
        inventory.update("dev", "estate_compute", "b", machines("b", 1))


def test_a_reload_tells_what_changed(inventory):
    assert inventory.load_facts(facts(), CATALOG) == ()
    changes = {change.what: (change.before, change.after) for change in inventory.load_facts(facts(hosts=5), CATALOG)}
    assert changes["total fra vcpu"] == (640, 320) and changes["total ams memory_gib"] == (2560, 1280)
    assert inventory.facts()[0] == facts(hosts=5)


def test_a_held_inventory_is_busy_and_a_damaged_one_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    one, other = Inventory(tmp_path / "estate.db"), Inventory(tmp_path / "estate.db")
    one.load_facts(facts(), CATALOG)
    with one._database.writing(), pytest.raises(EstateBusy) as caught:
        other.create("dev", "estate_compute", KEY, machines(KEY, 1))
    assert caught.value.exit_code == 9
    one.close()
    other.close()
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StacksError, match="the inventory is damaged"):
        Inventory(tmp_path / "broken.db")


def test_a_partner_in_a_cloud_is_known_and_takes_nothing_here(inventory):
    """Failover entries and copies may point to regions elsewhere; a typo is still found."""
    entry = {**TAGS, "key": "fra/failover/dub", "region": "fra", "partner": "dub", "share": 0.5}
    with pytest.raises(UnknownPlace, match="no partner 'dub'"):
        inventory.create("dev", "estate_failover", "fra/failover/dub", entry)
    inventory.load_facts(facts().model_copy(update={"elsewhere": ("dub",)}), CATALOG)
    inventory.create("dev", "estate_failover", "fra/failover/dub", entry)
    inventory.create("dev", "estate_storage", "fra/storage/a", volume("fra/storage/a", 500, "dub"))
    assert {usage.place for usage in inventory.live()[1]} == {"fra"}
    with pytest.raises(UnknownPlace, match="no partner 'dubb'"):
        inventory.create("dev", "estate_failover", "fra/failover/dubb", {**entry, "partner": "dubb"})
    with pytest.raises(UnknownPlace, match="no region 'dub'"):
        inventory.create(
            "dev", "estate_alert", "dub/alert", {**TAGS, "region": "dub", "metric": "vcpu", "threshold": 1}
        )


def test_a_gateway_entry_names_where_tunnels_end(inventory):
    entry = {
        "link": "ams--fra",
        "region": "fra",
        "peer": "dub",
        "peer_asn": 64513,
        "peer_address": "203.0.113.7",
        "second_address": "203.0.113.8",
    }
    key = "ams--fra/link/fra"
    made = inventory.create("dev", "estate_gateway", key, {**TAGS, "key": key, **entry})
    assert made.arguments["second_address"] == "203.0.113.8"
    moved = inventory.update("dev", "estate_gateway", key, {**TAGS, "key": key, **entry, "peer_address": "203.0.113.9"})
    assert (moved.seq, moved.version) == (made.seq, 2)  # in place: a tunnel may end elsewhere tomorrow
    with pytest.raises(InvalidArgument, match="peer_asn is 0"):
        inventory.update("dev", "estate_gateway", key, {**TAGS, "key": key, **entry, "peer_asn": 0})
