"""Every field of a plan changed in turn, resealed or not: none of them is applied.

A leaf that is changed in the file is altered. Resealed, with a digest that fits, it is another plan: no review is of
it. Every leaf of a real plan is changed, of those of its resources and changes that are made alike of one; the gate is
asked about one leaf of each field of the whole plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.document import text_digest
from contracts.errors import DocumentError, PrestageError
from contracts.exits import ExitCode
from contracts.files import read_document
from contracts.plan import Plan
from coordinator.errors import Refused
from coordinator.gate import check
from coordinator.plan import make_plan
from coordinator.review import make_review
from tests.coordinator.world import changes_of, open_project, plan_review_apply, write_load, write_project

Path = tuple[str | int, ...]


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A small project, applied once, with a reviewed plan that changes, destroys and creates."""
    folder = write_project(tmp_path_factory.mktemp("mutated") / "project", load=0.2)
    file = folder / "environments" / "dev.yaml"
    file.write_text(file.read_text().replace("max_units_per_place: 3", "max_units_per_place: 1"))
    with open_project(folder) as project:
        plan_review_apply(project)
    file.write_text(file.read_text().replace("max_units_per_place: 1", "max_units_per_place: 0"))
    write_load(folder, 0.4)
    with open_project(folder) as project:
        outcome = make_plan(project)
        make_review(project, outcome.path)
        assert {"create", "delete"} & {change.operation.value for change in changes_of(outcome)}
        check(project, outcome.path, project.clock())
        yield project


@pytest.fixture(scope="module")
def content(ready) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ready.paths.plan.read_text())
    return found


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of all leaves; an empty list or object is one."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from leaves(item, (*path, number))
    else:
        yield path


@pytest.fixture(scope="module")
def few(content) -> dict[str, Any]:
    """The plan with one of those items of each list that are made alike."""
    return {key: one_of_each(value) if isinstance(value, list) else value for key, value in content.items()}


def one_of_each(items: list[Any]) -> list[Any]:
    alike = {tuple((path, type(value_at(item, path))) for path in leaves(item)): item for item in reversed(items)}
    return list(alike.values())


def value_at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def field_of(path: Path) -> str:
    """The field of a leaf: its path without the numbers."""
    return ".".join("[]" if isinstance(part, int) else re.sub(r"[\d:.-]+", "", part) for part in path)


def other(value: Any) -> Any:
    """Another value, as like the first as can be."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            flipped = "2" if value[:1] == "1" else "1"
            return (
                flipped + value[1:]
                if value[:1].isdigit()
                else {"pulumi": "terraform", "terraform": "pulumi"}.get(value, value + "x")
            )
        case None:
            return "x"
        case list():
            return ["x"]
        case _:
            return {"x": 1}


def changed(content: dict[str, Any], path: Path) -> dict[str, Any]:
    """The content with one leaf changed; what is on the way to it is copied."""
    copy = dict(content)
    here: Any = copy
    for part in path[:-1]:
        here[part] = dict(here[part]) if isinstance(here[part], dict) else list(here[part])
        here = here[part]
    here[path[-1]] = other(here[path[-1]])
    return copy


def text_of(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def resealed(content: dict[str, Any]) -> str:
    """With a digest that fits, as somebody who knows the format would write it."""
    bare = {key: value for key, value in content.items() if key != "digest"}
    canonical = json.dumps(bare, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text_of({**bare, "digest": text_digest(canonical)})


def refusal(ready, text: str) -> PrestageError:
    path = ready.paths.plan
    whole = path.read_bytes()
    path.write_text(text)
    try:
        with pytest.raises((Refused, DocumentError)) as caught:
            check(ready, path, ready.clock())
    finally:
        path.write_bytes(whole)
    return caught.value


def test_the_text_that_is_resealed_unchanged_is_the_file(ready, content):
    assert resealed(content) == ready.paths.plan.read_text()


def test_every_leaf_changed_is_altered(few, content):
    assert {field_of(path) for path in leaves(few)} == {field_of(path) for path in leaves(content)}
    whole = json.loads(resealed(few))
    assert is_read(text_of(whole))
    assert [path for path in leaves(whole) if is_read(text_of(changed(whole, path)))] == []


def is_read(text: str) -> bool:
    try:
        Plan.unseal(text, where="plan")
    except DocumentError:
        return False
    return True


def test_every_leaf_changed_and_resealed_is_another_plan(few):
    """Or no plan at all; never one with the digest that was reviewed."""
    paths = [path for path in leaves(few) if path != ("digest",)]
    digests = [digest_of(resealed(changed(few, path))) for path in paths]
    assert digest_of(resealed(few)) not in digests
    found = [digest for digest in digests if digest is not None]
    assert len(found) == len(set(found)) > len(paths) / 3


def digest_of(text: str) -> str | None:
    try:
        return Plan.unseal(text, where="plan").digest()
    except DocumentError:
        return None


def test_the_gate_refuses_every_field_changed(ready, content):
    for field, path in fields(content).items():
        assert refusal(ready, text_of(changed(content, path))).exit_code is code_of(field), path


def test_the_gate_refuses_every_field_changed_and_resealed(ready, content):
    told = {}
    for field, path in fields(content).items():
        if field != "digest":
            error = refusal(ready, resealed(changed(content, path)))
            assert error.exit_code is code_of(field), path
            told[field] = error.what.partition(":")[0].partition(" at ")[0]
    words = {"altered", "not reviewed", "not for this environment", "not for this engine", "superseded", "expired"}
    assert set(told.values()) <= words | {told["version"]}
    assert told["environment"] == "not for this environment"
    assert told["engine"] == "not for this engine"
    assert told["inputs.previous_plan"] == "superseded"
    assert told["made_at"] == "not reviewed"
    assert told["cost.after_usd_per_hour"] == told["relied_on.[].value"] == "not reviewed"


def code_of(field: str) -> ExitCode:
    """A later version is no refusal: another program has to read it."""
    return ExitCode.ERROR if field == "version" else ExitCode.REFUSED


def fields(content: dict[str, Any]) -> dict[str, Path]:
    """One leaf of each field."""
    return {field_of(path): path for path in reversed(list(leaves(content)))}


@pytest.mark.parametrize("key", ["changes", "resources", "requirements", "small", "inputs"])
def test_a_field_taken_out_or_put_in(ready, content, key):
    without = {name: value for name, value in content.items() if name != key}
    for text in (text_of(without), resealed(without), resealed({**content, f"{key}_too": 1})):
        assert refusal(ready, text).exit_code is ExitCode.REFUSED


def test_a_small_plan_is_none_of_a_pipeline(ready):
    """`small` would pass the chain of plans; no review is of such a plan."""
    plan = read_document(Plan, ready.paths.plan).model_copy(update={"small": True})
    assert refusal(ready, plan.sealed()).what.startswith("not reviewed")
