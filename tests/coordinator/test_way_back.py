"""The way back: a new plan from what is live to what an earlier plan wanted, through review and gate."""

from __future__ import annotations

import pytest

from contracts.errors import AlteredDocument
from contracts.files import read_document
from contracts.plan import Plan
from contracts.workloads import Packed, Packing, UnitSize
from coordinator import way_back
from coordinator.errors import Refused, UnknownName
from coordinator.peering import answer_peering
from coordinator.way_back import find_earlier, plan_back
from tests.coordinator.factory import peering
from tests.coordinator.world import apply_confirmed, open_project, plan_review_apply, write_load


def specs(project):
    return {row.key: dict(row.arguments) for row in project.inventory.listing("dev")}


@pytest.fixture
def grown(folder, hands):
    """Applied twice: the second plan wanted more; the first is archived, and its file overwritten."""
    with open_project(folder, hands) as project:
        first, before = project.journal.last_applied(), specs(project)
    write_load(folder, 1.7)
    with open_project(folder, hands) as project:
        plan_review_apply(project)
        assert specs(project) != before
        yield project, first, before


def test_everything_is_as_it_was_but_volumes_that_serve(grown):
    project, first, before = grown
    now = specs(project)
    back = plan_back(project, first)
    assert back.path.name == "dev.back.json"
    assert not back.review.denied
    assert apply_confirmed(project, back.path).complete
    volumes = {item.key for item in project.inventory.listing("dev") if "/storage/" in item.key}
    kept = {key: own for key, own in specs(project).items() if key in volumes}
    assert volumes and kept == {key: now[key] for key in volumes} != {key: before[key] for key in volumes}
    assert specs(project) == before | kept
    assert project.journal.last_applied() == back.plan.digest()
    assert plan_back(project, first).plan.changes == ()


def test_some_first_digits_or_the_file_do(grown, tmp_path):
    project, first, _ = grown
    wanted = plan_back(project, first).plan.resources
    assert plan_back(project, first[:14]).plan.resources == wanted
    assert plan_back(project, first.removeprefix("sha256:")[:8]).plan.resources == wanted
    file = tmp_path / "earlier.json"
    file.write_bytes(project.paths.archived(first).read_bytes())
    assert plan_back(project, str(file)).plan.resources == wanted
    file.write_text(file.read_text().replace('"count": ', '"count":  ', 1))
    with pytest.raises(AlteredDocument):
        plan_back(project, str(file))


def test_the_earlier_file_itself_is_superseded(grown):
    project, first, _ = grown
    path = project.paths.archived(first)
    with pytest.raises(Refused, match="superseded"):
        apply_confirmed(project, path)


@pytest.mark.parametrize("name", ["sha256:000000000000", "sha256:", "", "plans/none.json"])
def test_a_plan_that_was_never_applied_here(grown, name):
    with pytest.raises(UnknownName, match="that was applied here"):
        plan_back(grown[0], name)


def test_a_plan_that_was_only_made(grown):
    project, _, _ = grown
    plan = read_document(Plan, project.paths.plan)
    write_load(project.paths.folder, 2.0)
    from coordinator.plan import make_plan

    made = make_plan(project, project.paths.plan.with_name("made.json"))
    assert made.plan.digest() != plan.digest()
    with pytest.raises(UnknownName):
        plan_back(project, made.plan.digest())


def test_what_was_handed_out_since_stays(grown):
    project, first, _ = grown
    decision = answer_peering(project, peering())
    back = plan_back(project, first)
    assert {change.key for change in back.plan.changes}.isdisjoint(decision.units)
    apply_confirmed(project, back.path)
    assert set(decision.units) <= project.live_keys()
    assert {str(unit.state) for unit in project.ledger.units() if unit.key in decision.units} == {"active"}
    assert plan_back(project, first).plan.changes == ()


def test_it_is_only_a_plan_until_it_is_applied_and_says_which_instances_hold_which_units(grown, monkeypatch):
    project, first, _ = grown
    before, plan = specs(project), find_earlier(project, first)
    key = next(item.resource.key for item in plan.resources if "/compute/serving/" in item.resource.key)
    packed = tuple(Packed(key=one, instances=1, units={"db": 1}) for one in (key, "fra/compute/serving/gone"))
    packing = Packing(sizes=(UnitSize(name="db", vcpu=1, memory_gib=1),), instances=packed)
    monkeypatch.setattr(way_back, "find_earlier", lambda *_: plan.model_copy(update={"packing": packing}))
    back = plan_back(project, first)
    assert back.plan.packing and back.plan.packing.instances == packed[:1]
    assert specs(project) == before
    assert len(project.journal.runs()) == 2
