"""A rendered Pulumi program registers what the engine would: the same types, names, arguments, parents of values."""

import pytest

from contracts.engines import EngineName
from stacks.apply import make_order
from stacks.engines.pulumi_engine.resources import register
from stacks.render.pulumi import _surroundings, write_pulumi
from tests.clouds.clouds_world import every_kind_of, mixed_environment
from tests.laws.parity.registrations import registered
from tests.stacks.render.planned import plan_of

pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated.*")


def test_the_program_registers_what_the_engine_registers():
    environment = mixed_environment().model_copy(update={"engine": EngineName.PULUMI})
    job = make_order(plan_of(environment, every_kind_of(environment)), environment, resume="").job
    declarations = [item for items in job.roots.values() for item in items]
    secrets = sorted({name for item in declarations for name in item.secrets()})
    text = write_pulumi(job, environment).files[f"{environment.name}/__main__.py"]

    def program():
        exec(compile(text, "__main__.py", "exec"), {"__name__": "__main__"})

    written = registered(program, secrets)
    ours = registered(lambda: register(declarations, surroundings=_surroundings(job, environment)), secrets)
    assert len(ours) == len(declarations)
    assert by_name(written) == by_name(ours)


def by_name(lines):
    return {line["name"]: (line["type"], line["inputs"], line["region"]) for line in lines}
