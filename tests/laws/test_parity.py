"""Parity is a law: Terraform, Pulumi and CloudFormation are told the same, whatever the plan.

The views and the comparison (`tests/laws/parity`) share no table with the renderers; each entry of the renderers'
tables is altered in turn to see that the law notices.
"""

from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from stacks.declaration import Declaration
from stacks.engines.cloudformation.types import ACCEPTED, INEXPRESSIBLE, SHAPES
from stacks.engines.engine import Job
from stacks.engines.pulumi_engine.classes import class_of
from stacks.engines.pulumi_engine.naming import BRIDGES
from tests.laws.parity.alterations import altered_bridges, altered_shapes, argument_names
from tests.laws.parity.differences import CLOUDFORMATION, PULUMI
from tests.laws.parity.law import around, cloudformation_breaches, pulumi_breaches, terraform
from tests.laws.parity.terraform_view import Exports
from tests.laws.parity.words import View
from tests.laws.parity.worlds import World, everything, worlds

# pulumi_aws and pulumi_gcp warn of classes of their own as they are imported.
pytestmark = pytest.mark.filterwarnings("ignore:.* has been deprecated in favor of:DeprecationWarning")

EVERYTHING = everything()
JOB = EVERYTHING.job()


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(worlds())
def test_any_plan_is_the_same_in_all_three(world: World) -> None:
    job = world.job()
    view, exports = terraform(job)
    assert pulumi_breaches(view, job, world.environment) == []
    assert cloudformation_breaches(view, exports, job, world.environment) == []


def test_everything_at_once_is_the_same_in_all_three() -> None:
    view, exports = terraform(JOB)
    assert len(view) > 200
    assert pulumi_breaches(view, JOB, EVERYTHING.environment) == []
    assert cloudformation_breaches(view, exports, JOB, EVERYTHING.environment) == []


def test_every_type_of_the_tables_is_declared_somewhere() -> None:
    declared = {item.type for items in JOB.roots.values() for item in items}
    assert SHAPES.keys() | INEXPRESSIBLE.keys() == {type for type in declared if type.startswith("aws_")}


@pytest.mark.parametrize("difference", [*PULUMI, *CLOUDFORMATION], ids=lambda item: f"{item.type}: {item.argument}")
def test_every_difference_that_is_listed_occurs(difference) -> None:
    assert difference.reason
    view, _ = terraform(JOB)
    argument = tuple(difference.argument.split("."))
    facts = [seen.facts for seen in view.values() if difference.is_of(seen.type)]
    assert any(path[: len(argument)] == argument or not difference.argument for found in facts for path in found)


def _declared(type: str) -> list[Declaration]:
    return [item for items in JOB.roots.values() for item in items if item.type == type]


SHAPES_ALTERED = [
    pytest.param(type, shape, id=f"{type}: {what}") for type in SHAPES for what, shape in altered_shapes(SHAPES[type])
]
BRIDGES_ALTERED = [
    pytest.param(type, bridge, id=f"{type}: {what}")
    for type in sorted({item.type for items in JOB.roots.values() for item in items})
    for what, bridge in altered_bridges(
        BRIDGES[type], frozenset(name for item in _declared(type) for name in argument_names(item))
    )
]


@cache
def _right(type: str) -> tuple[Job, View, Exports]:
    """The part of everything that a type is judged by, in which the law finds nothing."""
    job = around(JOB, type)
    view, exports = terraform(job)
    assert cloudformation_breaches(view, exports, job, EVERYTHING.environment) == []
    return job, view, exports


@pytest.mark.parametrize(("type", "shape"), SHAPES_ALTERED)
def test_an_altered_entry_of_cloudformations_tables_is_noticed(monkeypatch, type, shape):
    job, view, exports = _right(type)
    monkeypatch.setitem(SHAPES, type, shape)
    assert _noticed(lambda: cloudformation_breaches(view, exports, job, EVERYTHING.environment))


@pytest.mark.parametrize("type", sorted(ACCEPTED))
def test_an_accepter_that_stands_for_nothing_is_noticed(monkeypatch, type):
    job = around(JOB, type)
    view, exports = terraform(job)
    monkeypatch.delitem(ACCEPTED, type)
    assert _noticed(lambda: cloudformation_breaches(view, exports, job, EVERYTHING.environment))


@pytest.fixture
def fresh_classes():
    """Classes are kept once they are loaded: an altered table has to be read anew."""
    class_of.cache_clear()
    yield
    class_of.cache_clear()


@pytest.mark.usefixtures("fresh_classes")
@pytest.mark.parametrize(("type", "bridge"), BRIDGES_ALTERED)
def test_an_altered_entry_of_pulumis_tables_is_noticed(monkeypatch, type, bridge):
    job = around(JOB, type)
    view, _ = terraform(job)
    monkeypatch.setitem(BRIDGES, type, bridge)
    assert _noticed(lambda: pulumi_breaches(view, job, EVERYTHING.environment))


def _noticed(law) -> bool:
    """Whether the law finds a breach, or the renderer itself refuses what it is told."""
    try:
        return bool(law())
    except Exception:  # of any kind: a class that takes no such argument, a resource that is not there
        return True
