"""A slice of the campaign over requests: some seeds hold, and without the intent step failures are found."""

from __future__ import annotations

import pytest

from stacks.engines.terraform_engine.program import find_program
from stacks.errors import EngineMissing
from tests.faults.request_campaign import prepare, run_seed
from tests.faults.request_world import Stage


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare(Stage(folder=tmp_path_factory.mktemp("campaign") / "prepared"))


@pytest.mark.fault
@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_and_nothing_given_twice(prepared, tmp_path, seed):
    verdict = run_seed(seed, prepared, tmp_path / "seed")
    assert verdict.killed
    assert verdict.failures == ()


@pytest.mark.fault
@pytest.mark.slow
def test_without_intent_the_same_harness_finds_failures(prepared, tmp_path):
    """A process killed between its commit and what follows leaves what nobody remembers."""
    verdicts = (run_seed(seed, prepared, tmp_path / str(seed), with_intent=False) for seed in range(1, 9))
    assert any(verdict.failures for verdict in verdicts)


@pytest.mark.fault
@pytest.mark.engine
@pytest.mark.slow
def test_nothing_is_lost_with_a_real_engine(tmp_path):
    try:
        find_program()
    except EngineMissing as missing:
        pytest.skip(str(missing))
    prepared = prepare(Stage(folder=tmp_path / "prepared", real=True))
    verdict = run_seed(1, prepared, tmp_path / "seed")
    assert verdict.killed
    assert verdict.failures == ()
