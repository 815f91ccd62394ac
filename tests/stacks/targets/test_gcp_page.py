"""What docs/targets/gcp.md shows is true: the environment, the role, the backend and the pipelines."""

import re

import pytest
import yaml

from contracts.engines import Backend
from contracts.environment import Environment
from contracts.resources import NetworkSpec
from stacks.engines.terraform_engine.backends import StatePlace
from tests.clouds.clouds_world import resource
from tests.clouds.gcp_newer import TYPES
from tests.stacks.targets.gcp_world import ENVIRONMENT, buying, declared, touching_google
from tools.environment import ROOT

PAGE = (ROOT / "docs" / "targets" / "gcp.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
DECLARED = declared(touching_google(), buying(ENVIRONMENT))

OTHERWISE = {
    "google_compute_disk_async_replication": "compute.disks.startAsyncReplication",
    "google_compute_external_vpn_gateway": "compute.externalVpnGateways",
    "google_compute_ha_vpn_gateway": "compute.vpnGateways",
    "google_compute_network_peering": "compute.networks.addPeering",
    "google_compute_region_autoscaler": "compute.autoscalers",
    "google_compute_region_commitment": "compute.commitments",
    "google_compute_region_disk": "compute.disks",
    "google_compute_region_instance_group_manager": "compute.instanceGroupManagers",
    "google_compute_router_interface": "compute.routers.update",
    "google_compute_router_peer": "compute.routers.update",
    "google_compute_address": "compute.addresses",
    "google_dns_record_set": "dns.resourceRecordSets",
    "google_monitoring_alert_policy": "monitoring.alertPolicies",
    "google_network_connectivity_internal_range": "networkconnectivity.internalRanges",
    "google_storage_transfer_job": "storagetransfer.jobs",
}


def block_with(name):
    (found,) = [block for block in BLOCKS if isinstance(block, dict) and name in block]
    return found


def test_the_environment_shown_is_one_and_can_be_declared():
    shown = {
        "format": "prestage/environment",
        "version": 1,
        "name": "prod",
        **block_with("accounts"),
        **block_with("backend"),
    }
    environment = Environment.model_validate(
        {key: value for key, value in shown.items() if key not in ("format", "version")}
    )
    made = declared([resource("bel/network", NetworkSpec(asn=64512))], environment)
    assert "bel/network/channel-1" in made


def test_the_backend_shown_is_terraforms():
    place = StatePlace(backend=Backend.model_validate(block_with("backend")["backend"]), environment="prod")
    assert place.block("bel") == {"gcs": {"bucket": "my-project-prestage", "prefix": "prestage/prod/bel"}}


def permissions_of(type):
    """What making, reading and taking away a type needs; a commitment is never taken away."""
    plural = re.sub(r"_(\w)", lambda match: match[1].upper(), type.removeprefix("google_compute_")) + "s"
    base = OTHERWISE.get(type, f"compute.{plural}")
    if type.startswith("google_storage_bucket"):
        base = "storage.buckets"
    if type == "google_monitoring_notification_channel":
        base = "monitoring.notificationChannels"
    if base.count(".") == 2:
        return {base}
    verbs = ("create", "get") if type in ("google_compute_region_commitment",) else ("create", "get", "delete", "list")
    return {f"{base}.{verb}" for verb in verbs}


@pytest.mark.parametrize("type", sorted({item.type for item in DECLARED.values()}))
def test_the_role_shown_allows_every_type(type):
    allowed = set(block_with("includedPermissions")["includedPermissions"])
    assert permissions_of(type) <= allowed


def test_the_role_shown_is_sorted_spelled_alike_and_holds_nothing_of_owners():
    allowed = block_with("includedPermissions")["includedPermissions"]
    assert allowed == sorted(set(allowed)) and all(
        re.fullmatch(r"[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+", item) for item in allowed
    )
    assert not [item for item in allowed if "setIamPolicy" in item or item.startswith("iam.")]


def test_the_table_of_a_plan_names_every_type():
    table = PAGE.split("## What a plan becomes")[1].split("Worth knowing")[0]
    assert set(re.findall(r"`(google_\w+)`", table)) == {item.type for item in DECLARED.values()}
    assert set(TYPES) <= {item.type for item in DECLARED.values()}


def test_the_pipeline_shown_proves_who_it_is_and_holds_no_key():
    workflow = block_with("jobs")
    assert workflow["permissions"]["id-token"] == "write"
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    (auth,) = [step for step in steps if step.get("uses", "").startswith("google-github-actions/auth@")]
    assert set(auth["with"]) == {"workload_identity_provider", "service_account"}
    assert "credentials_json" not in PAGE and "secrets." not in PAGE
    (up,) = next(block for block in BLOCKS if isinstance(block, list))
    assert up["with"]["command"] == "up" and up["uses"].startswith("pulumi/actions@")


def test_the_commands_shown_exist():
    shown = set(re.findall(r"\bprestage (\w+) plans/", PAGE))
    assert shown == {"review", "apply"}
    assert all((ROOT / "prestage" / "commands" / f"{name}.py").is_file() for name in shown)
