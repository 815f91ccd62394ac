"""Pulumi's state in a bucket or in Pulumi Cloud: applied, read back, clean, locked, killed, and resumed from there.

S3 is moto, Google Cloud Storage the stand-in of its JSON API, Pulumi Cloud a stand-in of the part of its REST API that
the CLI asks. The engine is the real one, and so is what signs in, locks and writes.
"""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import boto3
import pytest

from contracts.engines import Backend, BackendKind, Layout
from contracts.run import RunStatus
from stacks.errors import ApplyBusy, CloudUnreachable, CredentialsMissing
from tests.clouds.gcp_cloud import GoogleCloud
from tests.clouds.gcp_objects import Objects
from tests.clouds.gcp_server import gcp_server
from tests.clouds.moto_server import moto_server
from tests.clouds.recording_provider import serve_recording
from tests.engines.pulumi_clouds import few, make_cloud_project, many, stop_apply, without
from tests.engines.pulumi_project import REAL_PULUMI
from tests.engines.pulumi_service import ORGANISATION, TOKEN, pulumi_service

BUCKET = "prestage-states"
STATE = "prestage/.pulumi/stacks/prestage/mixed.json"
LOCK = "prestage/.pulumi/locks/organization/prestage/mixed/1.json"
HOLDER = {"pid": 7, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-11-20T12:00:00Z"}
HELD = r"locked by ann@elsewhere \(process 7\), since 2026-11-20T12:00:00"

pytestmark = [*REAL_PULUMI]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where states are kept.

    Attributes:
        has_state: whether the stack's state is there.
        held: a context in which another holds the stack.
        told: what its holder is told as.
        expire: ends what a dead process holds, where nobody but time can tell that it is dead.
    """

    backend: Backend
    has_state: Callable[[], bool]
    held: Callable[[], AbstractContextManager[None]]
    told: str
    expire: Callable[[], None] | None = None


@pytest.fixture(scope="module")
def s3():
    """A client of the bucket, which moto answers for."""
    with moto_server() as url, pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client
        client.close()


@contextmanager
def in_s3(request) -> Iterator[Place]:
    client = request.getfixturevalue("s3")

    @contextmanager
    def held():
        client.put_object(Bucket=BUCKET, Key=LOCK, Body=json.dumps(HOLDER).encode())
        yield
        client.delete_object(Bucket=BUCKET, Key=LOCK)

    yield Place(
        backend=Backend(kind=BackendKind.S3, bucket=BUCKET, location="us-east-1", endpoint=client.meta.endpoint_url),
        has_state=lambda: STATE in {item["Key"] for item in client.list_objects_v2(Bucket=BUCKET)["Contents"]},
        held=held,
        told=HELD,
    )
    for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        client.delete_object(Bucket=BUCKET, Key=item["Key"])


@contextmanager
def in_gcs(request) -> Iterator[Place]:
    cloud, patch = GoogleCloud(), request.getfixturevalue("monkeypatch")
    cloud.resources[f"b/{BUCKET}"] = {"name": BUCKET}

    @contextmanager
    def held():
        Objects(cloud).write(BUCKET, LOCK, json.dumps(HOLDER).encode())
        yield
        cloud.destroy(f"o/{BUCKET}/{LOCK}")

    with gcp_server(cloud) as url:
        patch.setenv("STORAGE_EMULATOR_HOST", url.removeprefix("http://"))
        patch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", "of-the-test")
        yield Place(
            backend=Backend(kind=BackendKind.GCS, bucket=BUCKET),
            has_state=lambda: f"o/{BUCKET}/{STATE}" in cloud.resources,
            held=held,
            told=HELD,
        )


@pytest.fixture
def service(tmp_path, monkeypatch):
    """Pulumi Cloud, and somebody who is signed in there."""
    with pulumi_service() as made:
        monkeypatch.setenv("PULUMI_CREDENTIALS_PATH", str(tmp_path / "credentials"))
        monkeypatch.setenv("PULUMI_ACCESS_TOKEN", TOKEN)
        yield made


def cloud_backend(service):
    return Backend(kind=BackendKind.PULUMI_CLOUD, organisation=ORGANISATION, endpoint=service.url)


@contextmanager
def in_pulumi_cloud(request) -> Iterator[Place]:
    service = request.getfixturevalue("service")

    @contextmanager
    def held():
        service.stacks["prestage/mixed"].active = "another"
        yield
        service.stacks["prestage/mixed"].active = ""

    def expire():
        service.stacks["prestage/mixed"].active = ""

    yield Place(
        backend=cloud_backend(service),
        has_state=lambda: bool(service.stacks["prestage/mixed"].deployment),
        held=held,
        told=r"(?s)Another update is currently in progress.*pulumi cancel --stack mixed",
        expire=expire,
    )


PLACES = {"s3": in_s3, "gcs": in_gcs, "pulumi cloud": in_pulumi_cloud}


@pytest.fixture(params=list(PLACES))
def place(request):
    with PLACES[request.param](request) as made:
        yield made


@pytest.fixture
def project(tmp_path, place):
    return make_cloud_project(tmp_path, layout=Layout.ENVIRONMENT, backend=place.backend)


@pytest.fixture
def world(tmp_path):
    with serve_recording(tmp_path / "world") as served:
        yield served


def test_a_stack_is_applied_read_clean_locked_and_emptied(project, place, world):
    assert set(project.apply(few()).values()) == {RunStatus.DONE}
    assert place.has_state()
    applied = project.engine.applied()
    assert {key: item.id for key, item in applied.items()} == {row.name: row.id for row in world.rows()}
    assert applied["dub--fra/link"].root == "links"
    assert set(project.apply(few()).values()) == {RunStatus.CLEAN}
    with place.held(), pytest.raises(ApplyBusy, match=place.told):
        project.apply(without(few(), "fra/compute/x"))
    assert len(world.rows()) == len(few())
    project.apply([])
    assert world.rows() == () and project.engine.applied() == {}


@pytest.mark.fault
@pytest.mark.long
def test_a_run_that_is_killed_is_resumed_from_there(project, place, world):
    stop_apply(project, world, at=12, number=signal.SIGKILL)
    before = {row.name: row.id for row in world.rows()}
    assert 12 <= len(before) < len(many())
    if place.expire:  # a lease that only time takes away
        with pytest.raises(ApplyBusy, match=place.told):
            project.apply(many())
        place.expire()
    known = project.engine.applied()
    orphans = {name: id for name, id in before.items() if name not in known}
    assert set(project.apply(many(), adopt=orphans).values()) <= {RunStatus.DONE, RunStatus.CLEAN}
    after = {row.name: row.id for row in world.rows()}
    assert sorted(row.name for row in world.rows()) == sorted(item.key for item in many())
    assert before.items() <= after.items()
    assert {key: item.id for key, item in project.engine.applied().items()} == after


def test_a_bucket_that_is_not_there_is_named(tmp_path, s3):
    backend = Backend(kind=BackendKind.S3, bucket="nobodys", location="us-east-1", endpoint=s3.meta.endpoint_url)
    project = make_cloud_project(tmp_path, backend=backend)
    with pytest.raises(CloudUnreachable, match=r"(?s)bucket.*pulumi whoami --verbose"):
        project.engine.applied()


@pytest.mark.parametrize("token", ["", "pul-that-has-expired"])
def test_who_is_nobody_to_pulumi_cloud_is_told_how_to_sign_in(tmp_path, service, monkeypatch, token):
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", token)
    project = make_cloud_project(tmp_path, backend=cloud_backend(service))
    with pytest.raises(CredentialsMissing, match=r"(?s)next: sign in to the backend: pulumi login"):
        project.engine.applied()
    with pytest.raises(CredentialsMissing, match="sign in"):
        project.apply(few())
