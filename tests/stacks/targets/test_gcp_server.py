"""The stand-in of Google's APIs refuses what Google refuses: else tests on it would prove nothing."""

import http.client
from contextlib import contextmanager

import pytest
import requests

from tests.clouds.gcp_cloud import Fault, GoogleCloud
from tests.clouds.gcp_server import gcp_server

PROJECT = "compute/v1/projects/p"
NETWORK, OTHER = "projects/p/global/networks/one", "projects/p/global/networks/other"


class Client:
    """Calls to the stand-in, and operations waited for."""

    def __init__(self, url):
        self.url, self.session = url, requests.Session()

    def call(self, method, path, body=None):
        answer = self.session.request(method, f"{self.url}/{path}", json=body, timeout=10)
        return answer.status_code, answer.json()

    def done(self, method, path, body=None):
        """Does it, and asks for its operation until it is done."""
        code, operation = self.call(method, path, body)
        assert code == 200, operation
        while operation["status"] != "DONE":
            code, operation = self.call("GET", operation["selfLink"].partition("googleapis.com/")[2])
        return operation

    def network(self, name, prefix=""):
        self.done("POST", f"{PROJECT}/global/networks", {"name": name, "autoCreateSubnetworks": False})
        if prefix:
            self.subnetwork(name, name, prefix)

    def subnetwork(self, name, network, prefix):
        body = {"name": name, "network": f"projects/p/global/networks/{network}", "ipCidrRange": prefix}
        return self.done("POST", f"{PROJECT}/regions/r/subnetworks", body)

    def refused(self, method, path, body=None):
        code, answer = self.call(method, path, body)
        assert code == answer["error"]["code"] >= 400
        return code, answer["error"]["errors"][0]["reason"]


@contextmanager
def opened(**settings):
    cloud = GoogleCloud(**settings)
    with gcp_server(cloud) as url:
        yield cloud, Client(url)


@pytest.fixture
def world():
    with opened() as made:
        yield made


def peering(name, network):
    return {"networkPeering": {"name": name, "network": network, "exchangeSubnetRoutes": True}}


def test_an_operation_is_pending_then_running_then_done_and_until_then_nothing_else_is():
    with opened(polls=3, operation_s=60) as (_, client):
        code, operation = client.call("POST", f"{PROJECT}/global/networks", {"name": "one"})
        path = operation["selfLink"].partition("googleapis.com/")[2]
        assert (code, operation["status"]) == (200, "PENDING")
        refused = client.refused("PATCH", f"{PROJECT}/global/networks/one", {"mtu": 1500})
        assert refused == (400, "resourceNotReady")
        assert [client.call("GET", path)[1]["status"] for _ in range(3)] == ["RUNNING", "RUNNING", "DONE"]
        client.done("PATCH", f"{PROJECT}/global/networks/one", {"mtu": 1500})


def test_what_nobody_asks_for_is_done_all_the_same():
    with opened(polls=99, operation_s=0) as (_, client):
        client.call("POST", f"{PROJECT}/global/networks", {"name": "one"})
        assert client.call("PATCH", f"{PROJECT}/global/networks/one", {"mtu": 1500})[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "refusal"),
    [
        ("GET", "global/networks/none", None, (404, "notFound")),
        ("DELETE", "global/networks/none", None, (404, "notFound")),
        ("GET", "global/wonders", None, (404, "notFound")),
        ("POST", "global/networks", {"name": "one"}, (409, "alreadyExists")),
        ("POST", "global/networks", {"name": "One"}, (400, "invalid")),
        ("POST", "global/networks", {"name": "o" * 64}, (400, "invalid")),
        ("POST", "regions/r/routers", {"name": "a", "network": f"{NETWORK}-not"}, (404, "notFound")),
        ("DELETE", "global/networks/one", None, (400, "resourceInUseByAnotherResource")),
        ("PATCH", "regions/r/subnetworks/one", {"fingerprint": "stale"}, (412, "conditionNotMet")),
        (
            "POST",
            "regions/r/subnetworks",
            {"name": "two", "network": NETWORK, "ipCidrRange": "10.0.0.128/25"},
            (400, "invalid"),
        ),
        (
            "POST",
            "regions/r/addresses/a/setLabels",
            {"labels": {}, "labelFingerprint": "stale"},
            (412, "conditionNotMet"),
        ),
    ],
)
def test_what_google_refuses_is_refused(world, method, path, body, refusal):
    _, client = world
    client.network("one", "10.0.0.0/24")
    client.done("POST", f"{PROJECT}/regions/r/addresses", {"name": "a"})
    assert client.refused(method, f"{PROJECT}/{path}", body) == refusal


def test_a_network_has_one_peering_operation_at_a_time():
    with opened(polls=2, operation_s=60) as (_, client):
        client.network("one", "10.0.0.0/24")
        client.network("other", "10.1.0.0/24")
        code, first = client.call("POST", f"{PROJECT}/global/networks/one/addPeering", peering("a", OTHER))
        assert code == 200
        for path, peer in (("one", OTHER), ("other", NETWORK)):
            body = peering("b", peer)
            code, answer = client.call("POST", f"{PROJECT}/global/networks/{path}/addPeering", body)
            assert code == 400 and "There is a peering operation in progress" in answer["error"]["message"]
        while client.call("GET", first["selfLink"].partition("googleapis.com/")[2])[1]["status"] != "DONE":
            pass
        client.done("POST", f"{PROJECT}/global/networks/other/addPeering", peering("b", NETWORK))
        states = [client.call("GET", f"{PROJECT}/global/networks/{name}")[1]["peerings"] for name in ("one", "other")]
        assert [peer["state"] for (peer,) in states] == ["ACTIVE", "ACTIVE"]


def test_networks_that_overlap_are_not_peered(world):
    _, client = world
    client.network("one", "10.0.0.0/24")
    client.network("other", "10.0.0.0/25")
    refused = client.refused("POST", f"{PROJECT}/global/networks/one/addPeering", peering("a", OTHER))
    assert refused == (400, "invalid")


def test_one_end_alone_is_inactive(world):
    cloud, client = world
    client.network("one")
    client.network("other")
    client.done("POST", f"{PROJECT}/global/networks/one/addPeering", peering("a", OTHER))
    assert cloud.resources[NETWORK]["peerings"][0]["state"] == "INACTIVE"


def test_quotas_hold_and_say_how_much_is_used():
    with opened(quotas={"NETWORKS": 1, "r/STATIC_ADDRESSES": 0, "q/STATIC_ADDRESSES": 5}) as (_, client):
        client.network("one")
        assert client.refused("POST", f"{PROJECT}/global/networks", {"name": "two"}) == (403, "quotaExceeded")
        assert client.refused("POST", f"{PROJECT}/regions/r/addresses", {"name": "a"}) == (403, "quotaExceeded")
        client.done("POST", f"{PROJECT}/regions/q/addresses", {"name": "a"})
        assert client.call("GET", PROJECT)[1]["quotas"] == [{"metric": "NETWORKS", "limit": 1, "usage": 1}]
        (quota,) = client.call("GET", f"{PROJECT}/regions/q")[1]["quotas"]
        assert quota == {"metric": "STATIC_ADDRESSES", "limit": 5, "usage": 1}


def test_lists_come_in_pages_and_through_filters(world):
    _, client = world
    for number in range(5):
        body = {"name": f"a{number}", "labels": {"odd": str(number % 2)}}
        client.done("POST", f"{PROJECT}/regions/r/addresses", body)
    _, first = client.call("GET", f"{PROJECT}/regions/r/addresses?maxResults=3")
    _, rest = client.call("GET", f"{PROJECT}/regions/r/addresses?maxResults=3&pageToken={first['nextPageToken']}")
    assert [item["name"] for item in first["items"] + rest["items"]] == ["a0", "a1", "a2", "a3", "a4"]
    assert "nextPageToken" not in rest
    _, odd = client.call("GET", f"{PROJECT}/aggregated/addresses?filter=labels.odd=1")
    assert [item["name"] for item in odd["items"]["regions/r"]["addresses"]] == ["a1", "a3"]
    assert client.refused("GET", f"{PROJECT}/regions/r/addresses?filter=x~y") == (400, "invalid")


def test_faults_are_as_often_as_they_were_asked_for(world):
    cloud, client = world
    cloud.faults += [
        Fault(match="POST .*/networks", status=429, times=2),
        Fault(match="GET .*/networks/one", hidden=True),
    ]
    for _ in range(2):
        assert client.refused("POST", f"{PROJECT}/global/networks", {"name": "one"}) == (429, "rateLimitExceeded")
    client.network("one")
    assert client.refused("GET", f"{PROJECT}/global/networks/one") == (404, "notFound")
    assert client.call("GET", f"{PROJECT}/global/networks/one")[0] == 200


def test_a_lost_answer_is_lost_after_the_deed(world):
    cloud, client = world
    cloud.faults.append(Fault(match="POST .*/networks", lost=True))
    with pytest.raises((requests.ConnectionError, http.client.HTTPException)):
        client.call("POST", f"{PROJECT}/global/networks", {"name": "one"})
    assert NETWORK in cloud.resources


def test_buckets_are_everyones_and_changed_as_they_were_seen(world):
    _, client = world
    assert client.call("POST", "storage/v1/b?project=p", {"name": "x", "location": "EU"})[0] == 200
    assert client.refused("POST", "storage/v1/b?project=q", {"name": "x", "location": "EU"}) == (409, "conflict")
    seen = "storage/v1/b/x?ifMetagenerationMatch=1"
    assert client.call("PATCH", seen, {"labels": {"a": "b"}})[1]["metageneration"] == "2"
    assert client.refused("PATCH", seen, {"labels": {"a": None}}) == (412, "conditionNotMet")


def test_records_are_changed_only_from_what_they_are(world):
    _, client = world
    changes = "dns/v1/projects/p/managedZones/prestage-zone/changes"
    record = {"name": "a.prestage.example.", "type": "A", "ttl": 30, "rrdatas": ["192.0.2.1"]}
    assert client.call("POST", changes, {"additions": [record]})[0] == 200
    assert client.refused("POST", changes, {"additions": [record]}) == (409, "conflict")
    stale = {"deletions": [{**record, "rrdatas": ["192.0.2.2"]}]}
    assert client.refused("POST", changes, stale) == (412, "conditionNotMet")
    foreign = {"additions": [{**record, "name": "a.example.com."}]}
    assert client.refused("POST", changes, foreign) == (400, "invalid")
    assert client.call("POST", changes, {"deletions": [record]})[0] == 200


def test_a_secret_is_kept_by_its_hash(world):
    _, client = world
    body = {"name": "t", "sharedSecret": "hush"}
    client.done("POST", f"{PROJECT}/regions/r/vpnTunnels", body)
    _, shown = client.call("GET", f"{PROJECT}/regions/r/vpnTunnels/t")
    assert "hush" not in str(shown) and shown["sharedSecretHash"]


def test_internal_ranges_of_a_network_do_not_overlap(world):
    _, client = world
    ranges = "v1/projects/p/locations/global/internalRanges"
    body = {"network": NETWORK, "ipCidrRange": "10.0.0.0/24"}
    assert client.call("POST", f"{ranges}?internalRangeId=a", body)[1]["done"]
    assert client.refused("POST", f"{ranges}?internalRangeId=b", body) == (400, "failedPrecondition")
    assert client.call("POST", f"{ranges}?internalRangeId=b", {**body, "network": OTHER})[0] == 200
    assert client.call("GET", f"{ranges}/a")[1]["ipCidrRange"] == "10.0.0.0/24"
