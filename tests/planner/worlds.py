"""The plain world of four regions that table tests start from, and short words for what they ask of it."""

from dataclasses import replace

from contracts.environment import RegionSettings
from contracts.plan import Plan
from planner.build import build_plan
from planner.market import Market
from planner.requirements import serving_requirements
from planner.solve import solve
from tests.laws.environments import Recipe, question

RECIPE = Recipe(regions=4)
WORLD = question(RECIPE)


def plan_of(world):
    plan = build_plan(world, solve)
    assert isinstance(plan, Plan), plan
    return plan


def specs(plan, kind, purpose=None):
    wanted = [item.resource for item in plan.resources if item.resource.kind is kind]
    return {resource.key: resource.spec for resource in wanted if purpose in (None, resource.purpose)}


def needs(world):
    return {item.id: item for item in serving_requirements(world, Market.read(world.catalog, world.capacity))}


def people(world, **update):
    return replace(world, environment=world.environment.model_copy(update=update))


def region(world, **settings):
    """The world with other settings for its first region."""
    first, *others = world.environment.regions
    return people(world, regions=(RegionSettings(name=first.name, asn=first.asn, **settings), *others))
