"""Calls to AWS: whose credentials, which region, how errors read, what is tried again."""

from typing import TYPE_CHECKING, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from contracts.accounts import Account, TargetName
from stacks.clouds import retries
from stacks.clouds.aws import session
from stacks.clouds.aws.session import AwsClients, aws_clients
from stacks.clouds.aws.translate import translate
from stacks.errors import (
    CloudRefused,
    CloudUnreachable,
    CredentialsMissing,
    NotPermitted,
    QuotaExceeded,
    RegionNotEnabled,
    Throttled,
)
from tests.clouds.moto_server import OTHER_ACCOUNT

if TYPE_CHECKING:
    from botocore.exceptions import _ClientErrorResponseTypeDef

PROD = Account(name="prod", target=TargetName.AWS, id="123456789012")


def answered(code, status=400, message="because"):
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(cast("_ClientErrorResponseTypeDef", response), "DescribeVpcs")


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (NoCredentialsError(), CredentialsMissing, "aws sso login"),
        (answered("ExpiredToken"), CredentialsMissing, "aws sso login"),
        (answered("AuthFailure"), CredentialsMissing, "123456789012"),
        (answered("OptInRequired"), RegionNotEnabled, "--region-name af-south-1"),
        (answered("UnauthorizedOperation", 403), NotPermitted, "docs/targets/aws.md"),
        (answered("RequestLimitExceeded", 503), Throttled, "in a minute"),
        (answered("SomethingNew", 429), Throttled, "in a minute"),
        (answered("VpcLimitExceeded"), QuotaExceeded, "higher limit"),
        (answered("InvalidVpcID.NotFound"), CloudRefused, "InvalidVpcID.NotFound"),
        (EndpointConnectionError(endpoint_url="https://ec2"), CloudUnreachable, "a region af-south-1"),
    ],
)
def test_errors_say_what_where_and_what_next(error, kind, says):
    found = translate(error, PROD, "af-south-1")
    assert type(found) is kind
    assert "account prod, af-south-1" in found.render()
    assert says in found.render()


class Clumsy:
    """A client that fails a number of times before it answers."""

    def __init__(self, failures, error):
        self.failures, self.error, self.calls = failures, error, 0

    def _answer(self, **_):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return {"Vpcs": []}

    describe_vpcs = create_vpc = _answer


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.001)


@pytest.mark.parametrize("error", [answered("RequestLimitExceeded", 503), EndpointConnectionError(endpoint_url="x")])
def test_what_reads_is_tried_again(error, no_waiting):
    clumsy = Clumsy(3, error)
    assert AwsClients(PROD, "eu-west-1", {"ec2": clumsy}).call("ec2", "describe_vpcs") == {"Vpcs": []}
    assert clumsy.calls == 4


def test_a_create_is_never_tried_again(no_waiting):
    clumsy = Clumsy(1, answered("RequestLimitExceeded", 503))
    with pytest.raises(Throttled):
        AwsClients(PROD, "eu-west-1", {"ec2": clumsy}).call("ec2", "create_vpc")
    assert clumsy.calls == 1


def test_a_refusal_is_not_tried_again(no_waiting):
    clumsy = Clumsy(1, answered("InvalidVpcID.NotFound"))
    with pytest.raises(CloudRefused):
        AwsClients(PROD, "eu-west-1", {"ec2": clumsy}).call("ec2", "describe_vpcs")
    assert clumsy.calls == 1


def test_patience_ends(no_waiting):
    clumsy = Clumsy(99, answered("RequestLimitExceeded", 503))
    with pytest.raises(Throttled):
        AwsClients(PROD, "eu-west-1", {"ec2": clumsy}).call("ec2", "describe_vpcs")
    assert clumsy.calls == retries.ATTEMPTS


class Suspicious:
    """What a region that is not enabled says to good credentials."""

    def describe_vpcs(self):
        raise answered("AuthFailure")

    def get_caller_identity(self):
        return {"Account": "123456789012"}


def test_a_region_that_is_not_enabled_is_told_from_bad_credentials():
    clients = AwsClients(PROD, "af-south-1", {"ec2": Suspicious(), "sts": Suspicious()})
    with pytest.raises(RegionNotEnabled, match="--region-name af-south-1"):
        clients.call("ec2", "describe_vpcs")


def test_no_credentials_at_all(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    session._session.cache_clear()
    with pytest.raises(CredentialsMissing, match="aws sso login"):
        aws_clients(PROD.model_copy(update={"name": "nobody"}), "eu-west-1").call("ec2", "describe_vpcs")
    session._session.cache_clear()


def test_each_account_and_location_sees_its_own(aws_url):
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/prestage"
    prod = PROD.model_copy(update={"endpoint": aws_url})
    other = Account(name="other", target=TargetName.AWS, id=OTHER_ACCOUNT, role=role, endpoint=aws_url)
    assert aws_clients(prod, "eu-west-1") is aws_clients(prod, "eu-west-1")
    made = aws_clients(other, "eu-west-1").call("ec2", "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    seen = {
        (account.name, location): {
            vpc["VpcId"] for vpc in aws_clients(account, location).listing("ec2", "describe_vpcs", "Vpcs[]")
        }
        for account in (prod, other)
        for location in ("eu-west-1", "us-east-2")
    }
    assert {where for where, vpcs in seen.items() if made in vpcs} == {("other", "eu-west-1")}
