"""What engines and providers say when they fail, as they said it, and what people are told."""

import pytest

from stacks.engines.causes import with_next_step
from stacks.engines.terraform_engine.failures import engine_failed
from stacks.errors import (
    ApplyBusy,
    CloudUnreachable,
    CredentialsMissing,
    EngineFailed,
    EngineMissing,
    NotPermitted,
    QuotaExceeded,
    RegionNotEnabled,
    Throttled,
)

LOCKED = """Error acquiring the state lock
Error message: operation error S3: PutObject, https response error StatusCode: 412, RequestID: x, HostID: y, api error
PreconditionFailed: At least one of the pre-conditions you specified did not hold
Lock Info:
  ID:        7b1f5c1e-0000-4b6e-8d9b-1b7f4b1f0000
  Path:      states/prestage/dev/fra.tfstate
  Operation: OperationTypeApply
  Who:       ann@host
  Version:   1.11.5
  Created:   2026-11-20 12:00:00.123 +0000 UTC
  Info:
"""
SAID = {
    "No valid credential sources found\nError: failed to refresh cached credentials": CredentialsMissing,
    "operation error STS: GetCallerIdentity, StatusCode: 403, ExpiredToken: expired": CredentialsMissing,
    "google: could not find default credentials. See https://cloud.google.com/docs": CredentialsMissing,
    "api error OptInRequired: You are not subscribed to this service.": RegionNotEnabled,
    "Invalid AWS Region: eu-nowhere-1": RegionNotEnabled,
    "creating EC2 VPC: api error VpcLimitExceeded: The maximum number of VPCs has been reached.": QuotaExceeded,
    "modifying EBS Volume (vol-1): operation error EC2: ModifyVolume, https response error StatusCode: 400, api error"
    " VolumeModificationRateExceeded: You've reached the maximum modification rate per volume limit. Wait at least 6"
    " hours between modifications per EBS volume.": Throttled,
    "googleapi: Error 403: Quota 'CPUS' exceeded. Limit: 24.0 in region europe-west1., quotaExceeded": QuotaExceeded,
    "api error UnauthorizedOperation: You are not authorized to perform this operation.": NotPermitted,
    "Failed to query available provider packages\nCould not retrieve the list of versions": EngineMissing,
    "Error loading state:\n  Unable to list objects in S3 bucket \"b\": no such host": CloudUnreachable,
    "querying Cloud Storage failed: Get \"http://x\": dial tcp: connection refused": CloudUnreachable,
    "Plugin did not respond\nThe plugin encountered an error; connection refused": EngineFailed,
}  # fmt: skip


@pytest.mark.parametrize(("said", "error"), SAID.items())
def test_a_failure_is_known_by_what_was_said(said, error):
    failed = engine_failed(said, "in short", where="root fra")
    assert type(failed) is error and failed.where == "root fra" and failed.next_step
    assert with_next_step("in short", said) == f"in short; next: {failed.next_step}"


def test_a_lock_is_told_by_its_id_and_holder():
    failed = engine_failed(LOCKED, "in short", where="root fra")
    assert isinstance(failed, ApplyBusy)
    assert "locked by ann@host since 2026-11-20 12:00:00.123 +0000 UTC (lock 7b1f5c1e-0000" in failed.what
    assert "force-unlock 7b1f5c1e-0000-4b6e-8d9b-1b7f4b1f0000" in failed.next_step


def test_what_is_not_recognised_keeps_its_own_words():
    failed = engine_failed("something new", "in short", where="root fra")
    assert type(failed) is EngineFailed and (failed.what, failed.next_step) == ("in short", "")
    assert with_next_step("in short", "something new") == "in short"
    assert with_next_step("fra is full; next: ask", "QuotaExceeded") == "fra is full; next: ask"
    assert with_next_step("slow down", "RequestLimitExceeded: Request limit exceeded.") == "slow down"
