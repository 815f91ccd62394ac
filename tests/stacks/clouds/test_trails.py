"""Audit trails, answered by a server of our own in the forms that CloudTrail and Cloud Logging answer in."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from contracts.accounts import Account, TargetName
from stacks.clouds.aws.trail import last_change as on_aws
from stacks.clouds.gcp.trail import last_change as on_gcp
from stacks.errors import CloudError
from tests.clouds.loopback import Handler, LoopbackServer, serving

LOOKS = {"ReadOnly": "true", "EventName": "DescribeVpcs", "EventTime": 1_795_000_000, "Username": "alice"}
DELETES = {"ReadOnly": "false", "EventName": "DeleteRoute", "EventTime": 1_794_900_000, "Username": "mallory"}
ENTRY = {
    "timestamp": "2026-11-20T10:00:00Z",
    "protoPayload": {
        "authenticationInfo": {"principalEmail": "mallory@example.org"},
        "methodName": "v1.compute.networks.delete",
    },
}


@contextmanager
def answering(answer: object, status: int = 200) -> Iterator[tuple[str, list[bytes]]]:
    """A server that says the same to everybody; what it was asked."""
    asked: list[bytes] = []

    class Answering(Handler):
        def serve(self) -> None:
            asked.append(self.payload())
            self.reply(status, json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.1"})

    with serving(LoopbackServer(Answering)) as url:
        yield url, asked


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


def aws(url):
    return Account(name="prod", target=TargetName.AWS, id="123456789012", endpoint=url)


def gcp(url):
    return Account(name="proj", target=TargetName.GCP, id="my-project", endpoint=url)


def test_the_latest_write_is_told_and_looking_is_none():
    with answering({"Events": [LOOKS, DELETES]}) as (url, asked):
        told = on_aws(aws(url), "eu-central-1", "rtb-1")
    assert told.startswith("mallory, DeleteRoute, 2026-11-")
    assert json.loads(asked[0])["LookupAttributes"] == [{"AttributeKey": "ResourceName", "AttributeValue": "rtb-1"}]


def test_a_trail_that_knows_nothing_says_nothing():
    with answering({"Events": [LOOKS]}) as (url, _):
        assert on_aws(aws(url), "eu-central-1", "rtb-1") == ""
    with answering({}) as (url, _):
        assert on_gcp(gcp(url), "projects/my-project/global/networks/n") == ""


def test_a_trail_that_may_not_be_read_is_an_error_of_ours():
    with answering({"__type": "AccessDeniedException", "message": "no"}, 400) as (url, _), pytest.raises(CloudError):
        on_aws(aws(url), "eu-central-1", "rtb-1")


def test_a_google_resource_is_asked_by_its_path():
    with answering({"entries": [ENTRY]}) as (url, asked):
        told = on_gcp(gcp(url), "https://www.googleapis.com/compute/v1/projects/my-project/global/networks/n")
    assert told == "mallory@example.org, v1.compute.networks.delete, 2026-11-20T10:00:00Z"
    assert '"projects/my-project/global/networks/n"' in json.loads(asked[0])["filter"]
