"""Real processes at the same ledger: nobody is given what another was given."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from pathlib import Path

import pytest

from contracts.environment import Environment, RegionSettings
from contracts.ledger import UnitState
from contracts.requests import Decision, Requirements
from coordinator.answers import Case
from coordinator.follow import follow
from coordinator.ledger import Ledger
from coordinator.staged import decide_staged
from tests.coordinator.factory import Hands, circuit, compute, peering

ENVIRONMENT = Environment(name="dev", regions=(RegionSettings(name="ams"), RegionSettings(name="fra")))
NEEDS = Requirements(vcpu=4, gbps=1)
SPAWN = multiprocessing.get_context("spawn")


def ask(path: Path, identities: list[str], answers: multiprocessing.Queue[tuple[str, ...]]) -> None:
    ledger = Ledger(path, "dev", Hands())
    for identity in identities:
        request = peering(identity, requirements=NEEDS)
        answer = decide_staged(ledger, ENVIRONMENT, Case(request=request, ms=lambda: 1.0), request)
        answers.put((identity, *answer.units) if isinstance(answer, Decision) else (identity,))
    ledger.close()


def together(path: Path, lists: list[list[str]]) -> list[tuple[str, ...]]:
    answers: multiprocessing.Queue[tuple[str, ...]] = SPAWN.Queue()
    processes = [SPAWN.Process(target=ask, args=(path, identities, answers)) for identities in lists]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for identities in lists for _ in identities]
    for process in processes:
        process.join()
    return found


@pytest.fixture
def path(tmp_path):
    ledger = Ledger(tmp_path / "ledger.db", "dev", Hands())
    ledger.register([*(compute(n) for n in range(60)), *(circuit(n) for n in range(60))])
    ledger.close()
    return tmp_path / "ledger.db"


@pytest.mark.fault
def test_no_unit_is_given_twice_and_all_are_given(path):
    lists = [[f"r{worker}-{number}" for number in range(25)] for worker in range(3)]
    found = together(path, lists)
    given = Counter(unit for _, *units in found for unit in units)
    assert max(given.values()) == 1
    assert len(given) == 120
    assert sum(len(units) == 0 for _, *units in found) == 15
    ledger = Ledger(path, "dev", Hands())
    assert {unit.key for unit in ledger.view().units if unit.state is UnitState.ACTIVE} == set(given)
    assert ledger.verify_audit().broken_row is None
    ledger.close()


@pytest.mark.fault
def test_the_same_id_from_two_processes_is_answered_once(path):
    identities = [f"r{number}" for number in range(20)]
    found = together(path, [identities, identities])
    assert len({answer[0] for answer in found}) == 20
    assert len(set(found)) == 20


class Mirror:
    """States as the inventory would have them; `meanwhile` happens between reading and writing."""

    def __init__(self, meanwhile=lambda: None) -> None:
        self.states: dict[str, tuple[str, str | None]] = {}
        self.meanwhile = meanwhile

    def set_states(self, states: dict[str, tuple[str, str | None]], *, environment: str | None = None) -> None:
        once, self.meanwhile = self.meanwhile, lambda: None
        once()
        self.states |= states


def test_a_newer_state_is_never_overtaken_by_an_older(path, tmp_path):
    ledger = Ledger(path, "dev", Hands())
    request = peering("r1", requirements=NEEDS)

    def grant_meanwhile() -> None:
        decide_staged(ledger, ENVIRONMENT, Case(request=request, ms=lambda: 1.0), request)

    mirror = Mirror(grant_meanwhile)
    follow(ledger, mirror, tmp_path / "follow.lock")
    assert mirror.states == {unit.key: (unit.state.value, unit.holder) for unit in ledger.units()}
    assert follow(ledger, mirror, tmp_path / "follow.lock") == 0
    ledger.close()
