"""The pages on settings and rules name every one of them, with the default and level that they have."""

import re
from pathlib import Path
from typing import get_origin

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from contracts.environment import Environment
from contracts.review import Exemptions
from contracts.yaml_files import parse_yaml_document
from policies.pack.judge import PACK_RULES
from policies.registry import RULES

DOCS = Path(__file__).parents[2] / "docs"


def settings(model: type[BaseModel] = Environment, prefix: str = ""):
    """Dotted name and default of every setting that has no settings of its own."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from settings(inner, f"{prefix}{name}.")
            continue
        items = [
            part for part in getattr(inner, "__args__", ()) if isinstance(part, type) and issubclass(part, BaseModel)
        ]
        yield f"{prefix}{name}", field.default
        if items:
            several = "[]" if get_origin(inner) is tuple else ""
            yield from settings(items[0], f"{prefix}{name}{several}.")


def rows(page: Path):
    """Name and the other cells of every table row that is about a setting."""
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`"):
            yield cells[0].strip("`"), cells[1:]


EXPECTED = dict(settings()) | {"format": PydanticUndefined, "version": PydanticUndefined}
WRITTEN = dict(rows(DOCS / "environment.md"))


def test_every_setting_is_on_the_page_and_no_other():
    assert set(WRITTEN) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_default_on_the_page_is_the_default(name):
    default, written = EXPECTED[name], WRITTEN[name][1].strip()
    if default is PydanticUndefined:
        assert written == "required"
    elif isinstance(default, dict) and default:
        assert written == ", ".join(f"{kind.value} {number}" for kind, number in default.items())
    elif default in (None, "", (), {}):
        assert written == "none"
    else:
        assert written == f"`{str(default).lower() if isinstance(default, bool) else default}`"


@pytest.mark.parametrize("name", EXPECTED)
def test_every_setting_says_why(name):
    assert WRITTEN[name][2].strip()


def test_every_rule_is_on_the_page_with_its_level_and_promise():
    page = (DOCS / "policies.md").read_text()
    found = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", page, re.MULTILINE)
    assert found == [(rule.code, rule.level.value, rule.promise) for rule in RULES]


def test_the_rules_of_the_pack_are_on_the_page():
    page = (DOCS / "policies.md").read_text().partition("## The Pulumi policy pack")[2]
    assert set(PACK_RULES) <= set(re.findall(r"`(\w+)`", page))
    assert set(PACK_RULES) < {rule.code for rule in RULES}


def test_the_example_of_an_exemption_can_be_read():
    page = (DOCS / "policies.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(parse_yaml_document(Exemptions, example, where="docs/policies.md").exemptions) == 1
