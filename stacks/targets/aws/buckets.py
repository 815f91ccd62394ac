"""Buckets (S3): versioned, closed to the outside, replicated to one in the partner's region by a role of their own.

Names of buckets are the whole world's, and known beforehand, so the role's policy says them without referring to them.
"""

import json
from collections.abc import Iterator, Sequence

from contracts.resources import StorageSpec
from stacks.declaration import Declaration
from stacks.targets.aws.placing import Arguments, Placing
from stacks.targets.aws.replicas import held_of, replica_site
from stacks.targets.names import cloud_name

READ_CONFIGURATION = ("s3:GetReplicationConfiguration", "s3:ListBucket")
READ_VERSIONS = ("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging")
WRITE_REPLICAS = ("s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags")
CLOSED = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


def declare_bucket(placing: Placing, spec: StorageSpec) -> Iterator[Declaration]:
    """The bucket under the resource's own key; its replica and what replicates below it."""
    yield from _one_bucket(placing, "", placing.tags(**held_of(spec)))
    partner = replica_site(placing, spec)
    if partner is None:
        return
    yield from _one_bucket(partner, "replica", placing.tags("replica"))
    yield from _replication_role(placing)
    rule: Arguments = {
        "id": "all",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "delete_marker_replication": {"status": "Disabled"},  # a replica outlives a deletion
        "destination": {"bucket": placing.own("replica", "arn"), "storage_class": "STANDARD"},
    }
    replication: Arguments = {
        "bucket": placing.own(),
        "role": placing.own("replication-role", "arn"),
        "rule": (rule,),
    }
    versioned = (placing.key("replica/versioning"), placing.key("versioning"))
    yield placing.declare("aws_s3_bucket_replication_configuration", "replication", replication, after=versioned)


def bucket_name(placing: Placing, part: str) -> str:
    """The name of a bucket: the account in it tells environments of one name apart."""
    return cloud_name(placing.environment.name, f"{placing.account.id}/{placing.key(part)}", limit=63)


def _one_bucket(placing: Placing, part: str, tags: Arguments) -> Iterator[Declaration]:
    below = f"{part}/" if part else ""
    yield placing.declare("aws_s3_bucket", part, {"bucket": bucket_name(placing, part), "tags": tags})
    versioning: Arguments = {"bucket": placing.own(part), "versioning_configuration": {"status": "Enabled"}}
    yield placing.declare("aws_s3_bucket_versioning", f"{below}versioning", versioning)
    access: Arguments = {"bucket": placing.own(part), **dict.fromkeys(CLOSED, True)}
    yield placing.declare("aws_s3_bucket_public_access_block", f"{below}access", access)


def _replication_role(placing: Placing) -> Iterator[Declaration]:
    service = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "s3.amazonaws.com"}}
    role: Arguments = {
        "name": placing.name("replication-role", limit=64),
        "assume_role_policy": _document([service]),
        "tags": placing.tags("replication-role"),
    }
    yield placing.declare("aws_iam_role", "replication-role", role)
    source, replica = (f"arn:{placing.partition}:s3:::{bucket_name(placing, part)}" for part in ("", "replica"))
    granted = (
        (READ_CONFIGURATION, source),
        (READ_VERSIONS, f"{source}/*"),
        (WRITE_REPLICAS, f"{replica}/*"),
    )
    statements = [{"Effect": "Allow", "Action": list(actions), "Resource": where} for actions, where in granted]
    policy: Arguments = {
        "name": "replication",
        "role": placing.own("replication-role"),
        "policy": _document(statements),
    }
    yield placing.declare("aws_iam_role_policy", "replication-policy", policy)


def _document(statements: Sequence[object]) -> str:
    """An IAM policy as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)
