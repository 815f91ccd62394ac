"""What is read at once is what is read with its places; what is not plain is left to that."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.capacity import Catalog
from contracts.environment import Environment
from contracts.inventory import InventoryFacts
from contracts.yaml_files import _at_once, _Source, _with_places
from contracts.yaml_plain import plain_mapping, plain_text, scalar

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


NUMBERS = st.text("0179xobef_.+-E:", min_size=1, max_size=9)
WORDS = st.sampled_from(("y", "N", "yes", "Off", "null", "~", "=", "<<", "0o17", "09", "1e5", "1_0", "12:30", ".inf"))
FOUND = st.dictionaries(
    KEYS | WORDS | NUMBERS,
    st.recursive(
        LEAVES | NUMBERS | WORDS, lambda some: st.dictionaries(NUMBERS | WORDS, some, max_size=3), max_leaves=5
    ),
    min_size=1,
    max_size=4,
)
GO_WORDS = {"", "~", "true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL", "<<"}
GO_WORDS |= {sign + name for sign in ("", "+", "-") for name in (".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN")}
GO_BOOLEANS = {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"}
GO_HINTS = {"", *"+-.0123456789~yYnNtTfFoO<"}
GO_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def go_takes_as_text(text: str) -> bool:
    """Whether yaml.v3 (resolve.go) takes a plain scalar for text: its words, Go's integers, its own floats."""
    if text[:1] not in GO_HINTS:
        return True
    if text in GO_WORDS | GO_BOOLEANS or GO_FLOAT.fullmatch(text.replace("_", "")):
        return False
    digits = text.replace("_", "").lstrip("+-")
    bases = ((r"0b[01]+", 2), (r"0o?[0-7]+", 8), (r"0x[0-9a-f]+", 16))
    return not any(re.fullmatch(pattern, digits, re.IGNORECASE) for pattern, _ in bases)


@settings(max_examples=100, deadline=None, database=None)
@given(FOUND)
@example({"._0": "-_1"})
@example({"a": "1e5", "b": "09", "c": 12345678901234567890, "d": ["0o17", "y", 1e20]})
def test_what_is_written_is_read_alike_by_every_reader(content):
    text = plain_text(content)
    assert plain_mapping(text) == content
    assert yaml.safe_load(text) == content
    for event in yaml.parse(text):
        if isinstance(event, yaml.ScalarEvent) and event.style is None and isinstance(_value(event.value), str):
            assert go_takes_as_text(event.value), event.value


def _value(text: str) -> object:
    return scalar(text, quoted=False)


def test_whole_numbers_are_whole_however_long():
    assert plain_mapping("a: 12345678901234567890") == {"a": 12345678901234567890}
    assert plain_mapping(f"a: {'9' * 4001}") == {"a": "9" * 4001}


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
