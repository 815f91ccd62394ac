"""Botocore's exceptions as ours: what, where, the command to type next."""

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from contracts.accounts import Account
from stacks.errors import (
    CloudError,
    CloudRefused,
    CloudUnreachable,
    CredentialsMissing,
    NotPermitted,
    QuotaExceeded,
    RegionNotEnabled,
    Throttled,
)

ERRORS = (boto.BotoCoreError, boto.ClientError, ResponseParserError)
"""All that a call may raise."""

_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.UnauthorizedSSOTokenError,
    boto.SSOTokenLoadError,
    boto.ProfileNotFound,
)
_EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException"}
    | {"SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthFailure"}
)
_DENIED = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "Forbidden", "403"})
_BUSY = frozenset(
    {"RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}
    | {"SlowDown", "PriorRequestNotComplete", "ServiceUnavailable", "Unavailable", "InternalError", "InternalFailure"}
)
_BUSY_STATUS = frozenset({429, 500, 502, 503, 504})
AUTH_FAILURE = "AuthFailure"


def code_of(error: Exception) -> str:
    """AWS's code of an error, `InvalidVpcID.NotFound`; empty where AWS did not answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, boto.ClientError) else ""


def translate(error: Exception, account: Account, location: str) -> CloudError:
    """The same error in our words."""
    where = f"account {account.name}, {location}"
    if isinstance(error, _NO_CREDENTIALS):
        return _credentials(f"there are no usable AWS credentials ({error})", account, where)
    if isinstance(error, boto.ClientError):
        return _answered(error, account, where)
    if isinstance(error, boto.InvalidRegionError | boto.UnknownRegionError | boto.NoRegionError):
        return _not_enabled(str(error), where, location)
    return CloudUnreachable(
        f"AWS does not answer ({type(error).__name__}: {error})",
        where=where,
        next_step=f"check the network, and that there is a region {location}; then run the same command again",
    )


def _answered(error: boto.ClientError, account: Account, where: str) -> CloudError:
    code, status = code_of(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    said = str(error.response.get("Error", {}).get("Message", "")) or "no message"
    what = f"{error.operation_name} answers {code}: {said}"
    if code == "OptInRequired":
        return _not_enabled(what, where, where.rpartition(" ")[2])
    if code in _EXPIRED:
        return _credentials(what, account, where)
    if code in _DENIED:
        return NotPermitted(what, where=where, next_step="give the role the permissions of docs/targets/aws.md")
    if code in _BUSY or status in _BUSY_STATUS:
        return Throttled(what, where=where, next_step="run the same command again in a minute")
    if "LimitExceeded" in code or "QuotaExceeded" in code or code.startswith("MaxSpot"):
        return QuotaExceeded(what, where=where, next_step="ask for a higher limit, or plan less there: prestage plan")
    return CloudRefused(what, where=where)


def _credentials(what: str, account: Account, where: str) -> CredentialsMissing:
    return CredentialsMissing(
        what,
        where=where,
        expected=f"credentials that may assume {account.role}" if account.role else f"credentials of {account.id}",
        next_step="aws sso login, or set AWS_PROFILE; in a pipeline, let it assume a role",
    )


def _not_enabled(what: str, where: str, location: str) -> RegionNotEnabled:
    return RegionNotEnabled(what, where=where, next_step=f"aws account enable-region --region-name {location}")
