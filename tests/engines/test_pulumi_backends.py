"""Pulumi's state in a bucket: applied, read back, locked, and resumed from there."""

import json

import boto3
import pytest

from contracts.environment import Backend, BackendKind, Layout
from contracts.run import RunStatus
from stacks.errors import ApplyBusy, CloudUnreachable
from tests.clouds.moto_server import moto_server
from tests.clouds.recording_provider import serve_recording
from tests.engines.pulumi_clouds import few, make_cloud_project, without
from tests.engines.pulumi_project import LEAKS, pulumi_missing

BUCKET = "prestage-states"

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(pulumi_missing()), reason=pulumi_missing()),
    *LEAKS,
]


@pytest.fixture(scope="module")
def bucket():
    """A client of the bucket, which moto answers for."""
    with moto_server() as url, pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client
        client.close()


@pytest.fixture
def project(tmp_path, bucket):
    backend = Backend(kind=BackendKind.S3, bucket=BUCKET, location="us-east-1", endpoint=bucket.meta.endpoint_url)
    return make_cloud_project(tmp_path, layout=Layout.ENVIRONMENT, backend=backend)


def test_a_stack_in_s3_is_applied_read_locked_and_emptied(project, bucket, tmp_path):
    with serve_recording(tmp_path / "world") as world:
        assert set(project.apply(few()).values()) == {RunStatus.DONE}
        keys = [item["Key"] for item in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]]
        assert "prestage/.pulumi/stacks/prestage/mixed.json" in keys
        applied = project.engine.applied()
        assert {key: item.id for key, item in applied.items()} == {row.name: row.id for row in world.rows()}
        assert applied["dub--fra/link"].root == "links"
        assert project.planned(few()) == {}
        lock = "prestage/.pulumi/locks/organization/prestage/mixed/1.json"
        holder = {"pid": 7, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-11-20T12:00:00Z"}
        bucket.put_object(Bucket=BUCKET, Key=lock, Body=json.dumps(holder).encode())
        with pytest.raises(ApplyBusy, match=r"locked by ann@elsewhere \(process 7\), since 2026-11-20T12:00:00"):
            project.apply(without(few(), "fra/compute/x"))
        assert len(world.rows()) == len(few())
        bucket.delete_object(Bucket=BUCKET, Key=lock)
        project.apply([])
        assert world.rows() == () and project.engine.applied() == {}


def test_a_bucket_that_is_not_there_is_named(tmp_path, bucket):
    backend = Backend(kind=BackendKind.S3, bucket="nobodys", location="us-east-1", endpoint=bucket.meta.endpoint_url)
    project = make_cloud_project(tmp_path, backend=backend)
    with pytest.raises(CloudUnreachable, match=r"(?s)bucket.*pulumi whoami --verbose"):
        project.engine.applied()
