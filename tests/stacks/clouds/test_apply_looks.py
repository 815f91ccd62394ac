"""Every preview and every apply looks for what exists first; after a stop, patiently."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts.ports import Silent
from stacks.apply import apply_plan, make_order, preview_plan
from stacks.declaration import Declaration
from stacks.engines.engine import Action, Adoption, Job
from stacks.engines.fake import FakeEngine
from stacks.errors import CloudUnreachable, EngineFailed
from stacks.journal import Journal
from stacks.order import ApplyOrder
from tests.clouds.clouds_world import mixed_environment
from tests.policies.sample import Scene

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
VPC = Declaration(type="aws_vpc", key="fra/network", root="fra", provider="fra", arguments={})
FOUND = (Adoption(key="fra/network", id="vpc-1"),)


class Looked:
    """A finder that finds one network, and remembers whether it was told of a stop."""

    def __init__(self):
        self.stopped = []

    def __call__(self, job, applied, stopped):
        self.stopped.append(stopped)
        return () if "fra/network" in applied else FOUND


@pytest.fixture
def looked():
    return Looked()


@pytest.fixture
def order(looked):
    job = Job(environment="dev", roots={"fra": (VPC,)})
    return ApplyOrder(plan=Scene().plan(), job=job, resume="again", doomed=(), live=frozenset(), finder=looked)


def apply(order, engine, journal):
    return apply_plan(order, engine, journal, lambda: NOW, Silent())


def test_a_preview_shows_what_is_taken_in(order, looked):
    shown = preview_plan(order, FakeEngine(), Silent())
    assert shown.roots[0].actions == {"fra/network": Action.ADOPT}
    assert looked.stopped == [False]


def test_an_apply_takes_it_in_and_a_second_one_finds_nothing_to_do(order, looked, tmp_path):
    engine, journal = FakeEngine(), Journal(tmp_path / "journal.db")
    assert apply(order, engine, journal).complete
    assert engine.jobs[0].adopt == FOUND
    apply(order, engine, journal)
    assert engine.jobs[1].adopt == ()


def test_after_a_run_that_stopped_it_is_looked_for_patiently(order, looked, tmp_path):
    engine, journal = FakeEngine(raising=[EngineFailed("broke")]), Journal(tmp_path / "journal.db")
    with pytest.raises(EngineFailed):
        apply(order, engine, journal)
    apply(order, engine, journal)
    assert looked.stopped == [False, True]


def test_a_cloud_that_does_not_answer_ends_the_run_before_anything_is_done(order, tmp_path):
    def deaf(job, applied, stopped):
        raise CloudUnreachable("no answer")

    engine = FakeEngine()
    with pytest.raises(CloudUnreachable):
        apply(replace(order, finder=deaf), engine, Journal(tmp_path / "journal.db"))
    assert not engine.jobs


def test_orders_of_environments_with_clouds_look_and_others_do_not():
    plan, mixed = Scene().plan(), mixed_environment()
    premises = mixed.model_copy(update={"regions": tuple(item for item in mixed.regions if not item.cloud)})
    empty = plan.model_copy(update={"resources": (), "changes": ()})
    assert make_order(empty, mixed, resume="again").finder
    assert not make_order(empty, premises, resume="again").finder
