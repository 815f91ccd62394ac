"""Where regions lie in clouds: the accounts of an environment, and a region's place in one.

Part of `contracts.environment.Environment`.
"""

from enum import StrEnum
from typing import Literal

from pydantic import Field, NonNegativeInt

from contracts.document import Model, unsaid
from contracts.names import RegionName


class TargetName(StrEnum):
    """Where resources are made."""

    ESTATE = "estate"
    AWS = "aws"
    GCP = "gcp"


class Account(Model):
    """An AWS account or a Google Cloud project.

    Attributes:
        name: what regions call it.
        id: the account's 12 digits, or the project's id.
        role: assumed by the engine and by whatever reads: ARN of an AWS role, or e-mail of a service account. Without
            it, the credentials of whoever runs it. Never a secret.
        endpoint: where its APIs are answered, if not by the cloud itself: `http://127.0.0.1:5000`.
        dns_zone: hosted zone id, or managed zone name, where failover records go; none without it.
        dns_domain: on Google Cloud, the domain of that zone, `example.com`: Cloud DNS wants whole names.
        notify: e-mail addresses that alerts go to.
        buy_commitments: whether committed capacity is bought; otherwise it is recommended.
    """

    name: RegionName
    target: Literal[TargetName.AWS, TargetName.GCP]
    id: str = Field(min_length=4, max_length=63)
    role: str = ""
    endpoint: str = ""
    dns_zone: str = ""
    dns_domain: str = ""
    notify: tuple[str, ...] = ()
    buy_commitments: bool = False


class CloudRegion(Model):
    """Where a region lies in a cloud, and what it may use there.

    Attributes:
        account: name of one of the environment's accounts.
        location: the cloud's own name of the region: `eu-central-1`, `europe-west3`.
        zones: where its resources are spread: `eu-central-1a`.
        pools: what addresses are taken from (CIDR); the first is the network's own.
        continent, fault_domain: as an inventory says them of regions on premises.
        prices: USD per hour by item of the catalog, as an inventory says them; they outweigh the cloud's list prices.
        stock: at most so many instances of a shape, whatever quotas say: what the cloud has promised, or told you.
        image: what instances start from: an image id, a public parameter (`resolve:ssm:...`), an image family; the
            target's own default where it is empty.
        transit: on AWS, keep a transit gateway with the network, which circuits to other regions stand on.
        direct_connect: on AWS, connection ids by link, where circuits are hosted on them instead of a transit gateway.
        ipam_pool: on AWS, id of an IPAM pool of this location that the network's pools are allocated from.
    """

    account: RegionName
    location: str = Field(min_length=4, max_length=40)
    zones: tuple[str, ...] = Field(min_length=1)
    pools: tuple[str, ...] = Field(min_length=1)
    continent: str
    fault_domain: str
    prices: dict[str, float] = Field(default={})
    stock: dict[str, NonNegativeInt] = Field(default={}, exclude_if=unsaid)
    image: str = ""
    transit: bool = True
    direct_connect: dict[str, str] = Field(default={})
    ipam_pool: str = ""
