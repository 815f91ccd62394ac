"""An environment with regions in two clouds and on premises, and one resource of each kind wherever it can be.

Regions: `fra` and `dub` (AWS, account "prod"), `ohio` (AWS, account "other"), `bel` and `ost` (Google Cloud), `ams`
(the estate).
"""

from collections.abc import Iterator

from contracts.accounts import Account, CloudRegion, TargetName
from contracts.environment import Environment, RegionSettings
from contracts.names import link_name
from contracts.resources import (
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purchase,
    Purpose,
    Resource,
    Spec,
    StorageSpec,
    root_of,
)
from tests.clouds.moto_server import DEFAULT_ACCOUNT, OTHER_ACCOUNT

PROJECT = "prestage-test"
LINKS = (("fra", "dub"), ("fra", "ohio"), ("bel", "ost"), ("bel", "fra"), ("ams", "fra"))
FAILOVERS = (("fra", "bel"), ("bel", "ams"), ("ams", "fra"))
POOLS = {
    "fra": ("10.16.0.0/16", "10.17.0.0/16"),
    "dub": ("10.32.0.0/16",),
    "ohio": ("10.48.0.0/16",),
    "bel": ("10.64.0.0/16", "10.65.0.0/16"),
    "ost": ("10.80.0.0/16",),
    "ams": ("10.96.0.0/16",),
}
SHAPES = {TargetName.AWS: "m6i.large", TargetName.GCP: "n2-standard-4", TargetName.ESTATE: "m8"}
LARGER = {TargetName.AWS: "m6i.2xlarge", TargetName.GCP: "n2-standard-8"}
"""Shapes whose count varies by hour."""
HOURLY = ComputeSpec(shape="", count=5, by_hour=(1,) * 7 + (5,) * 6 + (3,) * 11)
STORAGE_CLASSES = {
    TargetName.AWS: ("gp3", "s3", "efs"),
    TargetName.GCP: ("pd-balanced", "gcs"),
    TargetName.ESTATE: ("standard",),
}
MOTO_FORGETS = frozenset({"aws_vpn_connection"})
"""Types that moto makes and whose arguments it does not tell again (the inside of tunnels)."""
ALONE = frozenset({"gp3", "efs"})  # moto lacks what replicates them
MOTO_LACKS = frozenset(
    {
        "aws_dlm_lifecycle_policy",
        "aws_dx_connection_confirmation",
        "aws_dx_hosted_connection",
        "aws_dx_private_virtual_interface",
        "aws_ec2_capacity_reservation",
        "aws_efs_replication_configuration",
        "aws_vpn_gateway_route_propagation",
    }
)
"""Types that the AWS target can declare and moto cannot make: none of them is in this world."""
PARTNERS = {"fra": "dub", "dub": "fra", "ohio": "fra", "bel": "ost", "ost": "bel", "ams": "fra"}


def mixed_environment(aws_url: str = "", gcp_url: str = "", *, name: str = "mixed") -> Environment:
    """The environment, its clouds answered at these addresses; by the clouds themselves where they are empty."""
    return Environment(
        name=name,
        owner="network",
        accounts=_accounts(aws_url, gcp_url),
        regions=tuple(_regions()),
    )


def every_kind_of(environment: Environment) -> tuple[Resource, ...]:
    """One resource of each kind in each region, and what joins the regions, in the order of their keys."""
    found = [item for region in environment.regions for item in in_region(environment, region.name)]
    found += [item for link in LINKS for item in on_link(*link)]
    found += [resource(f"{a}/failover/{b}", FailoverSpec(partner=b, share=0.5)) for a, b in FAILOVERS]
    return tuple(sorted(found, key=lambda item: item.key))


def in_region(environment: Environment, region: str) -> Iterator[Resource]:
    """What a region has: its network, blocks, compute, storage and an alert."""
    settings = environment.region(region)
    assert settings
    target, pool = environment.target_of(region), POOLS[region][0]
    base = pool.removesuffix(".0.0/16")
    yield resource(f"{region}/network", NetworkSpec(asn=settings.asn))
    yield resource(f"{region}/block/serving/{base}.16.0-24", BlockSpec(prefix=f"{base}.16.0/24", pool=pool))
    yield resource(f"{region}/block/staged/{base}.32.0-28", BlockSpec(prefix=f"{base}.32.0/28", pool=pool))
    for purpose, number, purchase in _COMPUTE:
        key = "/".join(filter(None, (f"{region}/compute/{purpose}/{SHAPES[target]}", number)))
        yield resource(key, ComputeSpec(shape=SHAPES[target], count=2, purchase=purchase))
    if target is not TargetName.ESTATE:  # no schedule scales hosts on premises
        larger = LARGER[target]
        yield resource(f"{region}/compute/serving/{larger}", HOURLY.model_copy(update={"shape": larger}))
    for name in STORAGE_CLASSES[target]:
        partner = None if name in ALONE else PARTNERS[region]
        spec = StorageSpec(storage_class=name, gib=100, replica_region=partner)
        yield resource(f"{region}/storage/serving/{name}", spec)
    yield resource(f"{region}/alert/vcpu", AlertSpec(metric="vcpu", threshold=0.85))


_COMPUTE = (
    ("serving", "", Purchase.ON_DEMAND),
    ("failover", "", Purchase.SPOT),
    ("staged", "0001", Purchase.ON_DEMAND),
)


def on_link(one: str, other: str) -> Iterator[Resource]:
    """A link and a circuit between two regions."""
    link = link_name(one, other)
    yield resource(f"{link}/link", LinkSpec())
    yield resource(f"{link}/circuit/serving/10g", CircuitSpec(tier="10g", gbps=10, count=1))


def resource(key: str, spec: Spec, *, root: str = "") -> Resource:
    """A resource in its usual place; its purpose is the one that its key names."""
    place = key.partition("/")[0]
    named = [purpose for purpose in Purpose if f"/{purpose}/" in key]
    return Resource(
        key=key, place=place, root=root or root_of(place), purpose=named[0] if named else Purpose.SUPPORT, spec=spec
    )


def _accounts(aws_url: str, gcp_url: str) -> tuple[Account, ...]:
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/prestage"
    return (
        Account(
            name="prod",
            target=TargetName.AWS,
            id=DEFAULT_ACCOUNT,
            endpoint=aws_url,
            dns_zone="Z0PRESTAGE",
            notify=("network@example.com",),
        ),
        Account(name="other", target=TargetName.AWS, id=OTHER_ACCOUNT, role=role, endpoint=aws_url),
        Account(
            name="google",
            target=TargetName.GCP,
            id=PROJECT,
            endpoint=gcp_url,
            dns_zone="prestage-zone",
            dns_domain="prestage.example",
            notify=("network@example.com",),
        ),
    )


def _regions() -> Iterator[RegionSettings]:
    """Numbered from 64512 in this order."""
    lying = (
        ("fra", "prod", "eu-central-1", "europe"),
        ("dub", "prod", "eu-west-1", "europe"),
        ("ohio", "other", "us-east-2", "america"),
        ("bel", "google", "europe-west1", "europe"),
        ("ost", "google", "us-east1", "america"),
    )
    for number, (name, account, location, continent) in enumerate(lying):
        zones = tuple(f"{location}{'-' if account == 'google' else ''}{letter}" for letter in "bc")
        cloud = CloudRegion(
            account=account,
            location=location,
            zones=zones,
            pools=POOLS[name],
            continent=continent,
            fault_domain=name,
        )
        yield RegionSettings(name=name, asn=64512 + number, cloud=cloud)
    yield RegionSettings(name="ams", asn=64530, gateway="198.51.100.10", prefixes=POOLS["ams"])
