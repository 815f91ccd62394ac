"""Parity, as engines and providers say: what OpenTofu plans with the real providers is what its roots were told.

Together with `test_parity.py` this carries the law from Pulumi and CloudFormation to the plan that the real provider
makes. All regions stand in one root here, and plans of several worlds in one run: each start of an engine costs.
"""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import replace

import pytest

from contracts.names import is_link, link_ends
from stacks.declaration import Argument, Declaration, Ref
from stacks.engines.engine import Job
from stacks.engines.terraform_engine.backends import StatePlace
from stacks.engines.terraform_engine.program import find_program
from stacks.engines.terraform_engine.render import render_roots
from stacks.errors import EngineMissing
from tests.clouds.clouds_world import mixed_environment
from tests.clouds.gcp_newer import as_of_3_60
from tests.clouds.mirror import aws_mirror, cli_config, google_mirror
from tests.clouds.moto_server import aws_environ, moto_server
from tests.laws.parity.compare import differing
from tests.laws.parity.terraform_view import configured, planned, unkeyed
from tests.laws.parity.words import without_order
from tests.laws.parity.worlds import World, everything

ROOT = "everything"
REGIONS = {"fra", "dub", "bel"}  # each starts a provider: two of one account on AWS, one on Google Cloud


def missing() -> str:
    try:
        find_program()
    except EngineMissing as error:
        return str(error)
    return ""


pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.skipif(bool(missing()), reason=missing())]


def in_one_root(job: Job) -> Job:
    """All that lies in clouds, in one root; what refers to premises is left out with them."""
    items = {item.key: item for found in job.roots.values() for item in found if not item.type.startswith("estate_")}
    while gone := [key for key, item in items.items() if any(ref.key not in items for ref in item.refs())]:
        for key in gone:
            del items[key]
    return replace(job, roots={ROOT: tuple(_at_home(item, items) for item in items.values())})


def _places(place: str) -> set[str]:
    return set(link_ends(place)) if is_link(place) else {place}


def _at_home(item: Declaration, items: Mapping[str, Declaration]) -> Declaration:
    arguments = {name: _here(value) for name, value in item.arguments.items()}
    depends_on = tuple(key for key in item.depends_on if key in items)
    return replace(item, root=ROOT, arguments=arguments, exports=(), depends_on=depends_on)


def _here(value: Argument) -> Argument:
    if isinstance(value, Ref):
        return replace(value, root="")
    if isinstance(value, Mapping):
        return {name: _here(inner) for name, inner in value.items()}
    return tuple(_here(inner) for inner in value) if isinstance(value, tuple) else value


def test_what_the_real_providers_plan_is_what_the_roots_say(tmp_path):
    config = cli_config(tmp_path, aws_mirror(), google_mirror())
    folder = tmp_path / ROOT
    folder.mkdir()
    with moto_server() as url:
        world = everything()
        accounts = {item.name: item.endpoint for item in mixed_environment(url, "http://127.0.0.1:9").accounts}
        answered = tuple(
            item.model_copy(update={"endpoint": accounts[item.name]}) for item in world.environment.accounts
        )
        chosen = tuple(item for item in world.resources if _places(item.place) <= REGIONS)
        job = World(world.environment.model_copy(update={"accounts": answered}), chosen).job()
        texts = render_roots(as_of_3_60(in_one_root(job)), StatePlace())
        (folder / "main.tf.json").write_text(texts[ROOT])
        environ = {**aws_environ(), "TF_CLI_CONFIG_FILE": str(config), "GOOGLE_OAUTH_ACCESS_TOKEN": "x"}
        environ |= {f"TF_VAR_{name}": "secret" for name in json.loads(texts[ROOT]).get("variable", ())}
        for command in (["init", "-no-color"], ["plan", "-no-color", "-out=plan.bin", "-refresh=false"]):
            _run(folder, environ, *command)
        shown = json.loads(_run(folder, environ, "show", "-json", "plan.bin"))
    told = configured(texts)
    assert len(told) > 80
    seen = planned(shown)
    assert told.keys() == seen.keys()
    assert differing(without_order(unkeyed(told, seen)), without_order(seen), ()) == []


def _run(folder, environ, *arguments):
    command = [*find_program().command, f"-chdir={folder}", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
