"""Strays: what a plan destroys and no state knows is taken in and destroyed, and nothing else is touched."""

import pytest

from contracts.environment import Environment, RegionSettings
from contracts.plan import Operation
from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.apply import make_order, preview_plan
from stacks.declaration import Declaration, Ref
from stacks.engines.engine import Action, AppliedResource, Job
from stacks.estate.inventory import Inventory
from stacks.strays import STRAYS_ROOT, destroy_strays, doomed_by, find_strays
from stacks.targets.estate import declare
from tests.coordinator.estate_engine import EstateEngine
from tests.stacks.apply.test_apply import change, plan
from tests.stacks.every_kind import CATALOG, compute, every_kind, facts

ENVIRONMENT = Environment(name="dev", regions=(RegionSettings(name="ams"), RegionSettings(name="fra")))
DOOMED = compute("fra/compute/staged/m8/0001")
JOB = Job(environment="dev", roots={})
WANTED = plan(*every_kind(), changes=[change(Operation.DELETE, DOOMED)])


@pytest.fixture
def inventory(tmp_path):
    made = Inventory(tmp_path / "estate.db")
    made.load_facts(facts(), CATALOG)
    yield made
    made.close()


@pytest.fixture
def engine(inventory, tmp_path):
    return EstateEngine(inventory, tmp_path / "engine.json")


def make_live(inventory, *resources):
    """Behind the engine's back."""
    for item in declare(resources, ENVIRONMENT):
        inventory.create("dev", item.type, item.key, item.arguments)


def keys(inventory):
    return {row.key for row in inventory.listing("dev")}


def applied(key, root):
    return {key: AppliedResource(type="estate_compute", key=key, root=root, arguments={"environment": "dev"})}


def strays_of(engine, live):
    return find_strays(doomed_by(WANTED, ENVIRONMENT), live, engine.applied())


@pytest.mark.parametrize(
    ("operation", "doomed"),
    [(Operation.DELETE, True), (Operation.REPLACE, True), (Operation.UPDATE, False), (Operation.CREATE, False)],
)
def test_only_what_a_plan_destroys_is_doomed(operation, doomed):
    declared = doomed_by(plan(changes=[change(operation, DOOMED)]), ENVIRONMENT)
    assert [(item.key, item.root) for item in declared] == ([(DOOMED.key, STRAYS_ROOT)] if doomed else [])


@pytest.mark.parametrize(
    ("live", "state", "found"),
    [
        ({DOOMED.key}, {}, True),
        (set(), {}, False),  # gone already: nothing to make first
        ({DOOMED.key}, applied(DOOMED.key, "fra"), False),  # the engine knows it and will destroy it
        ({DOOMED.key}, applied(DOOMED.key, STRAYS_ROOT), True),  # taken in by a run that was stopped
    ],
)
def test_a_stray_is_live_and_unknown(live, state, found):
    strays = find_strays(doomed_by(WANTED, ENVIRONMENT), live, state)
    assert (strays is not None and [item.key for item in strays.found] == [DOOMED.key]) is found


def test_a_stray_is_destroyed_and_its_root_forgotten(inventory, engine):
    make_live(inventory, DOOMED, compute("ams/compute/serving/m8"))
    strays = strays_of(engine, keys(inventory))
    outcome = destroy_strays(strays, engine, Silent(), JOB)
    assert (outcome.root, outcome.status) == (STRAYS_ROOT, RunStatus.DONE)
    assert (outcome.created, outcome.updated, outcome.deleted) == (0, 0, 1)
    assert keys(inventory) == {"ams/compute/serving/m8"} and engine.applied() == {}


@pytest.mark.parametrize("point", ["state", "delete"])
def test_stopped_in_between_it_goes_on(inventory, engine, point):
    make_live(inventory, DOOMED)

    def stop(here):
        if here.startswith(point):
            raise KeyboardInterrupt

    engine.at = stop
    with pytest.raises(KeyboardInterrupt):
        destroy_strays(strays_of(engine, keys(inventory)), engine, Silent(), JOB)
    engine.at = lambda here: None
    destroy_strays(strays_of(engine, keys(inventory)), engine, Silent(), JOB)
    assert keys(inventory) == set() and engine.applied() == {}


def test_what_is_handed_out_stays_and_says_so(inventory, engine):
    make_live(inventory, DOOMED)
    inventory.set_state(DOOMED.key, "active", "acme")
    outcome = destroy_strays(strays_of(engine, keys(inventory)), engine, Silent(), JOB)
    assert outcome.status is RunStatus.FAILED and "is active for acme" in outcome.message
    assert keys(inventory) == {DOOMED.key}


def test_what_an_earlier_run_took_in_and_this_plan_keeps_is_left_alone(inventory, engine):
    other = compute("ams/compute/staged/m8/0002", root=STRAYS_ROOT)
    engine.apply(Job(environment="dev", roots={STRAYS_ROOT: declare([other], ENVIRONMENT)}), Silent())
    seq = inventory.read("dev", other.key).seq
    make_live(inventory, DOOMED)
    destroy_strays(strays_of(engine, keys(inventory)), engine, Silent(), JOB)
    assert keys(inventory) == {other.key} == set(engine.applied())
    assert inventory.read("dev", other.key).seq == seq  # not destroyed and made anew


def test_what_stands_in_a_network_goes_with_it(inventory, engine):
    """The network of a stray that is a stray itself is referred to, so that the engine keeps their order."""
    both = [item for item in every_kind() if item.key in ("fra/network", "fra/compute/serving/m8")]
    wanted = plan(changes=[change(Operation.DELETE, item) for item in both])
    declared: dict[str, Declaration] = {item.key: item for item in doomed_by(wanted, ENVIRONMENT)}
    assert declared["fra/compute/serving/m8"].arguments["network"] == Ref(key="fra/network")


def test_the_preview_tells_what_apply_does(inventory, engine):
    make_live(inventory, DOOMED)
    order = make_order(WANTED, ENVIRONMENT, resume="", live=keys(inventory))
    shown = {root.root: dict(root.actions) for root in preview_plan(order, engine, Silent()).roots}
    assert shown[STRAYS_ROOT] == {DOOMED.key: Action.DELETE}
    assert keys(inventory) == {DOOMED.key}
