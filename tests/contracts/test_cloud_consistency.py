"""What an environment says of clouds, checked before anything is asked of them."""

import re
from pathlib import Path
from typing import Any

import pytest

from contracts.accounts import TargetName
from contracts.capacity import Catalog, CircuitTier, Shape
from contracts.consistency import check_catalog, check_environment, check_inventory
from contracts.engines import Backend, BackendKind, EngineName, Rollout
from contracts.environment import Environment
from contracts.errors import MalformedDocument
from contracts.inventory import InventoryFacts, LinkInventory, RegionInventory
from contracts.staging import StagingSettings
from contracts.yaml_files import parse_yaml_document
from tests.clouds.clouds_world import LINKS, mixed_environment

MIXED = mixed_environment()
AMS = RegionInventory(name="ams", continent="europe", fault_domain="nl", pools=("10.96.0.0/16",), prices={})
FACTS = InventoryFacts(
    regions=(AMS,), links=tuple(LinkInventory(a=a, b=b, latency_ms=9, gbps=100, prices={"1g": 0.4}) for a, b in LINKS)
)


def refused(check) -> str:
    with pytest.raises(MalformedDocument) as caught:
        check()
    return str(caught.value)


def people(**fields: Any):
    return MIXED.model_copy(update=fields)


def region(of: str, **fields: Any):
    """The environment with something else said of one region."""
    changed = tuple(item.model_copy(update=fields) if item.name == of else item for item in MIXED.regions)
    return people(regions=changed)


def cloud(name: str, **fields: Any):
    """The same of where it lies."""
    there = MIXED.cloud(name)
    assert there
    return region(name, cloud=there.model_copy(update=fields))


def account(name: str, **fields: Any):
    changed = tuple(item.model_copy(update=fields) if item.name == name else item for item in MIXED.accounts)
    return people(accounts=changed)


def test_a_world_of_three_targets_fits_together():
    check_inventory(FACTS, MIXED)
    check_environment(MIXED, FACTS)
    check_environment(MIXED.model_copy(update={"engine": EngineName.PULUMI}), FACTS)


def test_links_may_join_regions_in_clouds_that_the_environment_has():
    assert "links: fra--dub: 'dub' is unknown" in refused(lambda: check_inventory(FACTS))
    lost = FACTS.model_copy(update={"links": (FACTS.links[0].model_copy(update={"b": "dubb"}),)})
    assert "'dubb' is unknown; did you mean 'dub'?" in refused(lambda: check_inventory(lost, MIXED))


FINDINGS: dict[str, Any] = {
    "regions: fra: account 'prot' is unknown; did you mean 'prod'?": cloud("fra", account="prot"),
    "regions: dub and fra are both eu-west-1 of account prod": people(
        regions=tuple(sorted(cloud("fra", location="eu-west-1", zones=("eu-west-1b",)).regions, key=lambda r: r.name))
    ),
    "regions: fra: location 'europe-west3' is not an AWS region such as eu-central-1; account prod is there": cloud(
        "fra", location="europe-west3", zones=("europe-west3-a",)
    ),
    "regions: bel: location 'eu-west-1' is not a Google Cloud region": cloud("bel", location="eu-west-1"),
    "regions: fra: zone 'eu-west-1b' is not in eu-central-1": cloud("fra", zones=("eu-central-1a", "eu-west-1b")),
    "regions: fra: zone 'eu-central-1' is not in eu-central-1": cloud("fra", zones=("eu-central-1",)),
    "regions: fra: zones: 'eu-central-1b' is listed twice": cloud("fra", zones=("eu-central-1b",) * 2),
    "pools: 10.96.0.0/16 of ams overlaps 10.96.0.0/20 of bel": cloud("bel", pools=("10.64.0.0/16", "10.96.0.0/20")),
    "pools: 10.16.0.0/16 of fra overlaps 10.16.0.0/20 of bel": cloud("bel", pools=("10.16.0.0/20",)),
    "bel.pools: '10.64.0.1/16' is not an IPv4 network": cloud("bel", pools=("10.64.0.1/16",)),
    "regions: 'ams' lies in a cloud and in the inventory": region("ams", cloud=MIXED.cloud("bel")),
    "regions: 'lon' is unknown": region("ams", name="lon"),
    "regions: ams: gateway is missing: the public address of its router, where ams--fra ends": region(
        "ams", gateway=""
    ),
    "regions: ams: gateway 'router-1' is no IPv4 address": region("ams", gateway="router-1"),
    "regions: fra: gateway is of regions on premises": region("fra", gateway="198.51.100.1"),
    "links: ams--fra: both ends have asn 64512; what joins two targets needs two": region("ams", asn=64512),
    "regions: ams: prefixes is missing: what lies behind its router, for fra": region("ams", prefixes=()),
    "regions: fra: circuits of ams--fra need `transit`, or a connection in `direct_connect`": cloud(
        "fra", transit=False
    ),
    "staging.block_length: a /29 is too small for dub: its cloud takes a /28": people(
        staging=StagingSettings(block_length=29)
    ),
    "regions: fra: asn 3320 is not private": region("fra", asn=3320),
    "regions: fra: direct_connect: 'ams--dub' is no link of fra": cloud("fra", direct_connect={"ams--dub": "dxcon-1"}),
    "regions: bel: direct_connect is of AWS": cloud("bel", direct_connect={"bel--fra": "dxcon-1"}),
    "regions: fra: prices: m6i.large costs -1": cloud("fra", prices={"m6i.large": -1.0}),
    "accounts: prod: id '12345' is not an AWS account: 12 digits": account("prod", id="12345"),
    "accounts: google: id '123456789012' is not a Google Cloud project id": account("google", id="123456789012"),
    "accounts: prod: role 'admin' is not the ARN of a role": account("prod", role="admin"),
    "accounts: google: role 'me@example.com' is not the e-mail address of a service": account(
        "google", role="me@example.com"
    ),
    "accounts: prod: notify: 'network' is no e-mail address": account("prod", notify=("network",)),
    "accounts: prod: endpoint 'localhost:5000' is no http": account("prod", endpoint="localhost:5000"),
    "accounts: 'prod' is listed twice": people(accounts=(*MIXED.accounts, MIXED.accounts[0])),
    "rollout.waves: 'fraa' is unknown; did you mean 'fra'?": people(rollout=Rollout(waves=(("fraa",),))),
    "rollout.waves: 'fra' is listed twice": people(rollout=Rollout(waves=(("fra", "dub"), ("fra",)))),
    "backend: s3 needs `bucket`": people(backend=Backend(kind=BackendKind.S3, location="eu-west-1")),
    "backend: s3 needs `location`": people(backend=Backend(kind=BackendKind.S3, bucket="states")),
    "backend: gcs needs `bucket`": people(backend=Backend(kind=BackendKind.GCS)),
    "backend: pulumi_cloud needs `organisation`": people(
        engine=EngineName.PULUMI, backend=Backend(kind=BackendKind.PULUMI_CLOUD)
    ),
    "backend: pulumi_cloud is of Pulumi; the engine is terraform": people(
        backend=Backend(kind=BackendKind.PULUMI_CLOUD, organisation="acme")
    ),
}


@pytest.mark.parametrize("told", FINDINGS)
def test_what_can_only_be_a_mistake_is_refused(told):
    assert told in refused(lambda: check_environment(FINDINGS[told], FACTS))


def test_a_hosted_connection_needs_neither_transit_nor_prefixes():
    hosted = cloud("fra", transit=False, direct_connect={"ams--fra": "dxcon-1", "bel--fra": "dxcon-2"})
    bare = tuple(item.model_copy(update={"prefixes": ()}) if item.name == "ams" else item for item in hosted.regions)
    check_environment(hosted.model_copy(update={"regions": bare}), FACTS)


def test_pools_of_premises_are_told_of_once():
    double = FACTS.model_copy(update={"regions": (AMS, AMS.model_copy(update={"name": "lon"}))})
    check_environment(MIXED, double)  # the inventory's own check tells it
    assert "overlaps" in refused(lambda: check_inventory(double, MIXED))


def test_stated_prices_are_of_items_of_the_catalog():
    catalog = Catalog(
        shapes=(Shape(name="m6i.large", vcpu=2, memory_gib=8),),
        storage_classes=(),
        circuit_tiers=(CircuitTier(name="1g", gbps=1),),
    )
    check_catalog(catalog, FACTS, cloud("fra", prices={"m6i.large": 0.1, "address": 0.005}))
    wrong = cloud("fra", prices={"m6i.larg": 0.1})
    assert "fra.cloud.prices: 'm6i.larg' is unknown; did you mean 'm6i.large'?" in refused(
        lambda: check_catalog(catalog, FACTS, wrong)
    )


def test_the_page_s_example_of_three_targets_fits_together():
    page = (Path(__file__).parents[2] / "docs" / "environment.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    environment = parse_yaml_document(Environment, example, where="docs/environment.md")
    joined = FACTS.model_copy(update={"links": tuple(link for link in FACTS.links if {link.a, link.b} <= set(NAMES))})
    assert {environment.target_of(name) for name in NAMES} == set(TargetName)
    check_inventory(joined, environment)
    check_environment(environment, joined)


NAMES = ("ams", "fra", "bel")
