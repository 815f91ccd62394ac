"""All that the AWS target declares and moto can make, by our engine: three regions in two accounts.

One life is one test: apply, a clean plan, a change, drift that is mended, destruction. Minutes: the provider waits.
"""

import boto3
import pytest

from contracts.environment import Environment
from contracts.names import is_link, link_ends
from contracts.ports import Silent
from contracts.resources import AlertSpec, ComputeSpec, FailoverSpec
from contracts.run import RunStatus
from stacks.engines.engine import Action, Job
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.targets import aws
from stacks.targets.declare import by_root, providers
from tests.clouds.clouds_world import every_kind_of, mixed_environment, resource
from tests.clouds.mirror import aws_mirror, cli_config
from tests.clouds.moto_server import call_moto, moto_server
from tests.engines.terraform_project import other_programs, tofu_missing

pytestmark = [
    pytest.mark.engine,
    pytest.mark.long,
    pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing()),
]
REGIONS = ("ams", "dub", "fra", "ohio")
LOCATIONS = ("eu-central-1", "eu-west-1")


@pytest.fixture
def url():
    with moto_server() as address:
        yield address


@pytest.fixture(autouse=True)
def caller(tmp_path, monkeypatch):
    call_moto(monkeypatch)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, aws_mirror())))


def world(url: str) -> Environment:
    """The mixed environment without Google Cloud, with a zone that is there."""
    zone = boto3.client("route53", endpoint_url=url, region_name="us-east-1").create_hosted_zone(
        Name="example.com", CallerReference="world"
    )
    mixed = mixed_environment(url)
    accounts = tuple(
        account.model_copy(update={"dns_zone": account.dns_zone and zone["HostedZone"]["Id"].rpartition("/")[2]})
        for account in mixed.accounts
    )
    regions = tuple(region for region in mixed.regions if region.name in REGIONS)
    return mixed.model_copy(update={"regions": regions, "accounts": accounts})


def resources(environment: Environment, *, count: int = 2, threshold: float = 0.85):
    """Everything that the environment's regions can have; `fra` serves with `count` instances."""
    touching = (item for item in every_kind_of(mixed_environment()) if item.place != "ams")
    inside = (item for item in touching if set(ends(item.place)) <= set(REGIONS))
    found = {item.key: item for item in inside if "/failover/bel" not in item.key}
    changed = (
        resource("fra/failover/dub", FailoverSpec(partner="dub", share=0.5)),
        resource("fra/compute/serving/m6i.large", ComputeSpec(shape="m6i.large", count=count)),
        resource("ohio/alert/vcpu", AlertSpec(metric="vcpu", threshold=threshold)),
    )
    return [*(found | {item.key: item for item in changed}).values()]


def ends(place: str) -> tuple[str, ...]:
    return link_ends(place) if is_link(place) else (place,)


def job_of(environment: Environment, items) -> Job:
    """What AWS has of it: premises, where tunnels end, are declared elsewhere."""
    roots = dict.fromkeys(("dub", "fra", "ohio", "links"), ())
    declared = by_root(aws.declare(items, environment))
    return Job(environment=environment.name, roots={**roots, **declared}, providers=providers(environment))


def actions(preview):
    return {key: action for root in preview.roots for key, action in root.actions.items()}


@pytest.mark.parametrize("name", ["tofu", "terraform"])
def test_a_life_of_the_whole_world(tmp_path, url, name):
    program = other_programs().get(name) if name != "tofu" else None
    if name != "tofu" and program is None:
        pytest.skip(f"no {name}")
    engine = TerraformEngine(tmp_path / "roots", tmp_path / "estate.db", program)
    environment = world(url)
    job = job_of(environment, resources(environment))
    number = sum(len(items) for items in job.roots.values())

    outcomes = engine.apply(job, Silent())
    assert {item.status for item in outcomes} == {RunStatus.DONE}, outcomes
    assert sum(item.created for item in outcomes) == number == len(engine.applied())
    assert actions(engine.preview(job, Silent())) == {}

    changed = job_of(environment, resources(environment, count=3, threshold=0.7))
    shown = actions(engine.preview(changed, Silent()))
    assert shown == dict.fromkeys(("fra/compute/serving/m6i.large", "ohio/alert/vcpu"), Action.UPDATE)
    assert sum(item.updated for item in engine.apply(changed, Silent())) == 2
    assert actions(engine.preview(changed, Silent())) == {}

    _what_somebody_took_away_is_seen_and_put_right(engine, changed, url)
    gone = engine.apply(job_of(environment, ()), Silent())
    assert {item.status for item in gone} == {RunStatus.DONE} and sum(item.deleted for item in gone) == number, gone
    assert engine.applied() == {}
    for location in LOCATIONS:
        ec2 = boto3.client("ec2", endpoint_url=url, region_name=location)
        ours = [{"Name": "tag:prestage:environment", "Values": [environment.name]}]
        assert ec2.describe_vpcs(Filters=ours)["Vpcs"] == [] == ec2.describe_volumes(Filters=ours)["Volumes"]


def _what_somebody_took_away_is_seen_and_put_right(engine: TerraformEngine, job: Job, url: str) -> None:
    """A default route is gone, and a volume bears another name."""
    ec2, applied = boto3.client("ec2", endpoint_url=url, region_name="eu-west-1"), engine.applied()
    ec2.delete_route(RouteTableId=applied["dub/network/routes"].id, DestinationCidrBlock="0.0.0.0/0")
    volume = next(key for key in applied if key.startswith("dub/storage/serving/gp3"))
    ec2.create_tags(Resources=[applied[volume].id], Tags=[{"Key": "Name", "Value": "theirs"}])
    seen = {item.key: item.action for item in engine.observe(job, Silent()) if item.action is not None}
    assert seen == {"dub/network/internet/route": Action.CREATE, volume: Action.UPDATE}
    outcomes = {item.root: item for item in engine.apply(job, Silent())}
    assert (outcomes["dub"].created, outcomes["dub"].updated) == (1, 1)
    assert {item.status for root, item in outcomes.items() if root != "dub"} == {RunStatus.CLEAN}
