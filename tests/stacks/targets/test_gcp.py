"""Declarations of Google Cloud: names, marks, references, both ways, and what is refused."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.environment import Adopted
from contracts.resources import (
    LINKS_ROOT,
    AlertSpec,
    BlockSpec,
    CircuitSpec,
    ComputeSpec,
    FailoverSpec,
    LinkSpec,
    NetworkSpec,
    Purchase,
    Purpose,
    StorageSpec,
)
from stacks.declaration import Ref, SecretRef, secrets_of
from stacks.errors import InvalidArgument
from stacks.targets import gcp
from stacks.targets.gcp.marks import LABEL_LIMIT
from stacks.targets.gcp.placing import FIXED_DESCRIPTION
from stacks.targets.gcp.shapes import FAMILIES
from tests.clouds.clouds_world import resource
from tests.stacks.targets.gcp_world import ENVIRONMENT, buying, committed, declared, touching_google

RFC_1035 = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
SHAPES = st.sampled_from(("n2-standard-4", "e2-highmem-8", "c4-highcpu-16"))
COUNTS = st.integers(1, 500)
IN_A_REGION = st.one_of(
    st.builds(NetworkSpec, asn=st.integers(64512, 65534)),
    st.builds(BlockSpec, prefix=st.sampled_from(("10.64.0.0/24", "10.65.0.0/28")), pool=st.just("10.64.0.0/15")),
    st.builds(ComputeSpec, shape=SHAPES, count=COUNTS, purchase=st.sampled_from(Purchase)),
    st.builds(
        StorageSpec,
        storage_class=st.sampled_from(("gcs", "pd-ssd", "regional-pd-balanced")),
        gib=st.integers(10, 60_000),
        replica_region=st.sampled_from((None, "ost")),
    ),
    st.just(StorageSpec(storage_class="gcs", gib=100, replica_region="ost", copied=True)),
    st.builds(
        StorageSpec,
        storage_class=st.just("hyperdisk-balanced"),
        gib=st.integers(10, 60_000),
        replica_region=st.sampled_from((None, "ost")),
        iops=st.sampled_from((0, 9000)),
        throughput_mibps=st.sampled_from((0, 400)),
    ),
    st.builds(FailoverSpec, partner=st.sampled_from(("ost", "fra", "ams")), share=st.floats(0.001, 1)),
    st.builds(AlertSpec, metric=st.sampled_from(("vcpu", "storage_gib")), threshold=st.sampled_from((0.5, 0.85, 1.0))),
)
CIRCUITS = st.builds(CircuitSpec, tier=st.just("10g"), gbps=st.just(10), count=st.integers(1, 5))
BETWEEN = st.tuples(st.sampled_from(("bel--ost", "bel--fra", "ams--bel")), st.one_of(CIRCUITS, st.just(LinkSpec())))


@given(IN_A_REGION, st.sampled_from(("serving", "staged")))
def test_what_is_declared_in_a_region_can_be_read_back(spec, purpose):
    name = spec.partner if isinstance(spec, FailoverSpec) else f"{purpose}/x"
    item = resource(f"bel/{spec.kind}/{name}", spec)
    standing = declared([item])[item.key]
    arguments = standing.resolved(lambda ref: "known")
    assert gcp.undeclare(standing.type, standing.key, arguments) == spec
    assert gcp.undeclare(standing.type, standing.key, as_in_a_state(arguments)) == spec


def test_a_disk_declares_what_comes_with_it_where_nothing_is_bought_and_stays_in_its_zone():
    """Left out, the provider would keep what was bought before, and a zone that is listed first would move it."""
    key, spec = "bel/storage/serving/x", StorageSpec(storage_class="hyperdisk-balanced", gib=400, replica_region="ost")
    speeds = ("provisioned_iops", "provisioned_throughput")
    parts = declared([resource(key, spec)])
    assert [parts[key].arguments[name] for name in speeds] == [3000, 140]
    assert not {*speeds} & parts[f"{key}/replica"].arguments.keys()
    assert parts[key].lifecycle.ignore == ("zone",)
    (small,) = declared([resource(key, StorageSpec(storage_class=spec.storage_class, gib=4, iops=1900))]).values()
    assert [small.arguments[name] for name in speeds] == [1900, 140]
    (regional,) = declared([resource(key, StorageSpec(storage_class="regional-pd-ssd", gib=20))]).values()
    assert regional.lifecycle.ignore == ("replica_zones",) and not {*speeds} & regional.arguments.keys()
    adopted = ENVIRONMENT.model_copy(update={"adopted": (Adopted(key=key, id="disk-1"),)})
    (found,) = declared([resource(key, spec.model_copy(update={"replica_region": None}))], adopted).values()
    assert not {*speeds} & found.arguments.keys()


@given(BETWEEN)
def test_what_joins_two_regions_can_be_read_back(case):
    place, spec = case
    item = resource(f"{place}/{spec.kind}/x", spec)
    standing = declared([item])[item.key if place == "bel--ost" else f"{item.key}/bel"]
    if place == "bel--fra" and spec.kind == "circuit" and spec.count > 5:
        return
    arguments = standing.resolved(lambda ref: "known")
    assert gcp.undeclare(standing.type, standing.key, arguments) == spec
    assert gcp.undeclare(standing.type, standing.key, as_in_a_state(arguments)) == spec


def as_in_a_state(arguments):
    """As a state has it: every block a list."""
    labels = ("labels", "user_labels")
    return {
        name: (as_in_a_state(value),) if isinstance(value, dict) and name not in labels else value
        for name, value in arguments.items()
    }


@given(st.text(max_size=100), st.text(max_size=100))
def test_labels_are_within_limits_and_as_different_as_what_they_say(one, other):
    first, second = gcp.label_value(one), gcp.label_value(other)
    assert re.fullmatch(f"[a-z0-9_-]{{0,{LABEL_LIMIT}}}", first)
    assert (first == second) == (one == other)


def test_names_are_googles_unique_and_as_long_as_they_may_be():
    names: Counter[tuple[object, ...]] = Counter()
    for item in declared(touching_google()).values():
        name = item.arguments.get("name")
        if isinstance(name, str) and item.type != "google_dns_record_set":
            assert RFC_1035.fullmatch(name), name
            names[item.type, item.provider, item.arguments.get("zone"), name] += 1
            assert len(str(item.arguments.get("base_instance_name", ""))) <= 58
    assert set(names.values()) == {1}


def test_buckets_of_two_projects_that_are_alike_bear_different_names():
    item = resource("bel/storage/serving/gcs", StorageSpec(storage_class="gcs", gib=1))
    accounts = tuple(account.model_copy(update={"id": f"{account.id}-2"}) for account in ENVIRONMENT.accounts)
    other = ENVIRONMENT.model_copy(update={"accounts": accounts})
    assert declared([item])[item.key].arguments["name"] != declared([item], other)[item.key].arguments["name"]


def test_everything_says_whose_it_is():
    """Environment, key and owner: by labels, else by a description, else (nothing to say it in) by its name."""
    by_name = {
        "google_compute_disk_async_replication",
        "google_compute_network_peering",
        "google_compute_router_interface",
        "google_compute_router_peer",
        "google_dns_record_set",
        "google_compute_region_instance_group_manager",  # labels what it makes, and describes itself
    }
    for item in declared(touching_google()).values():
        labels = item.arguments.get("user_labels", item.arguments.get("labels", {}))
        facts = gcp.marks.facts_of(str(item.arguments.get("description", "")))
        key, environment = gcp.label_value(item.key), {"mixed"}
        said = {labels.get("prestage-key")} == {key} or facts.get("key") == item.key or item.type in by_name
        assert said, item.key
        assert {labels.get("prestage-environment", "mixed"), facts.get("environment", "mixed")} == environment
        owned = labels.get("prestage-owner", facts.get("owner"))
        assert owned == "network" or item.type in by_name or item.type == "google_compute_network"


def test_another_owner_replaces_nothing():
    """What cannot change in place says no owner, or is told to leave its description as it is."""
    other = ENVIRONMENT.model_copy(update={"owner": "platform"})
    after = declared(touching_google(), other)
    for key, item in declared(touching_google()).items():
        if item.type in FIXED_DESCRIPTION:
            assert "description" in item.lifecycle.ignore
        if item.type == "google_compute_network":
            assert item.arguments == after[key].arguments


def test_references_lead_to_what_is_declared_there():
    """In the same root by itself, in another by its exports; what AWS declares is AWS's to check."""
    on_demand = [
        resource("bel/block/granted/10.64.1.0-28", BlockSpec(prefix="10.64.1.0/28", pool="10.64.0.0/16"), root="on-r1"),
        resource("bel/compute/granted/n2-standard-4/r1", ComputeSpec(shape="n2-standard-4", count=1), root="on-r1"),
        resource("bel/alert/storage_gib", AlertSpec(metric="storage_gib", threshold=0.9), root="on-r1"),
    ]
    found = declared([*touching_google(), *on_demand])
    for item in found.values():
        for ref in item.refs():
            if ref.key.endswith("/fra") or "/fra/" in ref.key or ref.key == "fra/network/address":
                continue
            target = found[ref.key]
            assert ref.root == ("" if target.root == item.root else target.root), (item.key, ref)
            assert not ref.root or ref.attribute in target.exports, (item.key, ref)


def test_roots_of_two_regions_do_not_wait_for_each_other():
    for item in declared(touching_google()).values():
        assert item.root == LINKS_ROOT or not any(ref.root for ref in item.refs()), item.key


def test_a_small_plan_refers_to_the_network_that_stands():
    item = resource("bel/compute/granted/n2-standard-4/r1", ComputeSpec(shape="n2-standard-4", count=1), root="on-r1")
    template = declared([item])[f"{item.key}/template"]
    assert Ref(key="bel/network/subnet", attribute="self_link", root="bel") in template.refs()


def test_peerings_that_share_a_network_take_turns():
    resources = [resource(f"{link}/link", LinkSpec()) for link in ("bel--ost", "bel--three", "four--ost")]
    regions = tuple(
        settings.model_copy(update={"name": name})
        for name, settings in zip(("bel", "ost", "three", "four"), _google_settings(4), strict=True)
    )
    found = declared(resources, ENVIRONMENT.model_copy(update={"regions": regions}))
    order = sorted(found)
    for number, key in enumerate(order):
        touched = {ref.key for ref in found[key].refs()}
        before = [other for other in order[:number] if touched & {ref.key for ref in found[other].refs()}]
        assert not before or set(found[key].depends_on) & set(before), key
        assert all(order.index(other) < number for other in found[key].depends_on)
    assert found["bel--three/link"].depends_on == ("bel--ost/link/ost",)


def _google_settings(count):
    settings = ENVIRONMENT.region("bel")
    return [settings] * count


def test_handing_a_unit_out_changes_no_declaration():
    staged = [item for item in touching_google() if "/staged/" in item.key]
    granted = [item.model_copy(update={"purpose": Purpose.GRANTED}) for item in staged]
    assert staged and declared(staged) == declared(granted)


def test_a_staged_unit_holds_its_capacity_while_its_group_is_empty():
    key = "bel/compute/staged/n2-standard-4/0001"
    found = declared([resource(key, ComputeSpec(shape="n2-standard-4", count=3))])
    group = found[key]
    assert group.arguments["target_size"] == 0 and group.lifecycle.ignore == ("target_size", "description")
    held = {name: item for name, item in found.items() if item.type == "google_compute_reservation"}
    assert [item.arguments["specific_reservation"]["count"] for item in held.values()] == [2, 1]
    names = {item.arguments["name"] for item in held.values()}
    affinity = found[f"{key}/template"].arguments["reservation_affinity"]
    assert affinity["specific_reservation"]["values"] == tuple(names)


def test_spot_is_not_reserved():
    key = "bel/compute/staged/n2-standard-4/0001"
    found = declared([resource(key, ComputeSpec(shape="n2-standard-4", count=3, purchase=Purchase.SPOT))])
    assert set(found) == {key, f"{key}/template"}
    scheduling = found[f"{key}/template"].arguments["scheduling"]
    assert scheduling["provisioning_model"] == "SPOT" and scheduling["preemptible"] is True


def test_a_template_that_changes_is_another_one_made_first():
    key = "bel/compute/serving/n2-standard-4"
    one = declared([resource(key, ComputeSpec(shape="n2-standard-4", count=3))])[f"{key}/template"]
    more = declared([resource(key, ComputeSpec(shape="n2-standard-4", count=5))])[f"{key}/template"]
    spot = declared([resource(key, ComputeSpec(shape="n2-standard-4", count=3, purchase=Purchase.SPOT))])
    assert one == more and one.lifecycle.create_before_destroy
    assert one.arguments["name"] != spot[f"{key}/template"].arguments["name"]


def test_commitments_are_bought_only_where_the_account_says_so():
    item = resource("bel/compute/serving/e2-highmem-8", committed("e2-highmem-8", 3))
    assert f"{item.key}/commitment" not in declared([item])
    bought = declared([item], buying(ENVIRONMENT))[f"{item.key}/commitment"]
    amounts = {part["type"]: part["amount"] for part in bought.arguments["resources"]}
    assert amounts == {"VCPU": "24", "MEMORY": str(3 * 64 * 1024)}
    assert bought.lifecycle.protect and "resources" in bought.lifecycle.ignore


@pytest.mark.parametrize(
    ("regions", "kinds"),
    [
        ((None,), {"google_storage_bucket": 1}),
        (("europe-west1", "europe-west4"), {"google_storage_bucket": 1}),
        (("europe-west1", "us-east1"), {"google_storage_bucket": 2, "google_storage_transfer_job": 1}),
    ],
)
def test_a_bucket_lies_in_both_regions_or_is_transferred(regions, kinds):
    replica = "ost" if len(regions) > 1 else None
    item = resource("bel/storage/serving/gcs", StorageSpec(storage_class="gcs", gib=100, replica_region=replica))
    found = declared([item], _with_cloud("ost", location=regions[-1] or "us-east1"))
    assert Counter(declaration.type for declaration in found.values()) == kinds
    dual = {"data_locations": ("EUROPE-WEST1", "EUROPE-WEST4")}
    assert (found[item.key].arguments.get("custom_placement_config") == dual) == ("europe-west4" in regions)


def test_a_bucket_that_gets_its_replica_later_stays_and_is_copied():
    """On one continent, too; and wherever it lies, what is declared of that makes none anew."""
    spec = StorageSpec(storage_class="gcs", gib=100, replica_region="ost", copied=True)
    key = "bel/storage/serving/gcs"
    found = declared([resource(key, spec)], _with_cloud("ost", location="europe-west4"))
    assert {each: item.arguments.get("location") for each, item in found.items()} == {
        key: "EUROPE-WEST1",
        f"{key}/replica": "EUROPE-WEST4",
        f"{key}/transfer": None,
    }
    assert set(found[key].lifecycle.ignore) == {"custom_placement_config", "location"}
    assert not found[f"{key}/replica"].lifecycle.ignore


def test_secrets_are_named_and_never_held():
    found = declared(touching_google())
    premises = found["ams--bel/link/bel/tunnel-1"]
    assert premises.arguments["shared_secret"] == SecretRef(name="vpn-ams--bel")
    assert set(secrets_of(premises)) == {"vpn-ams--bel"}
    aws = found["bel--fra/link/bel/tunnel-1"]
    assert aws.arguments["shared_secret"] == Ref(key="bel--fra/link/fra", attribute="tunnel1_preshared_key")


def test_tunnels_to_aws_are_as_many_as_its_connections_make():
    found = declared(touching_google())
    circuit = "bel--fra/circuit/serving/10g/bel"  # 10 Gbps: four connections of two tunnels of 1.25
    tunnels = [item for key, item in found.items() if key.startswith(f"{circuit}/tunnel-")]
    gateways = [key for key, item in found.items() if item.type.endswith("external_vpn_gateway") and circuit in key]
    assert len(tunnels) == 8 and gateways == [circuit, f"{circuit}/peer-0002"]
    assert Counter(item.arguments["vpn_gateway_interface"] for item in tunnels) == {0: 4, 1: 4}
    insides = [item.arguments["ip_range"] for key, item in found.items() if key.startswith(f"{circuit}/interface-")]
    assert len(set(insides)) == 8


def test_blocks_lie_in_secondary_ranges_and_never_where_instances_are():
    subnet = declared([resource("bel/network", NetworkSpec(asn=64512))])["bel/network/subnet"]
    cloud = ENVIRONMENT.cloud("bel")
    assert cloud
    ranges = [item["ip_cidr_range"] for item in subnet.arguments["secondary_ip_range"]]
    assert ranges == ["10.64.0.0/17", "10.64.128.0/18", "10.64.192.0/19", "10.64.224.0/20", "10.65.0.0/16"]
    assert (subnet.arguments["ip_cidr_range"],) == gcp.own_prefixes(cloud) == ("10.64.240.0/20",)


def _with_cloud(region="bel", **fields):
    def changed(item):
        return item.model_copy(update={"cloud": item.cloud.model_copy(update=fields)})

    regions = tuple(changed(item) if item.name == region else item for item in ENVIRONMENT.regions)
    return ENVIRONMENT.model_copy(update={"regions": regions})


def _with_account(**fields):
    accounts = tuple(item.model_copy(update=fields) for item in ENVIRONMENT.accounts)
    return ENVIRONMENT.model_copy(update={"accounts": accounts})


@pytest.mark.parametrize(
    ("spec", "environment", "told"),
    [
        (ComputeSpec(shape="m6i.large", count=1), ENVIRONMENT, "known: c2, c2d"),
        (ComputeSpec(shape="n2-standard-5", count=1), ENVIRONMENT, "with 2, 4, 8, 16"),
        (ComputeSpec(shape="n2-huge-4", count=1), ENVIRONMENT, "n2-standard, n2-highcpu, n2-highmem"),
        (StorageSpec(storage_class="gp3", gib=1), ENVIRONMENT, "known: gcs, hyperdisk-balanced, pd-balanced"),
        (StorageSpec(storage_class="gcs", gib=1, replica_region="fra"), ENVIRONMENT, "outside of Google Cloud"),
        (
            StorageSpec(storage_class="pd-ssd", gib=1, iops=100),
            ENVIRONMENT,
            "no IOPS or throughput of it are provisioned",
        ),
        (StorageSpec(storage_class="pd-ssd", gib=10, volumes=2), ENVIRONMENT, "pd-ssd is one disk"),
        (StorageSpec(storage_class="regional-pd-ssd", gib=1), _with_cloud(zones=("europe-west1-b",)), "has 1"),
        (BlockSpec(prefix="10.64.240.0/24", pool="10.64.0.0/16"), ENVIRONMENT, "instances of bel have"),
        (BlockSpec(prefix="10.64.1.0/30", pool="10.64.0.0/16"), ENVIRONMENT, "smaller than the /29"),
        (NetworkSpec(asn=13335), ENVIRONMENT, "64512 to 65534"),
        (NetworkSpec(asn=64512), _with_cloud(pools=("10.64.0.0/29",)), "too small"),
        (FailoverSpec(partner="ost", share=0.5), _with_account(dns_domain=""), "domain of its zone"),
        (AlertSpec(metric="gbps", threshold=0.5), ENVIRONMENT, "known: vcpu"),
        (LinkSpec(), ENVIRONMENT, "joins two regions"),
    ],
)
def test_what_google_has_not_is_refused_in_words(spec, environment, told):
    with pytest.raises(InvalidArgument, match=told) as caught:
        declared([resource(f"bel/{spec.kind}/ost", spec)], environment)
    assert caught.value.where.startswith("bel/")


def test_a_circuit_of_an_odd_size_is_refused():
    with pytest.raises(InvalidArgument, match="known: 1, 2, 5, 10, 20, 50, 100"):
        declared([resource("bel--ost/circuit/serving/3g", CircuitSpec(tier="3g", gbps=3, count=1))])


@pytest.mark.parametrize("settings", [{"gateway": ""}])
def test_premises_without_an_address_are_told(settings):
    regions = tuple(item.model_copy(update=settings) if item.name == "ams" else item for item in ENVIRONMENT.regions)
    environment = ENVIRONMENT.model_copy(update={"regions": regions})
    for item in (resource("ams--bel/link", LinkSpec()), resource("bel/failover/ams", _failover("ams"))):
        with pytest.raises(InvalidArgument) as caught:
            declared([item], environment)
        assert "set `gateway` of region ams" in str(caught.value)


def _failover(partner):
    return FailoverSpec(partner=partner, share=0.5)


def test_a_provider_of_an_account_with_an_endpoint_asks_nobody_else():
    environment = _with_account(endpoint="http://127.0.0.1:1/", role="planner@p.iam.gserviceaccount.com")
    settings = gcp.provider_of("bel", environment).settings
    endpoints = [value for name, value in settings.items() if name.endswith("_custom_endpoint")]
    assert endpoints and all(str(value).startswith("http://127.0.0.1:1/") for value in endpoints)
    assert settings["impersonate_service_account"] == "planner@p.iam.gserviceaccount.com"
    assert gcp.provider_of("ost", ENVIRONMENT).settings == {"project": "prestage-test", "region": "us-east1"}


def test_families_have_what_declarations_need():
    for name, family in FAMILIES.items():
        assert re.fullmatch(r"[a-z]\d[a-z]?", name) and family.sizes == tuple(sorted(set(family.sizes)))
        assert family.commitment.isupper() and set(family.gib_per_vcpu) <= {"standard", "highcpu", "highmem"}
