"""One simulated server a cloud for all tests, with a fresh world for each: clients are what takes time.

Retries do not wait: what is tried again, and how often, stays as it is.
"""

import pytest

from stacks.clouds import retries
from tests.clouds.moto_server import call_moto
from tests.stacks.capacity.simulated_aws import AwsWorld, simulated_aws
from tests.stacks.capacity.simulated_gcp import GcpWorld, simulated_gcp


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(retries, "LONGEST_WAIT_S", 0.002)


@pytest.fixture(autouse=True)
def aws_credentials(monkeypatch):
    call_moto(monkeypatch)


@pytest.fixture(scope="session")
def aws_served():
    world = AwsWorld()
    with simulated_aws(world) as url:
        yield world, url


@pytest.fixture(scope="session")
def gcp_served():
    world = GcpWorld()
    with simulated_gcp(world) as url:
        yield world, url


@pytest.fixture
def aws(aws_served):
    """A world with nothing in it, and where it is answered."""
    vars(aws_served[0]).update(vars(AwsWorld()))
    return aws_served


@pytest.fixture
def google(gcp_served):
    """The same of Google Cloud."""
    vars(gcp_served[0]).update(vars(GcpWorld()))
    return gcp_served
