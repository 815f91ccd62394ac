"""What people write by hand: read when it is right, and each mistake answered with its place and the likely word."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.capacity import Catalog
from contracts.engines import EngineName
from contracts.environment import Environment
from contracts.errors import DocumentError, MalformedDocument, NewerDocument
from contracts.inventory import InventoryFacts
from contracts.review import Exemptions
from contracts.yaml_files import parse_yaml_document, read_yaml_document

ROOT = Path(__file__).parents[2]
SAMPLE = """\
format: prestage/environment
version: 1
name: dev
engine: pulumi
regions:
  - {name: fra, asn: 64512}
  - name: no
rules:
  budget_usd_per_hour: 1e2
  levels: {budget: advisory}
freezes:
  - start: 2026-12-24T00:00:00Z
    end: 2026-12-27T00:00:00+01:00
    reason: "holidays: nobody is there"
"""


def read(text: str) -> Environment:
    return parse_yaml_document(Environment, text, where="dev.yaml")


def refusal(text: str) -> str:
    with pytest.raises(MalformedDocument) as caught:
        read(text)
    return str(caught.value)


def test_what_is_right_is_read():
    environment = read(SAMPLE)
    assert environment.engine is EngineName.PULUMI
    assert [region.name for region in environment.regions] == ["fra", "no"]  # `no` is no boolean
    assert environment.rules.budget_usd_per_hour == 100
    assert environment.freezes[0].start.isoformat() == "2026-12-24T00:00:00+00:00"


def test_the_sample_project_is_read():
    assert len(read_yaml_document(Environment, ROOT / "environments/dev.yaml").regions) == 7
    assert len(read_yaml_document(InventoryFacts, ROOT / "estate/inventory.yaml").links) == 21
    assert len(read_yaml_document(Catalog, ROOT / "estate/catalog.yaml").shapes) == 6
    assert read_yaml_document(Exemptions, ROOT / "exemptions.yaml").exemptions == ()


MISTAKES = {
    "a typo in a key": (
        "budget_usd",
        "budgt_usd",
        ":9:3: rules.budgt_usd_per_hour: unknown key; did you mean 'budget_",
    ),
    "a key that is nothing like any": ("budget_usd_per_hour", "zzz", ":9:3: rules.zzz: unknown key"),
    "a typo in a list": ("asn:", "ans:", ":6:17: regions[0].ans: unknown key; did you mean 'asn'?"),
    "a typo in a value": ("engine: pulumi", "engine: plumi", ":4:1: engine: is 'plumi', not one of 'terraform' or "),
    "a typo in a level": ("advisory", "advisery", "rules.levels.budget: is 'advisery'"),
    "a wrong type": ("64512", "many", ":6:17: regions[0].asn: input should be a valid integer (it is 'many')"),
    "a number that is text": ("64512", '"64512"', "(it is '64512')"),
    "a boolean for a number": ("1e2", "true", "rules.budget_usd_per_hour: input should be a valid number (it is True)"),
    "out of range": ("64512", "0", "greater than or equal to 1 (it is 0)"),
    "not finite": ("1e2", "1e999", "finite number"),
    "no such region name": ("name: fra", "name: Fra", ":6:6: regions[0].name: 'Fra' is not a region name"),
    "a missing key": ("name: dev\n", "", ":1:1: name: is missing"),
    "a time without a zone": ("2026-12-24T00:00:00Z", "2026-12-24T00:00:00", ":12:5: freezes[0].start: input should"),
    "a group for a word": ("engine: pulumi", "engine: {a: 1}", "engine: is {'a': 1}, not one of"),
    "a key twice": ("engine: pulumi", "name: prod", ":4:1: name: given twice, first in line 3"),
    "a tab": ("  budget", "\tbudget", ":9:1: is not YAML: a tab where YAML wants spaces"),
    "cut off in a group": ('"holidays: nobody is there"\n', '"holidays', "the file may be cut off"),
    "an open group": ("asn: 64512}", "asn: 64512", "is not YAML"),
    "an anchor taken up": ("regions:\n", "owner: &x me\ncatalog: *x\nregions:\n", ":6:1: catalog: is an alias"),
    "a cycle": ("regions:\n", "costs: &x\n  a: *x\nregions:\n", "costs.a: is an alias"),
    "two documents": ("name: dev", "---\nname: dev", "single document"),
    "no format": ("format: prestage/environment\n", "", ": has no `format`"),
    "another format": ("prestage/environment", "prestage/catalog", ":1:1: format: is 'prestage/catalog'"),
    "no version": ("version: 1\n", "", "has no `version`"),
    "a version that is text": ("version: 1", "version: one", ":2:1: version: is 'one'"),
    "a version that is true": ("version: 1", "version: true", "version: is True"),
    "a list as key": ("name: dev", "[a, b]: dev", "a key is not a plain word"),
    "empty": (SAMPLE, "", "is empty"),
    "only a comment": (SAMPLE, "# nothing\n", "is empty"),
    "a word": (SAMPLE, "hello", "holds no keys"),
    "a control character": ("name: dev", "name: d\x00ev", "is not YAML"),
    "very deep": (SAMPLE, "[" * 5000, "is not YAML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_place(mistake):
    old, new, told = MISTAKES[mistake]
    assert old in SAMPLE
    assert told in refusal(SAMPLE.replace(old, new, 1))


def test_all_mistakes_are_told_at_once():
    text = refusal(SAMPLE.replace("asn:", "ans:").replace("budget_usd", "budgt_usd"))
    assert text.startswith("dev.yaml:6:17: regions[0].ans")
    assert "\n  dev.yaml:9:3: rules.budgt_usd_per_hour" in text


def test_many_mistakes_are_counted():
    text = refusal(SAMPLE + "".join(f"extra{number}: 1\n" for number in range(20)))
    assert "and 12 more\n  next: " in text


def test_a_later_version_is_named():
    with pytest.raises(NewerDocument, match=r"dev\.yaml:2:1: is version 2 of prestage/environment"):
        read(SAMPLE.replace("version: 1", "version: 2"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(MalformedDocument, match="no such file"):
        read_yaml_document(Environment, tmp_path / "dev.yaml")


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "dev.yaml").write_bytes(b"name: \xff")
    with pytest.raises(MalformedDocument, match="not UTF-8"):
        read_yaml_document(Environment, tmp_path / "dev.yaml")


@given(st.integers(0, len(SAMPLE)), st.integers(0, 40), st.text(max_size=12))
def test_any_edit_is_read_or_refused_in_words(start, length, inserted):
    try:
        read(SAMPLE[:start] + inserted + SAMPLE[start + length :])
    except DocumentError as error:
        assert str(error).startswith("dev.yaml")
