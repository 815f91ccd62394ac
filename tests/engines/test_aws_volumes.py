"""What people ask of storage changes, and the volume that serves stays: OpenTofu, Terraform, hashicorp/aws and moto.

Of a type that becomes another, the provider's plan is an update. All of it, in the long test, is planned step by step
from what the account has, read back as readers do, and applied. Minutes: the provider waits.
"""

import os
import shutil

import boto3
import pytest

from contracts.accounts import TargetName
from contracts.environment import Environment
from contracts.ports import Silent
from contracts.resources import Purpose, Resource, StorageSpec
from contracts.run import RunStatus
from contracts.storage import Replicas, StorageAsk
from stacks.engines.engine import Job
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.engines.terraform_engine.program import find_program
from stacks.targets import aws
from stacks.targets.declare import by_root, providers
from tests.clouds.clouds_world import mixed_environment, resource
from tests.clouds.flat_root import Terraform, address, flat_root
from tests.clouds.mirror import aws_mirror, cli_config
from tests.clouds.moto_server import call_moto, moto_server
from tests.engines.terraform_project import tofu_missing
from tests.planner.simulate import standing
from tests.planner.storage_world import GP3, IO2
from tests.planner.test_stored import SAFE, SHARES, applied, ask, planned, roomy
from tests.planner.test_turned import on

pytestmark = [
    pytest.mark.engine,
    pytest.mark.long,
    pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing()),
]
FIRST = "fra/storage/serving/gp3"
STEPS = {
    "as it was": ask(gib=100.0),
    "in parts": ask((StorageAsk(name="hot", share=0.25, iops=3500), StorageAsk(name="cold", share=0.75)), gib=100.0),
    "to two partners": ask((StorageAsk(replicas=Replicas.SHARES),), gib=140.0, partners=SHARES[1]),
    "faster than one volume can be": ask((StorageAsk(iops=20_000),), gib=100.0),
    "as it was again": ask(gib=100.0),
    "safer than its type": ask((StorageAsk(least_durability=SAFE),), gib=100.0),
}
TURNS = {  # what a volume is, and what is declared of it
    "gp2": StorageSpec(storage_class="gp3", gib=100, iops=5000, throughput_mibps=400),
    "gp3": StorageSpec(storage_class="io2", gib=150),
    "io1": StorageSpec(storage_class="io2", gib=100, iops=6000),
    "st1": StorageSpec(storage_class="gp3", gib=130),
}


@pytest.fixture
def url():
    with moto_server() as address:
        yield address


@pytest.fixture(autouse=True)
def caller(tmp_path, monkeypatch):
    call_moto(monkeypatch)
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, aws_mirror())))


def one_region(url: str, *, turned: bool = False) -> Environment:
    """`fra`; its zones listed the other way round."""
    mixed = mixed_environment(url)
    (fra,) = (region for region in mixed.regions if region.name == "fra")
    assert fra.cloud
    zones = tuple(reversed(fra.cloud.zones)) if turned else fra.cloud.zones
    return mixed.model_copy(
        update={"regions": (fra.model_copy(update={"cloud": fra.cloud.model_copy(update={"zones": zones})}),)}
    )


def job_of(environment: Environment, wanted) -> Job:
    """The volumes of a plan; replicas are left out, as their partners lie elsewhere."""
    items = [
        item.resource.model_copy(update={"spec": item.resource.spec.model_copy(update={"replica_region": None})})
        for item in wanted.values()
    ]
    roots = by_root(aws.declare(items, environment))
    return Job(environment=environment.name, roots={"fra": (), **roots}, providers=providers(environment))


def as_live(question, engine: TerraformEngine, wanted):
    """The next question: what stands in the account, as it is read there."""
    found = []
    for key, item in engine.applied().items():
        if key in wanted:
            spec = aws.undeclare(item.type, key, item.arguments)
            found.append(Resource(key=key, place="fra", root="fra", purpose=Purpose.SERVING, spec=spec))
    return roomy(standing(applied(question, wanted), found))


@pytest.mark.parametrize("program", ["tofu", "terraform"])
def test_the_plan_of_the_real_provider_for_another_type_is_an_update(tmp_path, url, program):
    """Volumes that somebody made are imported as what they become: nothing is applied, so nothing waits."""
    environment = one_region(url)
    ec2 = boto3.client("ec2", endpoint_url=url, region_name="eu-central-1")
    items, imports = [], []
    for type, spec in TURNS.items():
        made = resource(f"fra/storage/serving/{type}", spec)
        (declared,) = aws.declare([made], environment)
        speed = {"Iops": 300} if type == "io1" else {}
        zone = str(declared.arguments["availability_zone"])
        live = ec2.create_volume(VolumeType=type, Size=130 if type == "st1" else 100, AvailabilityZone=zone,
                                 Encrypted=True, **speed)  # fmt: skip
        items.append(declared)
        imports.append({"to": address(declared), "id": live["VolumeId"]})
    path = shutil.which("terraform") if program == "terraform" else find_program().command[0]
    if not path:
        pytest.skip(f"no {program}")
    terraform = Terraform(program=path, folder=tmp_path, environ=os.environ | {"CHECKPOINT_DISABLE": "1"})
    terraform.write(flat_root(items, [providers(environment)["fra"]], **{"import": imports}))
    terraform.run("init", "-no-color")
    terraform.run("plan", "-no-color", "-out=plan.bin")
    assert terraform.planned() == {address(item): ("update",) for item in items}


def test_a_volume_that_serves_outlives_all_that_people_ask_of_storage(tmp_path, url):
    engine, environment = TerraformEngine(tmp_path / "roots", tmp_path / "estate.db"), one_region(url)
    ec2 = boto3.client("ec2", endpoint_url=url, region_name="eu-central-1")
    question, ids, sizes = on(TargetName.AWS, (GP3, IO2)), set(), [0]
    for name, asked in STEPS.items():
        short, wanted = planned(question, asked)
        assert not short
        job = job_of(environment, wanted)
        outcomes = engine.apply(job, Silent())
        assert {item.status for item in outcomes} <= {RunStatus.DONE, RunStatus.CLEAN}, (name, outcomes)
        assert not sum(item.deleted for item in outcomes), name
        ids.add(engine.applied()[FIRST].id)
        (live,) = ec2.describe_volumes(VolumeIds=[engine.applied()[FIRST].id])["Volumes"]
        sizes.append(live["Size"])
        spec = wanted[FIRST].resource.spec
        assert isinstance(spec, StorageSpec) and live["VolumeType"] == spec.storage_class, name
        if spec.storage_class == "gp3":
            assert live["Iops"] == max(3000, spec.iops // max(1, spec.volumes)), name
        question = as_live(question, engine, wanted)
    assert len(ids) == 1 and sizes == sorted(sizes) and spec.storage_class == "io2"
    turned = job_of(one_region(url, turned=True), planned(question, asked)[1])
    assert not any(root.actions for root in engine.preview(turned, Silent()).roots)
