"""The ledger as a state machine: whatever happens in whatever order, units are granted once and the audit holds."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contracts.environment import Environment, RegionSettings
from contracts.ledger import UnitState
from contracts.limits import Unattended
from contracts.requests import Decision, Outcome, PeeringRequest, Requirements
from coordinator.answers import Case
from coordinator.errors import BlockOverlap, UnitTaken
from coordinator.ledger import Ledger, grants, units
from coordinator.ledger.grants import Grant, GrantKind
from coordinator.staged import decide_staged
from tests.coordinator.factory import Hands, block, circuit, compute

ENVIRONMENT = Environment(
    name="dev",
    regions=(RegionSettings(name="ams"), RegionSettings(name="fra")),
    unattended=Unattended(priority_may_take_held=True),
)
UNITS = [*(compute(n) for n in range(4)), *(circuit(n) for n in range(3)), block("10.0.0.0/28"), block("10.0.0.16/28")]
LEGAL = {
    (None, "staged"),
    ("free", "staged"),
    ("staged", "held"),
    ("staged", "active"),
    ("staged", "free"),
    ("held", "active"),
    ("held", "staged"),
    ("held", "held"),  # one hold lapsed and another began, within one transaction's sight
    ("active", "quarantined"),
    ("quarantined", "staged"),
    ("quarantined", "free"),
    ("active", "staged"),  # lapsed twice between two looks
    ("held", "quarantined"),  # activated and lapsed between two looks
}
CUSTOMERS = st.sampled_from(["acme", "bolt"])


class LedgerMachine(RuleBasedStateMachine):
    """Every rule looks at the states afterwards and holds each step against the legal ones."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.hands = Hands()
        self.ledger = Ledger(Path(self.folder.name) / "ledger.db", "dev", self.hands, timedelta(hours=1))
        self.seen: dict[str, str] = {}
        self.answers: dict[str, Decision] = {}
        self.number = 0

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    @rule(chosen=st.sets(st.sampled_from(UNITS), max_size=6))
    def register(self, chosen):
        self.ledger.register(sorted(chosen, key=lambda unit: unit.key))

    @rule()
    def register_an_overlapping_block(self):
        before = self.ledger.view()
        taken = {unit.key for unit in before.units if unit.state is not UnitState.FREE}
        overlapping = block("10.0.0.0/29")
        if block("10.0.0.0/28").key not in taken:
            return
        try:
            self.ledger.register([overlapping])
        except BlockOverlap:
            assert self.ledger.view() == before
        else:
            raise AssertionError("an overlapping block was registered")

    @rule(
        customer=CUSTOMERS,
        priority=st.integers(0, 3),
        vcpu=st.sampled_from([0, 4, 5]),
        gbps=st.integers(0, 2),
        prefix_length=st.sampled_from([0, 28]),
        hours=st.integers(1, 3),
    )
    def ask(self, customer, priority, vcpu, gbps, prefix_length, hours):
        self.number += 1
        request = PeeringRequest(
            id=f"r{self.number}",
            customer=customer,
            source="ams",
            destination="fra",
            requirements=Requirements(vcpu=vcpu, gbps=gbps, prefix_length=prefix_length),
            duration_hours=hours,
            priority=priority,
        )
        held = {unit.key: unit for unit in self.ledger.units()}
        answer = decide_staged(self.ledger, ENVIRONMENT, Case(request=request, ms=lambda: 1.0), request)
        if isinstance(answer, Decision) and answer.outcome is Outcome.STAGED:
            self.answers[request.id] = answer
            for key in answer.units:
                before = held[key]
                lapsed = before.until is not None and before.until <= self.hands.now
                assert (
                    before.state is UnitState.STAGED
                    or lapsed
                    or (before.state is UnitState.HELD and (before.holder == customer or before.priority < priority))
                )
        assert decide_staged(self.ledger, ENVIRONMENT, Case(request=request, ms=lambda: 9.0), request) == answer

    @rule(customer=CUSTOMERS, priority=st.integers(0, 3), hours=st.integers(1, 3), count=st.integers(1, 3))
    def hold(self, customer, priority, hours, count):
        self.number += 1
        until = self.hands.now + timedelta(hours=hours)
        with self.ledger.write() as tx:
            staged = [unit for unit in units.listing(tx) if unit.state is UnitState.STAGED][:count]
            grant = Grant(id=f"h{self.number}", kind=GrantKind.HOLD, customer=customer, priority=priority, until=until)
            grants.give(tx, grant, Requirements(), staged)

    @precondition(lambda self: self.answers)
    @rule(data=st.data())
    def release(self, data):
        answer = self.answers[data.draw(st.sampled_from(sorted(self.answers)))]
        with self.ledger.write() as tx:
            grant = grants.by_id(tx, answer.grant or "")
            assert grant is not None
            if grant.ended_at is None:
                grants.end(tx, grant, self.ledger.quarantine_until(tx))

    @rule(chosen=st.sets(st.sampled_from(UNITS), min_size=1, max_size=3))
    def retire(self, chosen):
        before = self.ledger.view()
        try:
            self.ledger.retire([unit.key for unit in chosen])
        except UnitTaken:
            handed_out = {u.key for u in before.units if u.state in (UnitState.HELD, UnitState.ACTIVE)}
            assert handed_out & {unit.key for unit in chosen}

    @rule(hours=st.sampled_from([0.5, 1, 2]))
    def wait(self, hours):
        self.hands.forward(hours)
        with self.ledger.write():
            pass

    @invariant()
    def each_step_was_legal(self):
        now = {unit.key: unit.state.value for unit in self.ledger.view().units}
        for key, state in now.items():
            before = self.seen.get(key)
            assert before == state or (before, state) in LEGAL, f"{key}: {before} -> {state}"
        self.seen = now

    @invariant()
    def nobody_has_what_another_has(self):
        active = {unit.key: unit.grant for unit in self.ledger.view().units if unit.state is UnitState.ACTIVE}
        for key, grant in active.items():
            holders = [answer.grant for answer in self.answers.values() if key in answer.units]
            assert holders[-1:] == [grant], f"{key} is with {grant}, and was granted to {holders}"

    @invariant()
    def the_audit_holds(self):
        assert self.ledger.verify_audit().broken_row is None

    @invariant()
    def ranges_are_of_blocks_that_exist(self):
        with self.ledger.read() as tx:
            ranges = {row["key"] for row in tx.rows("SELECT key FROM blocks")}
        blocks = {u.key for u in self.ledger.units() if u.prefix and u.state is not UnitState.FREE}
        assert ranges == blocks


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
