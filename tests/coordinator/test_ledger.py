"""The ledger: registration, custody, expiry, idempotent requests, the audit, blocks, and a full disk."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from contracts.ledger import UnitState
from contracts.requests import Decision, Outcome
from coordinator.errors import (
    AuditBroken,
    BlockOverlap,
    LedgerFull,
    LedgerUnusable,
    RequestConflict,
    UnitTaken,
)
from coordinator.ledger import Ledger, audit, counters, grants, requests, units
from coordinator.ledger.grants import Grant, GrantKind
from coordinator.ledger.units import Custody
from tests.coordinator.factory import NOON, Hands, block, circuit, compute, peering


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def ledger(tmp_path, hands):
    opened = Ledger(tmp_path / "ledger.db", "dev", hands)
    yield opened
    opened.close()


def grant(identity: str = "g-r1", kind: GrantKind = GrantKind.GRANT, hours: float = 2, customer: str = "acme") -> Grant:
    return Grant(id=identity, kind=kind, customer=customer, priority=0, until=NOON + timedelta(hours=hours))


def hand_out(ledger: Ledger, key: str, given: Grant) -> None:
    with ledger.write() as tx:
        unit = units.by_key(tx, key)
        assert unit is not None
        grants.give(tx, given, peering(), [unit])


def states(ledger: Ledger) -> dict[str, str]:
    return {unit.key: unit.state.value for unit in ledger.view().units}


def test_registering_twice_stages_once(ledger):
    staged = [compute(1), block("10.0.0.0/28")]
    assert ledger.register(staged) == 2
    revision = ledger.view().revision
    assert ledger.register(staged) == 0
    assert ledger.view().revision == revision
    assert set(states(ledger).values()) == {"staged"}


def test_registering_leaves_what_is_handed_out(ledger):
    ledger.register([compute(1)])
    hand_out(ledger, compute(1).key, grant())
    ledger.register([compute(1)])
    assert states(ledger) == {compute(1).key: "active"}


def test_a_unit_changed_meanwhile_is_not_moved(ledger):
    ledger.register([compute(1)])
    seen = ledger.units()[0]
    hand_out(ledger, seen.key, grant())
    with pytest.raises(UnitTaken, match="no longer staged"), ledger.write() as tx:
        units.move(tx, seen, Custody(state=UnitState.FREE))
    assert states(ledger) == {seen.key: "active"}


def test_retiring_is_all_or_none(ledger):
    ledger.register([compute(1), compute(2)])
    hand_out(ledger, compute(2).key, grant())
    with pytest.raises(UnitTaken, match="active by acme"):
        ledger.retire([compute(1).key, compute(2).key])
    assert states(ledger) == {compute(1).key: "staged", compute(2).key: "active"}


def test_retired_units_come_back_or_are_dropped(ledger):
    ledger.register([block("10.0.0.0/28"), compute(1)])
    ledger.retire([block("10.0.0.0/28").key, compute(1).key])
    ledger.register([compute(1)])
    assert ledger.drop([block("10.0.0.0/28").key], "destroyed") == 1
    assert states(ledger) == {compute(1).key: "staged"}
    ledger.register([block("10.0.0.0/27")])


def test_what_ran_out_goes_on(ledger, hands):
    ledger.register([compute(1), compute(2)])
    hand_out(ledger, compute(1).key, grant())
    hand_out(ledger, compute(2).key, grant("h-1", GrantKind.HOLD, hours=1))
    seen = []
    for hours in (0.5, 1, 1, 24):
        hands.forward(hours)
        with ledger.write():
            pass
        seen.append(tuple(states(ledger).values()))
    assert seen == [("active", "held"), ("active", "staged"), ("quarantined", "staged"), ("staged", "staged")]


def test_ending_a_hold_stages_at_once_and_ending_a_grant_quarantines(ledger):
    ledger.register([compute(1), compute(2)])
    hand_out(ledger, compute(1).key, grant())
    hand_out(ledger, compute(2).key, grant("h-1", GrantKind.HOLD))
    with ledger.write() as tx:
        assert [item.id for item in grants.open_holds(tx)] == ["h-1"]
        for identity in ("g-r1", "h-1"):
            found = grants.by_id(tx, identity)
            assert found is not None
            grants.end(tx, found, NOON + timedelta(hours=1))
    assert states(ledger) == {compute(1).key: "quarantined", compute(2).key: "staged"}
    with ledger.read() as tx:
        assert grants.open_holds(tx) == ()


@pytest.mark.parametrize("other", ["10.0.0.0/28", "10.0.0.8/29", "10.0.0.0/24"])
def test_the_database_refuses_overlapping_blocks(ledger, other):
    ledger.register([block("10.0.0.0/28")])
    ledger.register([block(other, place="ams")])
    with pytest.raises(BlockOverlap):
        ledger.register([compute(1), block("10.0.0.16/28"), replaced_key(block(other))])
    assert compute(1).key not in states(ledger)


def replaced_key(unit):
    return units.Unit(
        key=unit.key + "-again", kind=unit.kind, place=unit.place, root=unit.root, size=unit.size, prefix=unit.prefix
    )


def test_one_answer_for_one_request(ledger):
    decision = Decision(request="r1", kind="peering", customer="acme", outcome=Outcome.REFUSED, decided_at=NOON, ms=1.5)
    with ledger.write() as tx:
        assert requests.find(tx, peering()) is None
        requests.receive(tx, peering())
        assert requests.find(tx, peering()) is None
        assert requests.unanswered(tx) == (peering(),)
        requests.answer(tx, peering(), decision)
    with ledger.write() as tx:
        assert requests.find(tx, peering()) == decision
        assert requests.unanswered(tx) == ()
        assert [record.outcome for record in requests.records(tx)] == ["refused"]
        with pytest.raises(RequestConflict, match="another content"):
            requests.find(tx, peering(customer="other"))


def test_an_open_step_is_open_once_and_until_its_outcome(ledger):
    with ledger.write() as tx:
        requests.begin(tx, "r1", "on demand", peering())
    with pytest.raises(LedgerUnusable), ledger.write() as tx:
        requests.begin(tx, "r1", "on demand", peering())
    with ledger.write() as tx:
        assert [step.subject for step in requests.open_steps(tx, "on demand")] == ["r1"]
        requests.end(tx, "r1", "on demand", "done")
        assert requests.open_steps(tx, "on demand") == ()


def test_the_outbox_keeps_what_changed_while_it_was_followed(ledger):
    ledger.register([compute(1), circuit(1)])
    with ledger.read() as tx:
        seen = units.pending(tx)
    assert {unit.key for unit in seen} == {compute(1).key, circuit(1).key}
    hand_out(ledger, compute(1).key, grant())
    with ledger.write() as tx:
        units.followed(tx, seen)
        assert [(unit.key, unit.state) for unit in units.pending(tx)] == [(compute(1).key, UnitState.ACTIVE)]


def test_counters_add_up(ledger):
    with ledger.write() as tx:
        counters.add(tx, "requests", kind="peering")
        counters.add(tx, "requests", kind="peering")
        counters.observe(tx, "seconds", 0.003)
    with ledger.read() as tx:
        values = {(item.name, item.labels): item.value for item in counters.listing(tx)}
    assert values["requests", 'kind="peering"'] == 2
    assert values["seconds_bucket", 'le="0.005"'] == 1


def fill_audit(ledger: Ledger, rows: int = 5) -> None:
    for number in range(rows):
        with ledger.write() as tx:
            audit.append(tx, audit.Event.HELD, f"row {number}", {"number": number})


@pytest.mark.parametrize(
    ("damage", "row"),
    [
        ("UPDATE audit SET details = '{}' WHERE seq = 3", 3),
        ("UPDATE audit SET at = '2020' WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq > 3", 4),
        ("UPDATE audit SET hash = 'x' WHERE seq = 5", 5),
    ],
)
def test_the_first_broken_row_of_the_audit_is_named(ledger, tmp_path, damage, row):
    fill_audit(ledger)
    assert ledger.verify_audit().rows == 5
    with sqlite3.connect(tmp_path / "ledger.db") as direct, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        direct.execute(damage)
    direct.execute("DROP TRIGGER audit_never_changes")
    direct.execute("DROP TRIGGER audit_never_shrinks")
    direct.execute(damage)
    direct.commit()
    direct.close()
    with pytest.raises(AuditBroken, match=f"audit row {row}"):
        ledger.verify_audit()


def test_a_transaction_that_raises_leaves_no_trace(ledger):
    ledger.register([compute(1)])
    before = ledger.view()

    def half_way() -> None:
        with ledger.write() as tx:
            unit = units.by_key(tx, compute(1).key)
            assert unit is not None
            grants.give(tx, grant(), peering(), [unit])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_way()
    assert ledger.view() == before
    hand_out(ledger, compute(1).key, grant())


def test_a_full_disk_undoes_the_transaction_and_says_so(ledger, tmp_path):
    ledger.register([compute(1)])
    before = ledger.view()
    ledger._store._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(LedgerFull, match="disk is full; nothing was written"):
        ledger.register([compute(number) for number in range(2, 3000)])
    ledger.close()
    again = Ledger(tmp_path / "ledger.db", "dev", Hands())
    assert again.view() == before
    assert again.verify_audit().broken_row is None
    again.register([compute(2)])
    again.close()


def test_another_environment_a_later_version_and_rubbish_are_refused(ledger, tmp_path):
    path = tmp_path / "ledger.db"
    with pytest.raises(LedgerUnusable, match="belongs to environment 'dev'"):
        Ledger(path, "prod", Hands())
    with sqlite3.connect(path) as direct:
        direct.execute("PRAGMA user_version = 9")
    direct.close()
    with pytest.raises(LedgerUnusable, match="is version 9"):
        Ledger(path, "dev", Hands())
    rubbish = tmp_path / "rubbish.db"
    rubbish.write_bytes(b"not a database" * 100)
    with pytest.raises(LedgerUnusable, match="not a database"):
        Ledger(rubbish, "dev", Hands())
