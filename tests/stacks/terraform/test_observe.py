"""A refreshing plan in three views: what was applied, what is live, what is wanted; and what would be done."""

import json

from stacks.engines.engine import Action
from stacks.engines.terraform_engine.observe import observed
from stacks.engines.terraform_engine.render import UNKNOWN


def entry(key, actions, before, after, **rest):
    change = {"actions": actions, "before": before, "after": after, "after_unknown": {}, **rest}
    return {"address": f"aws_vpc.{key}", "mode": "managed", "type": "aws_vpc", "change": change}


def seen(changes=(), drifts=()):
    text = json.dumps({"resource_changes": list(changes), "resource_drift": list(drifts)})
    return {item.key: item for item in observed(text, "fra", {})}


def views(item):
    return item.last, item.live, item.wanted, item.action


def test_what_changed_from_outside_is_told_from_what_is_wanted_otherwise():
    drift = entry("fra__a", ["update"], {"size": 1, "name": "x"}, {"size": 2, "name": "x"})
    change = entry("fra__a", ["update"], {"size": 2, "name": "x"}, {"size": 3, "name": "x"})
    assert views(seen([change], [drift])["fra/a"]) == (
        {"size": 1, "name": "x"},
        {"size": 2, "name": "x"},
        {"size": 3, "name": "x"},
        Action.UPDATE,
    )


def test_what_nothing_happened_to_is_the_same_in_all_views():
    same = {"size": 1}
    assert views(seen([entry("fra__a", ["no-op"], same, same)])["fra/a"]) == (same, same, same, None)


def test_what_is_gone_from_outside():
    drift = entry("fra__a", ["delete"], {"size": 1}, None)
    again = entry("fra__a", ["create"], None, {"size": 1}, after_unknown={"id": True})
    assert views(seen([again], [drift])["fra/a"]) == ({"size": 1}, None, {"size": 1}, Action.CREATE)
    assert views(seen([], [drift])["fra/a"]) == ({"size": 1}, None, None, None)  # nor is it wanted any more


def test_what_is_new_goes_or_is_taken_in():
    new = entry("fra__new", ["create"], None, {"size": 1})
    old = entry("fra__old", ["delete"], {"size": 1}, None)
    taken = entry("fra__taken", ["no-op"], {"size": 1}, {"size": 1}, importing={"id": "x"})
    other = entry("fra__other", ["delete", "create"], {"size": 1}, {"size": 2})
    found = seen([new, old, taken, other])
    assert views(found["fra/new"]) == (None, None, {"size": 1}, Action.CREATE)
    assert views(found["fra/old"]) == ({"size": 1}, {"size": 1}, None, Action.DELETE)
    assert views(found["fra/taken"]) == (None, {"size": 1}, {"size": 1}, Action.ADOPT)
    assert found["fra/other"].action is Action.REPLACE


def test_null_is_empty():
    before = {"tags": None, "on": None, "deep": [{"a": 1, "b": None}], "kept": False, "size": 0}
    after = {"tags": {}, "on": False, "deep": [{"a": 1, "b": ""}], "kept": True, "size": 0}
    item = seen([entry("fra__a", ["no-op"], after, after)], [entry("fra__a", ["update"], before, after)])["fra/a"]
    assert item.last == {"deep": ({"a": 1},), "kept": False}
    assert item.live == item.wanted == {"deep": ({"a": 1},), "kept": True}


def test_secrets_and_what_is_not_known_are_left_out():
    change = entry(
        "fra__a",
        ["update"],
        {"psk": "s3cret", "size": 1, "ips": ["a"]},
        {"psk": "other", "size": 1},
        before_sensitive={"psk": True},
        after_sensitive={"psk": True, "deep": [{"x": False}]},
        after_unknown={"ips": [True], "size": False},
    )
    item = seen([change])["fra/a"]
    assert views(item) == ({"size": 1, "ips": ("a",)}, {"size": 1, "ips": ("a",)}, {"size": 1}, Action.UPDATE)


def test_what_is_no_resource_of_ours_is_passed_over():
    data = {**entry("fra__a", ["read"], None, {"x": 1}), "mode": "data"}
    unknown = {**entry("x", ["create"], None, {}), "address": UNKNOWN}
    assert seen([data, unknown]) == {}


def test_a_resource_with_a_new_key_is_found_under_it():
    moved = {**entry("fra__new", ["no-op"], {"size": 2}, {"size": 2}), "previous_address": "aws_vpc.fra__old"}
    drift = {**entry("fra__new", ["update"], {"size": 1}, {"size": 2}), "previous_address": "aws_vpc.fra__old"}
    assert views(seen([moved], [drift])["fra/new"])[:2] == ({"size": 1}, {"size": 2})
