"""Declarations of three regions in two AWS accounts, written by hand, and an engine over moto for them.

`fra` and `dub` lie in one account, `ohio` in another. A region has a network, a subnet, a gateway, a public address and
a security group, in whichever root; `links` joins fra with others. What makes the real provider wait is left alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3

from contracts.engines import Backend
from stacks.declaration import Argument, Declaration, ProviderConfig, Ref, Value
from stacks.engines.engine import Adoption, Job
from stacks.engines.terraform_engine.backends import StatePlace
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.engines.terraform_engine.program import Program
from tests.clouds.moto_server import DEFAULT_ACCOUNT, OTHER_ACCOUNT

LOCATIONS = {"fra": "eu-central-1", "dub": "eu-west-1", "ohio": "us-east-2"}
ACCOUNTS = {"fra": DEFAULT_ACCOUNT, "dub": DEFAULT_ACCOUNT, "ohio": OTHER_ACCOUNT}
NUMBERS = {"fra": 16, "dub": 32, "ohio": 48}
NAME = "dev"


def providers() -> Mapping[str, ProviderConfig]:
    """A configuration a region. AWS_ENDPOINT_URL leads to moto: the block `endpoints` costs 5 s of every command."""
    return {region: ProviderConfig(name=region, provider="aws", settings=_settings(region)) for region in LOCATIONS}


def _settings(region: str) -> Mapping[str, Value]:
    settings: dict[str, Value] = {"region": LOCATIONS[region], "skip_credentials_validation": True}
    if ACCOUNTS[region] != DEFAULT_ACCOUNT:
        settings["assume_role"] = {"role_arn": f"arn:aws:iam::{ACCOUNTS[region]}:role/prestage"}
    return settings


def region_of(name: str, *, tag: str = "one", root: str = "") -> tuple[Declaration, ...]:
    """All that a region has, in its own root or another."""
    number = NUMBERS[name]

    def declare(type: str, below: str, exports: tuple[str, ...] = (), **arguments: Argument) -> Declaration:
        key = f"{name}/network{below}"
        tags = {"prestage:environment": NAME, "prestage:key": key, "Name": tag}
        return Declaration(
            type=type,
            key=key,
            root=root or name,
            arguments={**arguments, "tags": tags},
            provider=name,
            resource=f"{name}/network",
            exports=exports,
        )

    vpc = Ref(key=f"{name}/network")
    return (
        declare("aws_vpc", "", ("id",), cidr_block=f"10.{number}.0.0/16"),
        declare("aws_subnet", "/subnet-a", vpc_id=vpc, cidr_block=f"10.{number}.0.0/24"),
        declare("aws_internet_gateway", "/gateway", vpc_id=vpc),
        declare("aws_eip", "/address", ("public_ip",), domain="vpc"),
        declare("aws_security_group", "/guard", vpc_id=vpc, name=f"{NAME}-{name}", description="all of it"),
    )


def link_of(one: str, other: str, *, root: str = "") -> tuple[Declaration, ...]:
    """A peering, requested by one region and accepted by the other, which lies in `root`, or in its own."""
    key = f"{one}--{other}/link"
    tags = {"prestage:environment": NAME, "prestage:key": key}
    return (
        Declaration(
            type="aws_vpc_peering_connection",
            key=key,
            root="links",
            arguments={
                "vpc_id": Ref(key=f"{one}/network", root=one),
                "peer_vpc_id": Ref(key=f"{other}/network", root=root or other),
                "peer_owner_id": ACCOUNTS[other],
                "peer_region": LOCATIONS[other],
                "tags": tags,
            },
            provider=one,
        ),
        Declaration(
            type="aws_vpc_peering_connection_accepter",
            key=f"{key}/accepter",
            root="links",
            arguments={"vpc_peering_connection_id": Ref(key=key), "auto_accept": True, "tags": tags},
            provider=other,
            resource=key,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class AwsProject:
    """An environment over moto, and the engine in charge of it."""

    folder: Path
    url: str
    engine: TerraformEngine

    def job(self, *declarations: Declaration, roots: Iterable[str] = (), adopt: Iterable[Adoption] = ()) -> Job:
        """The whole content of the roots that are named, and of those that declarations lie in."""
        names = dict.fromkeys((*roots, *(item.root for item in declarations)))
        return Job(
            environment=NAME,
            roots={root: tuple(item for item in declarations if item.root == root) for root in names},
            providers=providers(),
            adopt=tuple(adopt),
        )

    def ec2(self, region: str):
        """A client of the region's account."""
        session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
        if ACCOUNTS[region] != DEFAULT_ACCOUNT:
            sts = session.client("sts", region_name="us-east-1", endpoint_url=self.url)
            role = f"arn:aws:iam::{ACCOUNTS[region]}:role/prestage"
            given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
            session = boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return session.client("ec2", region_name=LOCATIONS[region], endpoint_url=self.url)

    def made_by_hand(self, region: str, vpc: Declaration) -> str:
        """A network just as it is declared, made by somebody else; its id."""
        tags = vpc.arguments["tags"]
        assert isinstance(tags, Mapping)
        made = self.ec2(region).create_vpc(
            CidrBlock=str(vpc.arguments["cidr_block"]),
            TagSpecifications=[
                {"ResourceType": "vpc", "Tags": [{"Key": key, "Value": str(value)} for key, value in tags.items()]}
            ],
        )
        return str(made["Vpc"]["VpcId"])

    def vpcs(self, region: str) -> set[str]:
        """Ids of the networks of this environment in a region."""
        ours = [{"Name": "tag:prestage:environment", "Values": [NAME]}]
        return {row["VpcId"] for row in self.ec2(region).describe_vpcs(Filters=ours)["Vpcs"]}

    def tagged(self, region: str, kind: str) -> dict[str, str]:
        """Ids of a region's resources of a kind (`vpc`, `subnet`), by key."""
        rows = self.ec2(region).describe_tags(
            Filters=[{"Name": "resource-type", "Values": [kind]}, {"Name": "key", "Values": ["prestage:key"]}]
        )
        return {row["Value"]: row["ResourceId"] for row in rows["Tags"]}


def aws_project(folder: Path, url: str, program: Program | None = None, backend: Backend | None = None) -> AwsProject:
    place = StatePlace(backend=backend or Backend(), environment=NAME)
    return AwsProject(
        folder=folder, url=url, engine=TerraformEngine(folder / "roots", folder / "estate.db", program, place=place)
    )
