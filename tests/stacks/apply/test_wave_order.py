"""Nothing goes in a wave before what it refers to: entries wait for the wave of their partner's region."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.engines import Rollout
from contracts.environment import Environment, RegionSettings
from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.apply import apply_plan, make_order
from stacks.declaration import Declaration, Ref
from stacks.engines.engine import AppliedResource, Job
from stacks.engines.fake import FakeEngine
from stacks.errors import ReferenceCycle
from stacks.journal import Journal
from stacks.order import ApplyOrder
from stacks.targets.declare import declare
from stacks.wave_order import check_references, contents_by_group
from stacks.waves import waves_of
from tests.stacks.apply.test_apply import network, plan

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
REGIONS = ("ams", "fra", "lon")
FAIL_OVER = "fra/failover/lon"


def item(key, *refs, after=(), root=""):
    """A declaration that refers to others, in whichever root their keys begin with."""
    own = root or key.partition("/")[0]
    named = {
        f"to_{n}": Ref(key=ref, root="" if ref.startswith(own) else ref.partition("/")[0]) for n, ref in enumerate(refs)
    }
    return Declaration(type="estate_network", key=key, root=own, arguments=named, depends_on=tuple(after))


def job(*items):
    roots = dict.fromkeys((*REGIONS, "links", *(found.root for found in items)))
    return Job(environment="dev", roots={root: tuple(i for i in items if i.root == root) for root in roots})


def keys(content):
    return {root: sorted(found.key for found in items) for root, items in content.items()}


BASIC = (item("fra/network"), item("lon/network"), item("ams/network"))
GROUPS = (("fra",), ("lon",), ("ams",), ("links",))


def test_an_entry_waits_for_the_wave_of_what_it_refers_to_and_the_rest_of_its_root_does_not():
    found = contents_by_group(job(*BASIC, item(FAIL_OVER, "fra/network", "lon/network")), GROUPS, ())
    assert [keys(content) for content in found] == [
        {"fra": ["fra/network"]},
        {"lon": ["lon/network"], "fra": [FAIL_OVER, "fra/network"]},
        {"ams": ["ams/network"]},
        {"links": []},
    ]


def test_what_leans_on_an_entry_that_waits_waits_with_it():
    """By order in its own root, and by reference from another: lon's waits for ams, fra's alarm for lon's."""
    waiting = item("lon/failover/ams", "ams/network")
    leaning = (item("fra/alert/x", "lon/failover/ams"), item("fra/alert/y", after=["fra/alert/x"]))
    found = [keys(content) for content in contents_by_group(job(*BASIC, waiting, *leaning), GROUPS, ())]
    assert found[0] == {"fra": ["fra/network"]} and found[1] == {"lon": ["lon/network"]}
    assert found[2] == {
        "ams": ["ams/network"],
        "lon": ["lon/failover/ams", "lon/network"],
        "fra": ["fra/alert/x", "fra/alert/y", "fra/network"],
    }


def test_what_refers_to_an_earlier_wave_or_to_links_needs_no_more_than_the_order():
    back = item("lon/failover/fra", "fra/network")
    found = [keys(content) for content in contents_by_group(job(*BASIC, back), GROUPS, ())]
    assert found[1] == {"lon": ["lon/failover/fra", "lon/network"]} and "fra" not in found[2]
    late = [keys(c) for c in contents_by_group(job(*BASIC, item("fra/x", "links/link")), GROUPS, ())]
    assert late[0] == {"fra": ["fra/network", "fra/x"]}  # `links/link` is nowhere declared: the engine's to tell
    declared = job(*BASIC, item("fra/x", "links/link"), item("links/link"))
    assert keys(contents_by_group(declared, GROUPS, ())[3]) == {
        "links": ["links/link"],
        "fra": ["fra/network", "fra/x"],
    }


def test_what_is_there_already_goes_at_once_and_again_after_what_it_refers_to():
    entry = item(FAIL_OVER, "lon/network")
    there = {"fra/network", "lon/network", FAIL_OVER}
    found = [keys(content) for content in contents_by_group(job(*BASIC, entry), GROUPS, there)]
    assert found[0] == {"fra": [FAIL_OVER, "fra/network"]}
    assert found[1]["fra"] == [FAIL_OVER, "fra/network"]


def test_a_root_whose_entry_is_there_and_refers_to_something_new_waits_as_a_whole():
    """Without the entry the engine would destroy it; with it, it cannot be told."""
    entry = item(FAIL_OVER, "lon/network")
    found = [keys(c) for c in contents_by_group(job(*BASIC, entry), GROUPS, {"fra/network", FAIL_OVER})]
    assert found[0] == {} and found[1]["fra"] == [FAIL_OVER, "fra/network"]
    there = {FAIL_OVER: AppliedResource(type="estate_network", key=FAIL_OVER, root="fra", arguments={})}
    parts = waves_of(job(*BASIC, entry), Rollout(waves=(("fra",), ("lon",))), there)
    assert [wave.regions for wave in parts] == [("fra", "lon"), (), ()]


def test_a_circle_is_told_and_named():
    circle = job(item("fra/a", "lon/b"), item("lon/b", after=["lon/c"]), item("lon/c", "fra/a"))
    with pytest.raises(ReferenceCycle, match="waits for itself: ") as told:
        check_references(circle)
    assert {
        "fra/a -> lon/b -> lon/c -> fra/a",
        "lon/b -> lon/c -> fra/a -> lon/b",
        "lon/c -> fra/a -> lon/b -> lon/c",
    } & {told.value.what.rpartition(": ")[2]}
    both_ways = job(*BASIC, item(FAIL_OVER, "lon/network"), item("lon/failover/fra", "fra/network"))
    check_references(both_ways)  # two roots that refer to each other are none: their entries do not


def order_of(*extra):
    environment = Environment(
        name="dev",
        regions=tuple(RegionSettings(name=name) for name in REGIONS),
        rollout=Rollout(waves=(("fra",), ("lon",))),
    )
    order = make_order(plan(*(network(name) for name in REGIONS)), environment, resume="prestage apply")
    more = {
        root: (*items, *(found for found in extra if found.root == root)) for root, items in order.job.roots.items()
    }
    return environment, replace(order, job=replace(order.job, roots=more))


def test_a_circle_is_told_before_anything_runs(monkeypatch, tmp_path):
    extra = (item("fra/a", "lon/b"), item("lon/b", "fra/a"))
    environment, _ = order_of()
    monkeypatch.setattr("stacks.apply.declare", lambda resources, there: (*declare(resources, there), *extra))
    with pytest.raises(ReferenceCycle):
        make_order(plan(*(network(name) for name in REGIONS)), environment, resume="prestage apply")
    without = environment.model_copy(update={"rollout": Rollout()})
    make_order(plan(*(network(name) for name in REGIONS)), without, resume="prestage apply")


def run(order: ApplyOrder, engine: FakeEngine, journal: Journal):
    return apply_plan(order, engine, journal, lambda: NOW, Silent())


def test_a_pause_tells_what_of_a_root_was_done_and_the_same_command_makes_the_rest(tmp_path):
    _, order = order_of(item("fra/failover/ams", "ams/network"))
    engine, journal = FakeEngine(failing={"lon": "no capacity"}), Journal(tmp_path / "journal.db")
    found = {root.root: root for root in run(order, engine, journal).roots}
    assert keys(engine.jobs[0].roots) == {"fra": ["fra/network"]}
    assert [found[root].status for root in ("lon", "ams")] == [RunStatus.FAILED, RunStatus.NOT_STARTED]
    assert (found["fra"].status, found["fra"].created) == (RunStatus.NOT_STARTED, 1)
    assert found["fra"].message == "the rest is not started: lon failed in the wave before"
    engine.failing.clear()
    report = run(order, engine, journal)
    assert report.complete and report.resumed
    assert engine.applied().keys() == {*(f"{name}/network" for name in REGIONS), "fra/failover/ams"}
    assert [sorted(done.roots) for done in engine.jobs[2:]] == [["fra"], ["lon"], ["ams", "fra"], ["links"]]


NAMES = tuple(f"{region}/{letter}" for region in (*REGIONS, "links") for letter in "abc")


@settings(deadline=None, max_examples=50, derandomize=True)
@given(data=st.data())
def test_everything_goes_in_the_end_after_what_it_refers_to_and_nothing_is_taken_away(data):
    """Law: references lead to names drawn before, so that there is no circle."""
    order = data.draw(st.permutations(NAMES))
    items = [item(key, *data.draw(st.sets(st.sampled_from(order[:n]), max_size=3))) for n, key in enumerate(order) if n]
    whole = job(*items)
    held = data.draw(st.sets(st.sampled_from([found.key for found in items])))
    there = set(held)
    groups = (*((name,) for name in data.draw(st.permutations(REGIONS))), ("links",))
    for content in contents_by_group(whole, groups, held):
        coming = {found.key for declared in content.values() for found in declared}
        for root, declared in content.items():
            assert {key for key in there if key.startswith(f"{root}/")} <= {found.key for found in declared}
            for found in declared:
                needs = {ref.key for ref in found.refs()} & {other.key for other in items}
                assert needs <= there | coming
        there |= coming
    assert there == {found.key for found in items}
