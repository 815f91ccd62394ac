"""The coordinator over three targets at a time: AWS, Google Cloud, a data centre. No engine's program, no network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from contracts.capacity import CapacityKind
from contracts.drift import DriftClass
from contracts.exits import ExitCode
from contracts.ledger import UnitState
from contracts.ports import Silent
from contracts.requests import Outcome, Requirements
from coordinator.apply import apply_reviewed
from coordinator.destroy import plan_destruction
from coordinator.drift import find_drift
from coordinator.errors import Refused
from coordinator.peering import answer_peering
from coordinator.plan import make_plan
from coordinator.project import Project
from coordinator.registration import register_plan
from coordinator.review import make_review
from stacks.capacity import aws, clouds, gcp
from stacks.capacity.part import Figures, Limit, Place, Prices
from stacks.clouds.cloud import CloudResource
from stacks.errors import CloudUnreachable
from stacks.estate.inventory import Inventory
from stacks.targets.aws.addressing import own_prefixes as aws_prefixes
from stacks.targets.gcp.addressing import own_prefixes as gcp_prefixes
from tests.coordinator.factory import Hands, peering
from tests.coordinator.mixed_engine import MixedEngine
from tests.coordinator.world import changes_of, write_load
from tests.engines.mixed_project import REGIONS, SHAPES, write_mixed

ASKED = Requirements(vcpu=4, memory_gib=16, storage_gib=50, gbps=1, prefix_length=28)


def figures(own):
    """A reader of quotas that are large enough for everything."""

    def read(place: Place, clients: object, earlier: object, now: object) -> Figures:
        shape = SHAPES[place.region]
        disk = "gp3" if place.region == "fra" else "pd-balanced"
        return Figures(
            limits=(
                Limit(name="vcpu", kind=CapacityKind.VCPU, items=frozenset({shape}), total=256.0),
                Limit(name="disk", kind=CapacityKind.STORAGE_GIB, items=frozenset({disk}), total=50_000.0),
            ),
            offered=frozenset({shape}),
            prices=Prices(source="test"),
            taken=own(place.cloud),
        )

    return read


@dataclass(frozen=True)
class OneRegion:
    engine: MixedEngine
    region: str

    def tagged(self, name):
        assert self.engine.environment
        return self.engine.tagged(self.region, self.engine.environment)


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def project(tmp_path, monkeypatch, hands):
    monkeypatch.setattr(aws, "read_figures", figures(aws_prefixes))
    monkeypatch.setattr(gcp, "read_figures", figures(gcp_prefixes))
    folder = write_mixed(tmp_path / "project", "http://127.0.0.1:9", "http://127.0.0.1:9")
    state = folder / ".prestage" / "dev"
    engine = MixedEngine(inventory=Inventory(state / "estate.db"))
    with Project.open(folder, "dev", clock=hands, engine=engine) as opened:
        engine.environment = opened.environment
        monkeypatch.setattr(
            clouds,
            "open_clouds",
            lambda environment: {region.name: OneRegion(engine, region.name) for region in environment.regions},
        )
        monkeypatch.setattr("stacks.apply.finder_of", lambda environment: None)
        yield opened


def apply(project):
    outcome = make_plan(project)
    make_review(project, outcome.path)
    report = apply_reviewed(project, outcome.path, Silent())
    assert report.complete, report.roots
    return outcome.plan


def wanted(plan):
    return {item.resource.key: item.resource.spec for item in plan.resources}


def touches(place, region):
    return region in place.split("--")


def test_what_was_applied_is_what_lives_and_the_next_plan_changes_nothing(project):
    plan = apply(project)
    assert {item.resource.place for item in plan.resources} == {*REGIONS, "ams--bel", "ams--fra"}
    seen = project.capacity()
    assert {item.resource.key: item.resource.spec for item in seen.resources} == wanted(plan)
    assert seen.target == "aws, estate, gcp"
    again = make_plan(project)
    assert (changes_of(again), again.drift.found) == ((), ()) and again.exit_code is ExitCode.CLEAN


def test_a_plan_or_a_destruction_asks_the_engine_s_state_and_every_region_once(project, monkeypatch):
    apply(project)
    asked: Counter[str] = Counter()
    for name in ("applied", "tagged"):
        monkeypatch.setattr(MixedEngine, name, counted(asked, getattr(MixedEngine, name)))
    assert make_plan(project).exit_code is ExitCode.CLEAN
    assert asked == {"applied": 1, "tagged bel": 1, "tagged fra": 1}
    asked.clear()
    assert "bel/network" in plan_destruction(project, ["bel"]).keys
    assert asked == {"applied": 1, "tagged bel": 1, "tagged fra": 1}


def test_a_stranger_with_our_tags_is_drift_once_and_a_dark_region_is_unknown(project):
    apply(project)
    engine = project.engine
    for region in ("bel", "fra"):  # as a service without regions answers
        engine.strangers[region] = (stranger("aws_route53_health_check", "fra/failover/x"),)
    assert [(item.key, item.drift_class) for item in find_drift(project).found] == [
        ("fra/failover/x", DriftClass.FOREIGN)
    ]
    engine.strangers.clear()
    engine.dark = {"fra"}
    (unseen,) = find_drift(project).found
    assert (unseen.key, unseen.drift_class, unseen.why) == (
        "fra",
        DriftClass.UNKNOWN,
        "could not be looked at: fra is dark",
    )


def counted(asked, act):
    def counting(engine, *args):
        asked[" ".join([act.__name__, *args[:1]])] += 1
        return act(engine, *args)

    return counting


def stranger(type, key):
    return CloudResource(type=type, key=key, id="x-1", place="", arguments={}, environment="dev", owner="network")


def test_staged_units_of_every_target_are_handed_out_and_kept(project):
    apply(project)
    units = {unit.key: unit for unit in project.ledger.units()}
    assert {unit.place for unit in units.values()} == {*REGIONS, "ams--bel", "ams--fra"}
    decision = answer_peering(project, peering(source="ams", destination="fra", requirements=ASKED))
    assert decision.outcome is Outcome.STAGED, decision
    active = {item.resource.key for item in project.estate().resources if item.state == "active"}
    assert active == set(decision.units)
    row = project.inventory.read("dev", next(key for key in decision.units if key.startswith("ams--fra")))
    assert row and row.state == "active"  # the estate follows the ledger; clouds have no states to follow
    plan = apply(project)
    assert set(decision.units) <= wanted(plan).keys()
    assert {change.operation.value for change in plan.changes} == {"create"}  # staged anew
    assert {unit.state for unit in project.ledger.units() if unit.key in decision.units} == {UnitState.ACTIVE}


def test_a_region_gone_dark_is_left_alone_by_plan_apply_and_ledger(project):
    first = apply(project)
    engine, before = project.engine, {unit.key for unit in project.ledger.units()}
    engine.dark = {"fra"}
    write_load(project.paths.folder, 0.7, REGIONS)
    plan = apply(project)
    assert [item.region for item in plan.unread] == ["fra"] and "fra is dark" in plan.unread[0].why
    assert plan.changes and not [change.key for change in plan.changes if touches(change.place, "fra")]
    assert "fra" not in engine.asked[-1] and "bel" in engine.asked[-1]
    fra = {key: spec for key, spec in wanted(first).items() if touches(key.partition("/")[0], "fra")}
    assert fra.items() <= wanted(plan).items() and fra.keys() <= engine.state.keys() | {
        key.rpartition("/")[0] for key in engine.state
    }
    assert before <= {unit.key for unit in project.ledger.units()}
    engine.dark = set()
    assert {change.place for change in changes_of(make_plan(project))} >= {"fra"}


def test_units_of_a_dark_region_are_not_dropped_even_where_the_state_is_lost(project):
    plan = apply(project)
    engine, before = project.engine, {unit.key for unit in project.ledger.units()}
    lost = {key: item for key, item in engine.state.items() if item.provider == "bel"}
    for key in lost:
        del engine.state[key]
    register_plan(project, plan, finished=False)
    assert {unit.key for unit in project.ledger.units()} == before  # they exist, whatever the state knows
    for key in lost:
        del engine.clouds[key]
    register_plan(project, plan, finished=False)
    assert not [unit.key for unit in project.ledger.units() if unit.place == "bel"]


def test_the_gate_refuses_where_a_region_went_dark_since_the_plan(project):
    outcome = make_plan(project)
    make_review(project, outcome.path)
    project.engine.dark = {"bel"}
    with pytest.raises(Refused) as told:
        apply_reviewed(project, outcome.path, Silent())
    assert "stale: bel was read, is not readable: bel is dark" in str(told.value)
    project.engine.dark = set()
    assert apply_reviewed(project, outcome.path, Silent()).complete


def test_a_request_to_a_dark_region_is_refused_with_the_reason(project):
    apply(project)
    project.engine.dark = {"fra"}
    large = Requirements(vcpu=64, memory_gib=256)
    decision = answer_peering(project, peering(source="ams", destination="fra", requirements=large))
    assert decision.outcome is Outcome.REFUSED and "fra cannot be read now" in str(decision.missing)


def test_existing_keys_of_a_dark_region_are_those_of_the_state(project):
    apply(project)
    before = project.live_keys()
    assert {"fra/network", "bel/network", "ams/network", "ams--fra/link", "ams--fra/link/fra"} <= before
    project.engine.dark = {"fra"}
    assert project.live_keys() == before


def test_where_all_clouds_are_dark_premises_are_planned(project):
    """What leans on the clouds stays."""
    apply(project)
    project.engine.dark = {"fra", "bel"}
    write_load(project.paths.folder, 0.7, REGIONS)
    assert {change.place for change in changes_of(make_plan(project))} == {"ams"}


def test_where_every_region_is_in_a_dark_cloud_there_is_no_plan_but_the_reason(project):
    project.engine.dark = {"fra", "bel"}
    alone = tuple(region for region in project.environment.regions if region.cloud)
    object.__setattr__(project, "environment", project.environment.model_copy(update={"regions": alone}))
    with pytest.raises(CloudUnreachable):
        make_plan(project)
