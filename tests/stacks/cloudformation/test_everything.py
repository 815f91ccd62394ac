"""All that the AWS target can declare: cfn-lint finds nothing, and the page says what is left out."""

from functools import cache

import pytest

from stacks.engines.cloudformation.layout import MAX_OUTPUTS, MAX_PARAMETERS, MAX_RESOURCES
from stacks.engines.cloudformation.templates import render_templates, unexpressed
from stacks.engines.cloudformation.types import INEXPRESSIBLE
from stacks.targets.declare import declare
from tests.laws.parity.worlds import everything
from tests.stacks.cloudformation.lint import findings
from tools.environment import ROOT


@cache
def rendered():
    world = everything()
    return render_templates(declare(world.resources, world.environment), world.environment)


@pytest.mark.parametrize("name", sorted(rendered()))
def test_lint_finds_nothing(name):
    template = rendered()[name]
    assert findings(template) == []
    assert len(template.resources) <= MAX_RESOURCES
    assert len(template.outputs) <= MAX_OUTPUTS
    assert len(template.parameters) <= MAX_PARAMETERS


def test_all_that_is_left_out_has_its_reason_and_is_on_the_page():
    world = everything()
    left = unexpressed(declare(world.resources, world.environment), world.environment)
    assert {item.type for item in left} == INEXPRESSIBLE.keys()
    page = (ROOT / "docs/engines/cloudformation.md").read_text()
    assert [type for type in INEXPRESSIBLE if f"`{type}`" not in page] == []
