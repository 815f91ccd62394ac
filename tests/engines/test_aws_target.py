"""What the AWS target declares, before the real hashicorp/aws: all types are planned, what moto can make is made there.

The whole world in three regions and two accounts takes minutes: `python3 run.py test -m long` runs it.
"""

import json
import shutil

import boto3
import pytest

from stacks.engines.terraform_engine.program import find_program
from stacks.targets import aws
from stacks.targets.aws.imports import NOT_IMPORTABLE
from stacks.targets.declare import providers
from tests.clouds.aws_types import every_type
from tests.clouds.clouds_world import MOTO_FORGETS, every_kind_of, mixed_environment
from tests.clouds.flat_root import Terraform, address, flat_root
from tests.clouds.mirror import aws_mirror, cli_config
from tests.clouds.moto_server import aws_environ, moto_server

PROGRAMS = ("tofu", "terraform")
# What an import cannot know, because no API tells it: how the provider itself behaves. It goes into the state alone.
STATE_ONLY = {
    "aws_autoscaling_group": {
        "capacity_reservation_specification",  # none, and an empty one
        "force_delete",
        "force_delete_warm_pool",
        "ignore_failed_scaling_activities",
        "wait_for_capacity_timeout",
    },
    "aws_s3_bucket": {"force_destroy"},
    "aws_sns_topic_subscription": {"confirmation_timeout_in_minutes", "endpoint_auto_confirms"},
    "aws_vpc_peering_connection": {"auto_accept"},
    "aws_vpc_peering_connection_accepter": {"auto_accept"},
}

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(scope="module")
def url():
    with moto_server() as address:
        yield address


@pytest.fixture
def folder(tmp_path):
    """A function that makes a program in a folder of its own, with the real provider to be had."""

    def make(program: str = "tofu", name: str = "root") -> Terraform:
        path = shutil.which("terraform") if program == "terraform" else find_program().command[0]
        if not path or (program == "tofu" and not path.endswith("tofu")):
            pytest.skip(f"no {program}")
        made = tmp_path / name
        made.mkdir()
        environ = {
            **aws_environ(),
            "CHECKPOINT_DISABLE": "1",
            "TF_CLI_CONFIG_FILE": str(cli_config(made, aws_mirror())),
        }
        return Terraform(program=path, folder=made, environ=environ)

    return make


@pytest.mark.parametrize("program", ["tofu", pytest.param("terraform", marks=pytest.mark.long)])
def test_the_provider_would_make_every_type(folder, url, program):
    environment, everything = every_type(url)
    terraform = folder(program)
    terraform.write(flat_root(everything, [providers(environment)["fra"]]))
    terraform.run("init", "-no-color")
    terraform.run("plan", "-no-color", "-out=plan.bin")
    assert terraform.planned() == {address(item): ("create",) for item in everything}


def test_every_type_that_can_bear_tags_does(folder):
    _, everything = every_type()
    terraform = folder()
    terraform.write(flat_root((), [providers(mixed_environment())["fra"]]))
    terraform.run("init", "-no-color")
    schemas = json.loads(terraform.run("providers", "schema", "-json"))["provider_schemas"]
    (types,) = (schema["resource_schemas"] for schema in schemas.values())
    for item in everything:
        block = types[item.type]["block"]
        taggable = "tags" in block["attributes"] or "tag" in block.get("block_types", {})
        assert taggable == bool(item.arguments.get("tags") or item.arguments.get("tag")), item.type


@pytest.mark.long
def test_a_region_on_moto_is_made_stays_as_it_is_and_is_imported_as_it_is(folder, url):
    environment = mixed_environment(url)
    items = [item for item in aws.declare(every_kind_of(environment), environment) if item.root == "ohio"]
    _made_and_imported(folder, "tofu", environment, items)


@pytest.mark.long
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_whole_world_on_moto_is_made_imported_and_destroyed(folder, url, program, monkeypatch):
    for name, value in aws_environ().items():
        monkeypatch.setenv(name, value)
    zone = boto3.client("route53", endpoint_url=url, region_name="us-east-1").create_hosted_zone(
        Name="example.com", CallerReference=program
    )
    environment = mixed_environment(url, name=f"mixed-{program}")
    accounts = [
        account.model_copy(update={"dns_zone": account.dns_zone and zone["HostedZone"]["Id"].split("/")[-1]})
        for account in environment.accounts
    ]
    environment = environment.model_copy(update={"accounts": tuple(accounts)})
    terraform = _made_and_imported(folder, program, environment, aws.declare(every_kind_of(environment), environment))
    terraform.run("destroy", "-no-color", "-auto-approve")
    assert terraform.attributes() == {}
    for location in ("eu-central-1", "eu-west-1"):
        left = boto3.client("ec2", endpoint_url=url, region_name=location).describe_vpcs(
            Filters=[{"Name": "tag:prestage:environment", "Values": [environment.name]}]
        )
        assert left["Vpcs"] == []


def _made_and_imported(folder, program, environment, items):
    """Applies; a plan has nothing to do; a state that knows nothing gets it all by import, and would change nothing."""
    terraform = folder(program)
    used = {item.provider for item in items}
    configs = [config for name, config in providers(environment).items() if name in used]
    terraform.write(flat_root(items, configs))
    terraform.run("init", "-no-color")
    terraform.run("apply", "-no-color", "-auto-approve")
    terraform.run("plan", "-no-color", "-out=plan.bin")
    assert terraform.planned() == {}
    held = terraform.attributes()
    known = [item for item in items if item.type not in NOT_IMPORTABLE | MOTO_FORGETS]
    imports = [{"to": address(item), "id": aws.import_id(item.type, held[address(item)])} for item in known]
    other = folder(program, "imported")
    other.write(flat_root(known, configs, **{"import": imports}))
    other.run("init", "-no-color")
    other.run("plan", "-no-color", "-out=plan.bin")
    assert _changing(other) == {}
    return terraform


def _changing(terraform):
    """What a plan would do beyond what goes into the state alone, by address."""
    shown = json.loads(terraform.run("show", "-json", "plan.bin"))
    found = {}
    for change in shown["resource_changes"]:
        before, after = change["change"]["before"] or {}, change["change"]["after"]
        changed = {name for name in after if after[name] != before.get(name)} - STATE_ONLY.get(change["type"], set())
        if change["change"]["actions"] not in (["no-op"], ["update"]) or changed:
            found[change["address"]] = (change["change"]["actions"], sorted(changed))
    return found
