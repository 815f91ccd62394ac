"""The program of `pulumi up`: which part of a plan it declares in a stack, and what it refuses."""

from dataclasses import dataclass
from typing import ClassVar

import pulumi
import pytest

from contracts.engines import EngineName, Layout
from contracts.environment import Environment, RegionSettings
from contracts.plan import Plan
from stacks import program
from stacks.declaration import Declaration, Ref
from stacks.engines.engine import Adoption
from stacks.engines.pulumi_engine.resources import register
from stacks.errors import OtherEngine, StacksError
from tests.stacks.apply.test_apply import network, plan

PLAN = plan(network("fra"), network("ams"))


def environment(engine=EngineName.PULUMI, layout=Layout.REGION):
    regions = (RegionSettings(name="fra"), RegionSettings(name="ams"))
    return Environment(name="dev", engine=engine, layout=layout, regions=regions)


@dataclass(frozen=True)
class Approved:
    plan: Plan
    environment: Environment
    adopt: tuple[Adoption, ...] = ()


@dataclass
class Gate:
    environment: Environment
    adopt: tuple[Adoption, ...] = ()

    def before(self, plan_path, *, dry_run, confirmed):
        return Approved(PLAN, self.environment, self.adopt)


class Recorded(pulumi.Resource):
    """Stands for `pulumi.CustomResource`: remembers what was registered, in order."""

    made: ClassVar[list["Recorded"]] = []

    def __init__(self, token, name, properties, options):
        self.id, self.name, self.properties, self.options = f"dev/{name}", name, properties, options
        self.token = token  # and nothing of `Resource.__init__`, which wants an engine
        self.made.append(self)


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr(pulumi, "CustomResource", Recorded)
    monkeypatch.setattr(Recorded, "made", [])
    return Recorded.made


@pytest.mark.parametrize(("stack", "keys"), [("dev.fra", ["fra/network"]), ("dev.ams", ["ams/network"])])
def test_a_stack_gets_its_roots(made, tmp_path, stack, keys):
    program.declare_plan(Gate(environment()), stack, tmp_path)
    assert [item.name for item in made] == keys


def test_one_stack_gets_all_of_them(made, tmp_path):
    program.declare_plan(Gate(environment(layout=Layout.ENVIRONMENT)), "dev", tmp_path)
    assert sorted(item.name for item in made) == ["ams/network", "fra/network"]


def test_what_the_gate_found_to_exist_is_imported(made, tmp_path):
    found = (Adoption(key="fra/network", id="dev/fra/network"),)
    program.declare_plan(Gate(environment(layout=Layout.ENVIRONMENT), found), "dev", tmp_path)
    imported = {item.name: item.options.import_ for item in made}
    assert imported == {"fra/network": "dev/fra/network", "ams/network": None}


def test_a_stack_of_another_environment_is_refused(tmp_path):
    with pytest.raises(StacksError, match=r"'prod' is none .*\n.*dev.ams, dev.fra, dev.links"):
        program.declare_plan(Gate(environment()), "prod", tmp_path)


def test_the_other_engine_is_named(tmp_path):
    with pytest.raises(OtherEngine, match="in the charge of terraform"):
        program.declare_plan(Gate(environment(engine=EngineName.TERRAFORM)), "dev.fra", tmp_path)


def declaration(key, **more):
    arguments = {"environment": "dev", "key": key, **more.pop("arguments", {})}
    return Declaration(type="estate_compute", key=key, root="fra", arguments=arguments, **more)


def test_what_is_referred_to_is_registered_first_and_by_its_id(made):
    items = [
        declaration("fra/compute/a", arguments={"network": Ref(key="fra/network")}),
        declaration("fra/compute/b", depends_on=("fra/compute/a", "elsewhere")),
        declaration("fra/network"),
    ]
    register(items, {"fra/compute/b": ""})
    a, b = (next(item for item in made if item.name == f"fra/compute/{name}") for name in "ab")
    assert [item.name for item in made] == ["fra/network", "fra/compute/a", "fra/compute/b"]
    assert a.properties["network"] == "dev/fra/network" and a.token == "estate:index:Compute"
    assert list(b.options.depends_on) == [a]
    assert {item.name: item.options.import_ for item in made if item.options.import_} == {b.name: b.id}


def test_a_circle_is_named():
    with pytest.raises(ValueError, match="in a circle: a, b"):
        register([declaration("a", depends_on=("b",)), declaration("b", depends_on=("a",))])
