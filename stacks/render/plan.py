"""`render_plan`: a plan as the files of one engine, on top of the renderer that this engine is run with. Pure.

Rendering is no way around the gate: it makes nothing, and asks for no review.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from contracts.environment import Environment
from contracts.plan import Plan
from stacks.apply import make_order
from stacks.engines.engine import Job
from stacks.render.cloudformation import write_cloudformation
from stacks.render.pulumi import write_pulumi
from stacks.render.terraform import write_terraform
from stacks.render.written import Written


class RenderEngine(StrEnum):
    """In whose words a plan can be written."""

    TERRAFORM = "terraform"
    PULUMI = "pulumi"
    CLOUDFORMATION = "cloudformation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A plan in one engine's words.

    Attributes:
        plan: its digest.
    """

    environment: str
    engine: RenderEngine
    plan: str
    written: Written


_WRITERS: Mapping[RenderEngine, Callable[[Job, Environment], Written]] = {
    RenderEngine.TERRAFORM: write_terraform,
    RenderEngine.PULUMI: write_pulumi,
    RenderEngine.CLOUDFORMATION: write_cloudformation,
}


def render_plan(plan: Plan, environment: Environment, engine: RenderEngine) -> Rendering:
    """All files of a plan in an engine's words; the same plan gives the same bytes.

    Raises:
        InvalidArgument: a target has nothing that a resource could be, or nothing lies where the engine reaches.
    """
    job = make_order(plan, environment, resume="").job
    return Rendering(
        environment=environment.name,
        engine=engine,
        plan=plan.digest(),
        written=_WRITERS[engine](job, environment),
    )
