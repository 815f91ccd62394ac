"""Google Cloud, on the stand-in: what bears our marks, what a declaration is found by, what may be adopted."""

from dataclasses import replace

import pytest

from contracts.accounts import Account, TargetName
from stacks.clouds import retries
from stacks.clouds.gcp.cloud import GcpCloud
from stacks.clouds.gcp.session import GcpSession
from stacks.clouds.gcp.translate import translate_answer
from stacks.declaration import Declaration, Ref
from stacks.errors import (
    CloudRefused,
    CloudUnreachable,
    CredentialsMissing,
    NotPermitted,
    QuotaExceeded,
    Throttled,
    TwoOfOne,
)
from stacks.targets.gcp import marks
from tests.clouds.gcp_cloud import Fault, GoogleCloud
from tests.clouds.gcp_server import gcp_server

PROJECT = "prestage-test"


@pytest.fixture
def google():
    return GoogleCloud(operation_s=0)


@pytest.fixture
def account(google):
    with gcp_server(google) as url:
        yield Account(name="google", target=TargetName.GCP, id=PROJECT, endpoint=url)


@pytest.fixture
def session(account, monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.001)
    return GcpSession(account)


@pytest.fixture
def cloud(account):
    regions = {"bel": "europe-west1", "ost": "us-east1"}
    zones = {"bel": ("europe-west1-b", "europe-west1-c"), "ost": ("us-east1-b",)}
    return GcpCloud(account=account, regions=regions, zones=zones, environment="dev")


def declared(type, key, **arguments):
    region = key.partition("/")[0]
    return Declaration(type=type, key=key, root=region, provider=region, arguments=arguments)


def make(session, path, **body):
    session.send("POST", "compute", f"projects/{PROJECT}/{path}", body)


def make_network(session, name="dev-bel-network-0a1b2c3d", key="bel/network"):
    description = marks.description("dev", key, asn=64515) if key else ""
    make(session, "global/networks", name=name, description=description, autoCreateSubnetworks=False)


def subnet(session, name, cidr, network, **body):
    link = f"projects/{PROJECT}/global/networks/{network}"
    make(session, "regions/europe-west1/subnetworks", name=name, ipCidrRange=cidr, network=link, **body)


def test_a_resource_is_found_by_what_its_description_says_or_by_its_name(cloud, session):
    make_network(session)
    subnet(session, "dev-bel-subnet-0a1b2c3d", "10.64.240.0/20", "dev-bel-network-0a1b2c3d")
    wanted = [
        declared("google_compute_network", "bel/network", name="another name"),
        declared("google_compute_subnetwork", "bel/network/subnet", name="dev-bel-subnet-0a1b2c3d"),
        declared("google_compute_subnetwork", "bel/network/other", name="dev-bel-other-0a1b2c3d"),
    ]
    assert cloud.find(wanted) == {
        "bel/network": f"projects/{PROJECT}/global/networks/dev-bel-network-0a1b2c3d",
        "bel/network/subnet": f"projects/{PROJECT}/regions/europe-west1/subnetworks/dev-bel-subnet-0a1b2c3d",
    }


def test_what_bears_our_marks_is_told_with_its_region_and_key(cloud, session):
    make_network(session)
    make_network(session, "foreign", key="")
    labels = marks.labels("dev", "bel/network/address", "network")
    make(session, "regions/europe-west1/addresses", name="dev-bel-address-0a1b2c3d", labels=labels)
    found = {item.key: item for item in cloud.tagged("dev")}
    assert found.keys() == {"bel/network", "bel/network/address"}
    assert {item.place for item in found.values()} == {"bel"}
    assert found["bel/network/address"].owner == "network"
    assert found["bel/network"].arguments["auto_create_subnetworks"] is False


def test_two_resources_with_one_key_are_an_error_that_names_both(cloud, session):
    make_network(session, "one")
    make_network(session, "two")
    with pytest.raises(TwoOfOne) as told:
        cloud.find([declared("google_compute_network", "bel/network", name="three")])
    assert "networks/one" in str(told.value) and "networks/two" in str(told.value)


def test_what_lies_within_another_resource_is_found_there(cloud, session):
    make_network(session)
    make_network(session, "other", key="ost/network")
    peering = {
        "name": "dev-link-0a1b2c3d",
        "network": f"projects/{PROJECT}/global/networks/other",
        "exchangeSubnetRoutes": True,
    }
    make(session, "global/networks/dev-bel-network-0a1b2c3d/addPeering", networkPeering=peering)
    network = Ref(key="bel/network", attribute="self_link")
    wanted = [
        declared("google_compute_network_peering", "bel/link", name="dev-link-0a1b2c3d", network=network),
        declared("google_compute_network", "bel/network", name="dev-bel-network-0a1b2c3d"),
    ]
    assert cloud.find(wanted)["bel/link"] == f"{PROJECT}/dev-bel-network-0a1b2c3d/dev-link-0a1b2c3d"


def test_what_may_be_adopted_is_neither_ours_nor_the_default(cloud, session):
    make_network(session)
    make_network(session, "legacy", key="")
    make_network(session, "default", key="")
    subnet(session, "legacy-subnet", "10.64.0.0/20", "legacy")
    make(session, "zones/europe-west1-b/disks", name="legacy-disk", sizeGb="100", type="pd-balanced")
    found = {(item.type, item.arguments["name"]): item for item in cloud.discover()}
    assert found.keys() == {
        ("google_compute_network", "legacy"),
        ("google_compute_subnetwork", "legacy-subnet"),
        ("google_compute_disk", "legacy-disk"),
    }
    assert found["google_compute_disk", "legacy-disk"].arguments["size"] == 100


def test_what_arrives_late_is_found_by_a_later_look(cloud, session, google):
    make_network(session)
    google.faults.append(Fault(match="GET .*/global/networks", hidden=True))
    wanted = [declared("google_compute_network", "bel/network", name="dev-bel-network-0a1b2c3d")]
    assert cloud.find(wanted) == {}
    assert cloud.find(wanted).keys() == {"bel/network"}


@pytest.mark.parametrize("status", [429, 503])
def test_reading_is_tried_again_when_the_cloud_is_out_of_breath(session, google, status):
    google.faults.append(Fault(match="GET .*", times=2, status=status))
    assert session.listing("compute", f"projects/{PROJECT}/global/networks") == ()
    assert not google.fault("GET /")


def test_a_create_whose_answer_is_lost_is_not_made_again_here_and_found_afterwards(cloud, session, google):
    google.faults.append(Fault(match="POST .*", lost=True))
    with pytest.raises(CloudUnreachable):
        make_network(session)
    assert cloud.find([declared("google_compute_network", "bel/network")]).keys() == {"bel/network"}


@pytest.mark.parametrize(
    ("status", "reason", "kind", "says"),
    [
        (401, "authError", CredentialsMissing, "gcloud auth"),
        (403, "forbidden", NotPermitted, "docs/targets/gcp.md"),
        (403, "rateLimitExceeded", Throttled, "in a minute"),
        (403, "quotaExceeded", QuotaExceeded, "higher quota"),
        (409, "alreadyExists", CloudRefused, "answers 409"),
    ],
)
def test_errors_say_what_where_and_what_next(status, reason, kind, says):
    account = Account(name="google", target=TargetName.GCP, id=PROJECT)
    body = {"error": {"message": "because", "errors": [{"reason": reason}]}}
    found = translate_answer(status, body, "GET global/networks", account)
    assert type(found) is kind
    assert f"project {PROJECT}" in found.render() and says in found.render()


def test_no_credentials_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    account = Account(name="nobody", target=TargetName.GCP, id=PROJECT)
    with pytest.raises(CredentialsMissing, match="gcloud auth"):
        GcpSession(account).get("compute", f"projects/{PROJECT}/global/networks")


def test_an_address_of_ones_own_takes_the_place_of_the_host():
    account = Account(name="google", target=TargetName.GCP, id=PROJECT, endpoint="http://127.0.0.1:1/")
    assert (
        GcpSession(account).url("dns", "projects/p/managedZones") == "http://127.0.0.1:1/dns/v1/projects/p/managedZones"
    )


def test_an_adopted_network_is_ours_although_no_mark_can_be_written_on_it(cloud, session):
    make_network(session, "legacy", key="")
    id = f"projects/{PROJECT}/global/networks/legacy"
    claiming = replace(cloud, claimed={id: marks.description("dev", "bel/network", asn=64515)})
    assert [(item.key, item.id, item.place) for item in claiming.tagged("dev")] == [("bel/network", id, "bel")]
    assert claiming.find([declared("google_compute_network", "bel/network", name="new")]) == {"bel/network": id}
    assert not claiming.discover()
    assert not cloud.tagged("dev")
