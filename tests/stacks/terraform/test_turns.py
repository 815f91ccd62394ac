"""Turns: the order of roots, how many go at once, and two runs of one root as one."""

import threading
import time
from concurrent.futures import wait

import pytest

from contracts.run import RootRun, RunStatus
from stacks.declaration import Declaration, ProviderConfig, Ref
from stacks.engines import turns
from stacks.engines.turns import Lane, each, foreign, lanes_of, phases, together
from stacks.errors import Interrupted


def item(key, root, **arguments):
    return Declaration(type="t", key=key, root=root, arguments=arguments)


def names(contents, there=None):
    held = there or {}
    found = phases(contents, lambda name: held.get(name, set()))
    return [[(turn.name, sorted(turn.leaving)) for turn in phase] for phase in found if phase]


def test_regions_go_before_what_stands_on_them():
    contents = {"links": (item("ams--fra/link", "links"),), "fra": (), "ondemand-r1": (), "ams": ()}
    assert names(contents) == [[("fra", []), ("ams", [])], [("links", []), ("ondemand-r1", [])]]


def test_what_goes_away_between_regions_goes_before_them():
    contents = {"fra": (), "links": (item("a", "links"),), "ondemand-r1": ()}
    held = {"links": {"a", "b"}, "ondemand-r1": {"c"}, "fra": {"x"}}
    assert names(contents, held)[0] == [("links", ["b"]), ("ondemand-r1", ["c"])]
    assert names({"links": ()}, held) == [[("links", [])]]  # alone, it has nobody to go before


def test_what_stays_in_a_first_go_leans_on_nothing_that_is_not_there():
    leaning = Declaration(type="t", key="b", root="links", arguments={}, depends_on=("a", "new"))
    turn = turns.Turn(name="links", declarations=(item("a", "links"), leaning, item("new", "links")))
    assert [(kept.key, kept.depends_on) for kept in turn.staying({"a", "b"})] == [("a", ()), ("b", ("a",))]


def test_foreign_is_what_other_roots_have_to_make_first():
    there, here = Ref(key="fra/network", root="fra"), Ref(key="ams--fra/link")
    declared = [item("x", "links", one=there, many=(here, {"deep": there}))]
    assert foreign(declared, {"links"}) == {there}
    assert foreign(declared, {"links", "fra"}) == frozenset()


def test_accounts_are_lanes_of_their_own():
    estate = ProviderConfig(name="estate", provider="estate")
    fra = ProviderConfig(name="fra", provider="aws", settings={"region": "eu-central-1"})
    other = ProviderConfig(name="ohio", provider="aws", settings={"assume_role": {"role_arn": "arn:1"}})
    bel = ProviderConfig(name="bel", provider="google", settings={"project": "p"})
    assert {(lane.name, lane.width) for lane in lanes_of([estate, fra, fra, other, bel])} == {
        ("estate:", 2),
        ("aws:", 6),
        ("aws:arn:1", 6),
        ("google:p", 4),
    }


def test_what_comes_of_each_is_handed_back_in_order():
    assert each([3, 1, 2], lambda number: number * 2, stop=lambda: None) == [6, 2, 4]
    assert each([], lambda number: number, stop=lambda: None) == []


def test_no_more_at_once_than_a_lane_bears(monkeypatch):
    monkeypatch.setattr(turns, "AT_ONCE", 8)
    guard, running, most = threading.Lock(), {"a": 0, "b": 0}, {"a": 0, "b": 0}

    def act(lane):
        with guard:
            running[lane] += 1
            most[lane] = max(most[lane], running[lane])
        time.sleep(0.01)
        with guard:
            running[lane] -= 1

    each(["a", "b"] * 8, act, stop=lambda: None, lanes=lambda name: [Lane(name=name, width={"a": 1, "b": 3}[name])])
    assert most == {"a": 1, "b": 3}


def test_the_first_failure_is_raised_once_all_are_done():
    done = []

    def act(number):
        if number == 1:
            raise ValueError("first")
        done.append(number)

    with pytest.raises(ValueError, match="first"):
        each([1, 2, 3, 4], act, stop=lambda: None)
    assert done == [2, 3, 4]


def test_a_stop_waits_for_what_is_under_way_and_begins_nothing_new(monkeypatch):
    begun, ended, stopped = threading.Event(), [], threading.Event()

    def act(number):
        begun.set()
        stopped.wait(10)
        ended.append(number)

    def interrupted(futures, return_when):
        begun.wait(10)
        monkeypatch.setattr(turns, "wait", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(turns, "AT_ONCE", 1)
    monkeypatch.setattr(turns, "wait", interrupted)
    with pytest.raises(Interrupted):
        each([1, 2], act, stop=stopped.set)
    assert ended == [1]


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (RunStatus.CLEAN, RunStatus.DONE, RunStatus.DONE),
        (RunStatus.DONE, RunStatus.CLEAN, RunStatus.DONE),
        (RunStatus.FAILED, RunStatus.DONE, RunStatus.FAILED),
        (RunStatus.DONE, RunStatus.NOT_STARTED, RunStatus.NOT_STARTED),
    ],
)
def test_two_runs_of_one_root_are_one(before, after, status):
    one = RootRun(root="fra", status=before, created=1, seconds=1.5, message="" if before else "x")
    both = together(one, RootRun(root="fra", status=after, created=2, deleted=3, seconds=2))
    assert (both.status, both.created, both.deleted, both.seconds) == (status, 3, 3, 3.5)
    assert together(None, one) is one
