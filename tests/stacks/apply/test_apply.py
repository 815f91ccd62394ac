"""From plan to job to report: what is declared where, what is resumed, and what people are told."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from contracts.environment import Environment, RegionSettings
from contracts.exits import ExitCode
from contracts.plan import Change, Cost, Inputs, Operation, Plan, PlannedResource, Reason, ReasonCode
from contracts.ports import Silent
from contracts.resources import CircuitSpec, ComputeSpec, NetworkSpec, Purpose, Resource
from contracts.run import RunStatus
from stacks.apply import apply_plan, incomplete, make_order, preview_plan
from stacks.engines.engine import Action, Adoption
from stacks.engines.fake import FakeEngine
from stacks.errors import EngineMissing, EstateBusy, Interrupted, JournalAltered
from stacks.journal import Journal

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RESUME = "prestage apply plans/dev.json"
REASON = Reason(code=ReasonCode.DEMAND)
ENVIRONMENT = Environment(name="dev", regions=(RegionSettings(name="fra"), RegionSettings(name="ams")))


def network(region, root=None):
    return Resource(
        key=f"{region}/network", place=region, root=root or region, purpose=Purpose.SUPPORT, spec=NetworkSpec(asn=64512)
    )


def compute(region, *, root=None, instances=2, name="m8"):
    return Resource(
        key=f"{region}/compute/serving/{name}",
        place=region,
        root=root or region,
        purpose=Purpose.SERVING,
        spec=ComputeSpec(shape="m8", count=instances),
    )


CIRCUIT = Resource(
    key="ams--fra/circuit/serving/10g",
    place="ams--fra",
    root="links",
    purpose=Purpose.SERVING,
    spec=CircuitSpec(tier="10g", gbps=10, count=1),
)


def change(operation, resource, from_root=None):
    before = None if operation is Operation.CREATE else resource
    if from_root:
        before = resource.model_copy(update={"root": from_root})
    return Change(
        operation=operation,
        key=resource.key,
        place=resource.place,
        before=before,
        after=None if operation is Operation.DELETE else resource,
        reason=REASON,
        usd_per_hour=0,
        from_root=from_root,
    )


def plan(*resources, changes=(), small=False):
    return Plan(
        environment="dev",
        engine=ENVIRONMENT.engine,
        made_at=NOW,
        expires_at=NOW + timedelta(days=1),
        inputs=Inputs(forecast="f", capacity="c", catalog="k", environment="e", rules="r", ledger="l"),
        requirements=(),
        resources=tuple(PlannedResource(resource=item, usd_per_hour=1, reason=REASON) for item in resources),
        changes=tuple(changes),
        cost=Cost(
            before_usd_per_hour=0,
            after_usd_per_hour=0,
            optimised_usd_per_hour=0,
            lower_bound_usd_per_hour=0,
            gap=0,
        ),
        small=small,
    )


def order(wanted):
    return make_order(wanted, ENVIRONMENT, resume=RESUME)


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal.db")


@pytest.fixture
def apply(journal):
    ticks = count()

    def run(wanted, engine):
        return apply_plan(order(wanted), engine, journal, lambda: NOW + timedelta(seconds=next(ticks)), Silent())

    return run


WANTED = plan(network("fra"), network("ams"), compute("fra"), CIRCUIT)


def test_every_region_is_a_root_and_the_links_come_last():
    more = ENVIRONMENT.model_copy(update={"regions": (*ENVIRONMENT.regions, RegionSettings(name="nyc"))})
    job = make_order(plan(CIRCUIT, network("fra")), more, resume=RESUME).job
    assert list(job.roots) == ["ams", "fra", "nyc", "links"]
    assert [item.key for item in job.roots["fra"]] == ["fra/network"]
    assert job.roots["ams"] == ()  # emptied, if anything is there


def test_a_small_plan_names_only_its_own_root():
    job = order(plan(compute("fra", root="ondemand-7"), small=True)).job
    assert list(job.roots) == ["ondemand-7"]


def test_what_is_adopted_leaves_its_root_which_is_dropped():
    unit = compute("fra", name="m8-1")
    job = order(plan(network("fra"), unit, changes=[change(Operation.ADOPT, unit, "ondemand-7")])).job
    assert job.adopt == (Adoption(key=unit.key, from_root="ondemand-7"),)
    assert job.drop == ("ondemand-7",)
    assert "ondemand-7" not in job.roots
    assert unit.key in {item.key for item in job.roots["fra"]}


def test_what_is_not_adopted_of_a_dropped_root_is_destroyed_there():
    unit, surplus = compute("fra", name="m8-1"), compute("fra", name="m8-2", root="ondemand-7")
    changes = [change(Operation.ADOPT, unit, "ondemand-7"), change(Operation.DELETE, surplus)]
    job = order(plan(network("fra"), unit, changes=changes)).job
    assert [item.key for item in job.roots["ondemand-7"]] == [unit.key]
    assert job.drop == ("ondemand-7",)


def test_a_root_on_demand_that_ends_is_emptied():
    surplus = compute("fra", name="m8-2", root="ondemand-7")
    job = order(plan(network("fra"), changes=[change(Operation.DELETE, surplus)])).job
    assert job.roots["ondemand-7"] == () and job.drop == ()


def test_preview_and_apply_walk_the_same_job(apply):
    engine = FakeEngine()
    preview = preview_plan(order(WANTED), engine, Silent())
    report = apply(WANTED, engine)
    shown = {root.root: root.count(Action.CREATE) for root in preview.roots}
    assert shown == {root.root: root.created for root in report.roots} == {"ams": 1, "fra": 2, "links": 1}


def test_a_report_names_the_plan_and_how_each_root_ended(apply, journal):
    engine = FakeEngine()
    report = apply(WANTED, engine)
    assert report.complete and report.plan == WANTED.digest() and not report.resumed
    assert (report.program, report.seconds) == ("fake", 1.0)
    assert journal.last_applied() == WANTED.digest()
    again = apply(WANTED, engine)
    assert {root.status for root in again.roots} == {RunStatus.CLEAN}
    assert incomplete(again, resume=RESUME) is None


def test_one_failing_root_leaves_the_others_applied_and_is_resumed(apply, journal):
    engine = FakeEngine(failing={"fra": "fra/compute/serving/m8: 400 vCPU wanted, 96 available"})
    report = apply(WANTED, engine)
    assert {root.root for root in report.roots if root.status is RunStatus.DONE} == {"ams", "links"}
    error = incomplete(report, resume=RESUME)
    assert error and error.exit_code is ExitCode.PARTIAL
    assert "2 of 3 roots" in str(error) and "96 available" in str(error) and str(error).endswith(RESUME)
    assert journal.last_applied() is None
    engine.failing.clear()
    resumed = apply(WANTED, engine)
    assert resumed.complete and resumed.resumed and resumed.run == report.run
    assert journal.last_applied() == WANTED.digest() and journal.open_runs() == ()


def test_a_resumed_plan_must_declare_the_same(apply, journal):
    apply(WANTED, FakeEngine(failing={"fra": "no"}))
    renamed = make_order(WANTED, ENVIRONMENT.model_copy(update={"owner": "someone"}), resume=RESUME)
    with pytest.raises(JournalAltered):
        apply_plan(renamed, FakeEngine(), journal, lambda: NOW, Silent())


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted("stopped in fra")])
def test_an_interruption_says_how_to_resume_and_leaves_the_run_open(apply, journal, stop):
    engine = FakeEngine(raising=[stop])
    with pytest.raises(Interrupted) as caught:
        apply(WANTED, engine)
    assert caught.value.next_step.endswith(RESUME) and caught.value.exit_code is ExitCode.PARTIAL
    (run,) = journal.open_runs()
    assert {root.status for root in run.roots} == {RunStatus.INTERRUPTED}
    assert apply(WANTED, engine).resumed


def test_a_busy_estate_is_tried_again(apply, monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    engine = FakeEngine(raising=[EstateBusy("busy"), EstateBusy("busy")])
    assert apply(WANTED, engine).complete
    engine.raising += [EstateBusy("busy")] * 3
    with pytest.raises(EstateBusy):
        apply(WANTED, engine)


def test_nothing_is_open_when_the_engine_is_missing(apply, journal):
    with pytest.raises(EngineMissing):
        apply(WANTED, FakeEngine(raising=[EngineMissing("no tofu")]))
    assert journal.open_runs() == ()
