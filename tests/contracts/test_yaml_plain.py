"""What is read at once is what is read with its places; what is not plain is left to that."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capacity import Catalog
from contracts.environment import Environment
from contracts.inventory import InventoryFacts
from contracts.yaml_files import _at_once, _Source, _with_places
from contracts.yaml_plain import plain_mapping

ROOT = Path(__file__).parents[2]
FILES = {Environment: "environments/dev.yaml", InventoryFacts: "estate/inventory.yaml", Catalog: "estate/catalog.yaml"}
KEYS = st.sampled_from(("a", "b", "null", "7", "c d", "#", ""))
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text("a7 :-\n~")
)
VALUES = st.recursive(LEAVES, lambda some: st.lists(some, max_size=3) | st.dictionaries(KEYS, some, max_size=3))


@settings(max_examples=60, deadline=None, database=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), st.sampled_from((True, False, None)))
def test_both_ways_read_the_same(content, flow):
    text = yaml.safe_dump(content, default_flow_style=flow, allow_unicode=True)
    source = _Source("a.yaml", text)
    assert plain_mapping(text) == source.value(source.tree(), (), {}) or "&" in text or "!" in text


@pytest.mark.parametrize("kind", FILES, ids=lambda kind: kind.__name__)
def test_files_in_order_are_read_at_once(kind):
    text = (ROOT / FILES[kind]).read_text()
    found = _at_once(kind, text)
    assert found is not None and found == _with_places(kind, text, "a.yaml")
    assert found.digest() == _with_places(kind, text, "a.yaml").digest()


@pytest.mark.parametrize(
    "text",
    (
        "",
        "- a",
        "a",
        "a: 1\na: 2",
        "a: &b 1",
        "a: &b [1]\nc: *b",
        "a: !!str 1",
        "a: !b {c: 1}",
        "a: 1\n---\nb: 2",
        "[a]: 1",
        "{a: 1}: 2",
        "a: [1",
        "a:\n\tb: 1",
        "a: " + "[" * 60 + "]" * 60,
    ),
)
def test_what_is_not_plain_is_nothing(text):
    assert plain_mapping(text) is None
