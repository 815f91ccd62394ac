"""Causes that failures of both engines have in common: by which words they are known, and what to do about them. Pure.

The words are those of OpenTofu 1.11, Terraform 1.11, hashicorp/aws 5 and hashicorp/google, whose texts are no
interface: what is not recognised keeps its own words. Pulumi's providers of clouds have them from Terraform's.
"""

import re
from dataclasses import dataclass

from stacks.errors import (
    CloudUnreachable,
    CredentialsMissing,
    EngineFailed,
    EngineMissing,
    NotPermitted,
    QuotaExceeded,
    RegionNotEnabled,
    StacksError,
    Throttled,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause that failures have in common.

    Attributes:
        error: what it is to the caller.
        words: by which it is known.
        next_step: what to do about it.
    """

    error: type[StacksError]
    words: re.Pattern[str]
    next_step: str


def _cause(error: type[StacksError], words: str, next_step: str) -> Cause:
    return Cause(error=error, words=re.compile(words), next_step=next_step)


CAUSES = (
    _cause(
        EngineFailed,
        r"Plugin did not respond|plugin process exited|plugin crashed|rpc error: code = Unavailable"
        r"|transport is closing|error reading from server: EOF",
        "repeat the command: what the provider had under way when it ended is looked for first",
    ),
    _cause(
        CredentialsMissing,
        r"No valid credential sources|ExpiredToken|InvalidClientTokenId|UnrecognizedClientException|AuthFailure"
        r"|token included in the request is expired|security token.* (?:is )?(?:invalid|expired)|no EC2 IMDS role found"
        r"|could not find default credentials|invalid_grant|oauth2: |failed to refresh cached credentials"
        r"|InvalidAccessKeyId|SignatureDoesNotMatch",
        "sign in again (aws sso login, gcloud auth application-default login), then repeat the command",
    ),
    _cause(
        RegionNotEnabled,
        r"OptInRequired|not enabled (?:in|for) (?:this|the) (?:account|region)|InvalidRegion|Invalid AWS Region"
        r"|RegionDisabled|you are not subscribed to this service",
        "enable the region in the account, or leave it out of the environment",
    ),
    _cause(
        Throttled,
        r"VolumeModificationRateExceeded|IncorrectModificationState|maximum modification rate per volume",
        "wait until AWS lets the volume be changed again (six hours after the last change, or four changes in a day;"
        " aws ec2 describe-volumes-modifications has their times), then repeat the command: what is done stays done,"
        " and the volume serves as it is meanwhile",
    ),
    _cause(
        QuotaExceeded,
        r"\w*LimitExceeded(?<!RequestLimitExceeded)|QuotaExceeded|quotaExceeded|QUOTA_EXCEEDED|Quota '\S+' exceeded"
        r"|InsufficientInstanceCapacity|maximum number of .* has been reached|ZONE_RESOURCE_POOL_EXHAUSTED",
        "ask for a higher quota or plan less there, then repeat the command: what is done stays done",
    ),
    _cause(
        NotPermitted,
        r"UnauthorizedOperation|AccessDenied|not authorized to perform|PERMISSION_DENIED|Required '\S+' permission",
        "give the role the permissions in the page of its target (docs/targets), then repeat the command",
    ),
    _cause(
        EngineMissing,
        r"Failed to query available provider packages|no available releases match|Failed to install provider"
        r"|does not have a package available|Required plugins are not installed|no package for"
        r"|Unsupported (?:OpenTofu|Terraform) Core version|there is no package for",
        "make the provider available to the engine: network, or a mirror named by TF_CLI_CONFIG_FILE",
    ),
    _cause(
        CloudUnreachable,
        r"Unable to list objects in S3 bucket|Error loading state|error configuring S3 Backend|NoSuchBucket"
        r"|[Ff]ailed to (?:get|load|read|retrieve)[^\n]* (?:state|workspaces)|querying Cloud Storage failed"
        r"|connection refused|no such host|i/o timeout|TLS handshake|RequestError: send request failed",
        "see that the bucket and the network are there, then repeat the command",
    ),
)


def cause_of(text: str) -> Cause | None:
    """The cause that a text names; None where it is none of those that are known."""
    return next((cause for cause in CAUSES if cause.words.search(text)), None)


def failed(text: str, words: str, *, where: str) -> StacksError:
    """The error of a command that failed, by the cause that its text names.

    Args:
        text: everything that it said.
        words: what it said in short.
        where: which root or stack.
    """
    cause = cause_of(text)
    if cause is None:
        return EngineFailed(words, where=where)
    return cause.error(words, where=where, next_step=cause.next_step)


def with_next_step(words: str, text: str) -> str:
    """A root's message: what failed in short, and what to do about it where that is known."""
    cause = cause_of(text)
    return f"{words}; next: {cause.next_step}" if cause and "next: " not in words else words
