"""Peering and address events that a ledger hands in become requests of the history."""

from datetime import UTC, datetime, timedelta

from contracts.ledger import AddressRecord, RequestRecord
from forecaster.batch import batch_of_addresses, batch_of_requests
from forecaster.history.store import History

AT = datetime(2026, 3, 2, 10, 37, tzinfo=UTC)


def test_address_events_ask_for_addresses_of_one_region():
    records = [
        AddressRecord(at=AT, region="fra", prefix_length=28, prefix="10.16.0.0/28", duration_hours=24),
        AddressRecord(at=AT, region="fra", prefix_length=24),
        AddressRecord(at=AT + timedelta(hours=1), region="ams", prefix_length=32, outcome="refused"),
    ]
    found = batch_of_addresses(records).requests
    assert found[["source", "destination", "addresses", "ordinal"]].to_numpy().tolist() == [
        ["ams", "ams", 1.0, 0],
        ["fra", "fra", 16.0, 0],
        ["fra", "fra", 256.0, 1],
    ]
    assert found[["vcpu", "memory_gib", "storage_gib", "gbps"]].to_numpy().sum() == 0
    assert found.duration_hours.tolist() == [0.0, 24.0, 0.0]


def test_both_are_kept_once(tmp_path):
    history = History(tmp_path)
    addresses = batch_of_addresses([AddressRecord(at=AT, region="fra", prefix_length=28)])
    peerings = batch_of_requests([RequestRecord(at=AT, source="fra", destination="ams", vcpu=4)])
    for batch, added in ((addresses, 1), (peerings, 1), (addresses, 0)):
        assert history.add(batch).counts.added == added
    assert [line.subject for line in history.summary()] == ["fra->ams", "fra->fra"]
    assert len(batch_of_addresses([]).requests) == 0
