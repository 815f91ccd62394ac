"""An apply on AWS (moto) by the real engine and provider, killed in the middle: nothing lost, nothing twice."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import boto3
import pytest

from contracts.ports import Silent
from contracts.run import RunStatus
from stacks.clouds.open_cloud import open_clouds
from stacks.errors import TwoOfOne
from stacks.existing import existing
from tests.clouds.clouds_world import mixed_environment
from tests.clouds.mirror import aws_mirror, cli_config
from tests.clouds.moto_server import moto_server
from tests.engines.terraform_project import tofu_missing
from tests.stacks.clouds import killed_apply

pytestmark = [
    pytest.mark.engine,
    pytest.mark.fault,
    pytest.mark.long,
    pytest.mark.skipif(bool(tofu_missing()), reason=tofu_missing()),
]
DEADLINE_S = 240  # of a busy machine; a kill comes within seconds elsewhere


@pytest.fixture
def moto(aws_url):
    """One of its own: two tests make the same things."""
    with moto_server() as url:
        yield url


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", str(cli_config(tmp_path, aws_mirror())))
    return tmp_path


def ec2(url):
    return boto3.client("ec2", region_name="eu-central-1", endpoint_url=url)


def there(url):
    """How often each key is there, by type."""
    client = ec2(url)
    rows = [*client.describe_vpcs()["Vpcs"], *client.describe_subnets()["Subnets"]]
    rows += [*client.describe_route_tables()["RouteTables"], *client.describe_addresses()["Addresses"]]
    return Counter(tag["Value"] for row in rows for tag in row.get("Tags", ()) if tag["Key"] == "prestage:key")


def kill_in_the_middle(folder, url):
    """Starts an apply and kills it, all its processes, once something is there and not everything."""
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.stacks.clouds.killed_apply", str(folder), url],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + DEADLINE_S
    try:
        while len(there(url)) < 2 and time.monotonic() < deadline and started.poll() is None:
            time.sleep(0.02)
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait(DEADLINE_S)
    return there(url)


def rerun(folder, url, *, looking):
    engine = killed_apply.engine(folder)
    wanted = killed_apply.job(url)
    clouds = open_clouds(mixed_environment(url)) if looking else {}
    taken = existing(wanted, engine.applied(), clouds)
    return taken, engine.apply(killed_apply.job(url, taken), Silent())


def test_what_a_killed_apply_made_is_taken_in(folder, moto):
    made = kill_in_the_middle(folder, moto)
    held = killed_apply.engine(folder).applied()
    orphans = made.keys() - held.keys()
    assert orphans, f"the kill came too late or too early to leave any: {made}"
    taken, outcomes = rerun(folder, moto, looking=True)
    assert orphans <= {item.key for item in taken}
    assert [outcome.status for outcome in outcomes] == [RunStatus.DONE], outcomes
    assert set(there(moto).values()) == {1}
    assert len(there(moto)) == 4 * killed_apply.NETWORKS
    assert killed_apply.engine(folder).applied().keys() == {item.key for item in killed_apply.declarations()}


def test_without_looking_the_same_run_makes_duplicates(folder, moto):
    made = kill_in_the_middle(folder, moto)
    orphans = made.keys() - killed_apply.engine(folder).applied().keys()
    assert orphans
    rerun(folder, moto, looking=False)
    assert {key for key, count in there(moto).items() if count > 1} >= orphans
    with pytest.raises(TwoOfOne):
        existing(killed_apply.job(moto), {}, open_clouds(mixed_environment(moto)))
