"""What our declarations say that the provider of March 2021 does not know yet.

The real provider that tests can build is 3.60. Types and arguments that came later are taken out before it sees them
(`as_of_3_60`); they are checked against the classes of pulumi_gcp, which are made from the current provider's schema.
docs/targets/gcp.md has the same list, held to this one by a test.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from stacks.declaration import Argument, Declaration, ProviderConfig
from stacks.engines.engine import Job

TYPES = (
    "google_compute_disk_async_replication",
    "google_compute_region_commitment",
    "google_network_connectivity_internal_range",
)
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "google_compute_disk": ("async_primary_disk", "provisioned_iops", "provisioned_throughput"),
    "google_compute_region_disk": ("async_primary_disk",),
    "google_compute_external_vpn_gateway": ("labels",),
    "google_compute_ha_vpn_gateway": ("labels",),
    "google_compute_health_check": ("source_regions",),
    "google_compute_instance_template": (
        "reservation_affinity",
        "scheduling.instance_termination_action",
        "scheduling.provisioning_model",
    ),
    "google_compute_interconnect_attachment": ("labels",),
    "google_compute_region_instance_group_manager": ("all_instances_config",),
    "google_dns_record_set": ("routing_policy",),
    "google_storage_bucket": ("custom_placement_config",),
}
VALUES = {"google_compute_region_instance_group_manager": ("update_policy.minimal_action", "REFRESH", "REPLACE")}
"""A value that came later, and what stands in for it."""

SETTINGS = ("network_connectivity_custom_endpoint",)


def as_of_3_60(job: Job) -> Job:
    """A job that the old provider takes: the same without what came later."""
    roots = {root: tuple(older(item) for item in items if item.type not in TYPES) for root, items in job.roots.items()}
    return replace(job, roots=roots, providers={name: _older_provider(item) for name, item in job.providers.items()})


def older(item: Declaration) -> Declaration:
    """A declaration as the old provider takes it."""
    arguments: Mapping[str, Argument] = dict(item.arguments)
    for path in ARGUMENTS.get(item.type, ()):
        if path == "routing_policy":
            arguments = {**arguments, "rrdatas": _first_answer(arguments)}
        arguments = _without(arguments, path)
    if item.type in VALUES:
        path, value, former = VALUES[item.type]
        block, _, name = path.partition(".")
        held = arguments[block]
        assert isinstance(held, Mapping) and held[name] == value
        arguments = {**arguments, block: {**held, name: former}}
    newer = ARGUMENTS.get(item.type, ())
    ignore = tuple(name for name in item.lifecycle.ignore if name not in newer)
    return replace(item, arguments=arguments, lifecycle=replace(item.lifecycle, ignore=ignore))


def _without(arguments: Mapping[str, Argument], path: str) -> Mapping[str, Argument]:
    name, _, below = path.partition(".")
    held = arguments.get(name)
    if below and isinstance(held, Mapping):
        return {**arguments, name: _without(held, below)}
    return {key: value for key, value in arguments.items() if key != name}


def _first_answer(arguments: Mapping[str, Argument]) -> Argument:
    """What a record answers while everything is well."""
    policy = arguments["routing_policy"]
    assert isinstance(policy, Mapping)
    if "wrr" in policy:
        first = next(item for item in _items(policy["wrr"]))
        return first["rrdatas"]
    assert isinstance(policy["primary_backup"], Mapping)
    primary = policy["primary_backup"]["primary"]
    assert isinstance(primary, Mapping)
    return primary["external_endpoints"]


def _items(value: Argument) -> Iterator[Mapping[str, Argument]]:
    assert isinstance(value, tuple)
    return (item for item in value if isinstance(item, Mapping))


def _older_provider(config: ProviderConfig) -> ProviderConfig:
    kept = {name: value for name, value in config.settings.items() if name not in SETTINGS}
    return replace(config, settings=kept)
