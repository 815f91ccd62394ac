"""A project with a region on AWS, one on Google Cloud and a data centre, each the others' failover, on disk."""

from __future__ import annotations

from pathlib import Path

from tests.coordinator.world import write_load
from tests.stacks.capacity.simulated_aws import GP3, STANDARD, AwsWorld
from tests.stacks.capacity.simulated_gcp import GcpWorld

REGIONS = ("ams", "bel", "fra")
SHAPES = {"fra": "m6i.xlarge", "bel": "n2-standard-4", "ams": "m8"}

ENVIRONMENT = """\
format: prestage/environment
version: 1
name: dev
accounts:
  - {{name: prod, target: aws, id: "123456789012", endpoint: "{aws}", notify: [network@example.com]}}
  - {{name: google, target: gcp, id: prestage-test, endpoint: "{gcp}", notify: [network@example.com]}}
regions:
  - name: ams
    asn: 64530
    gateway: 198.51.100.10
    prefixes: [10.96.0.0/16]
  - name: bel
    asn: 64513
    cloud:
      account: google
      location: europe-west1
      zones: [europe-west1-b, europe-west1-c]
      pools: [10.64.0.0/16]
      continent: europe
      fault_domain: belgium
  - name: fra
    asn: 64512
    cloud:
      account: prod
      location: eu-central-1
      zones: [eu-central-1a, eu-central-1b]
      pools: [10.16.0.0/16]
      continent: europe
      fault_domain: hesse
staging: {{max_units_per_place: 1}}
failover: {{max_partners: 1}}
rules: {{headroom_quantile: 0.8}}
"""

INVENTORY = """\
format: prestage/inventory
version: 1
regions:
  - name: ams
    continent: europe
    fault_domain: holland
    hosts: [{count: 20, vcpu: 64, memory_gib: 256}]
    storage_gib: {standard: 100000}
    pools: [10.96.0.0/16]
    prices: {m8: 0.4, standard: 0.0001, address: 0.004}
links:
  - {a: ams, b: fra, latency_ms: 9, gbps: 20, prices: {1g: 0.4, 10g: 3.0}}
  - {a: ams, b: bel, latency_ms: 7, gbps: 20, prices: {1g: 0.4, 10g: 3.0}}
"""

CATALOG = """\
format: prestage/catalog
version: 1
shapes:
  - {name: m6i.xlarge, vcpu: 4, memory_gib: 16}
  - {name: n2-standard-4, vcpu: 4, memory_gib: 16}
  - {name: m8, vcpu: 8, memory_gib: 32}
storage_classes:
  - {name: gp3}
  - {name: pd-balanced}
  - {name: standard}
circuit_tiers:
  - {name: 1g, gbps: 1}
  - {name: 10g, gbps: 10}
"""


def aws_capacity() -> AwsWorld:
    """Quotas and offers of AWS that are large enough for everything."""
    zones = {f"eu-central-1{zone}": {SHAPES["fra"]} for zone in "ab"}
    return AwsWorld(defaults={STANDARD: 256.0, GP3: 50.0}, zones={"eu-central-1": zones}, page=100)


def gcp_capacity() -> GcpWorld:
    """The same of Google Cloud."""
    quotas = {"europe-west1": {"N2_CPUS": (256.0, 0.0), "SSD_TOTAL_GB": (50000.0, 0.0)}}
    offered = {f"europe-west1-{zone}": {SHAPES["bel"]} for zone in "bc"}
    return GcpWorld(quotas=quotas, zones=offered, page=100)


def write_mixed(folder: Path, aws: str, gcp: str, *, load: float = 0.4, more: str = "") -> Path:
    """All files of the project, and a forecast; `more` is said of the environment besides."""
    for name, text in (
        ("environments/dev.yaml", ENVIRONMENT.format(aws=aws, gcp=gcp) + more),
        ("estate/inventory.yaml", INVENTORY),
        ("estate/catalog.yaml", CATALOG),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    write_load(folder, load, REGIONS)
    return folder
