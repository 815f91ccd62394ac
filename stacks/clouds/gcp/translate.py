"""Google's answers and google-auth's exceptions as our errors: what, where, the command to type next."""

from collections.abc import Mapping
from typing import Any  # Any: what an API answered, at this boundary only

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

_BUSY_STATUS = frozenset({429, 500, 502, 503, 504})
_BUSY = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "backendError"})
_QUOTA = frozenset({"quotaExceeded", "QUOTA_EXCEEDED", "limitExceeded", "ZONE_RESOURCE_POOL_EXHAUSTED"})
_LOGIN = "gcloud auth application-default login; in a pipeline, workload identity federation"


def translate_answer(status: int, body: Mapping[str, Any], what: str, account: Account) -> CloudError:
    """An answer that is an error, in our words.

    Args:
        status: of HTTP.
        body: the answer's JSON; empty where it had none.
        what: method and path that were asked for.
        account: whose project.
    """
    error = body.get("error", {})
    details = error if isinstance(error, Mapping) else {"message": str(error)}
    reasons = {str(item.get("reason", "")) for item in (*details.get("errors", ()), *details.get("details", ()))}
    said = f"{what} answers {status}: {details.get('message', 'no message')}"
    where = f"project {account.id} (account {account.name})"
    if reasons & _BUSY or (status in _BUSY_STATUS and not reasons & _QUOTA):
        return Throttled(said, where=where, next_step="run the same command again in a minute")
    if reasons & _QUOTA:
        return QuotaExceeded(said, where=where, next_step="ask for a higher quota, or plan less there: prestage plan")
    if status == 401:
        return CredentialsMissing(said, where=where, expected=_expected(account), next_step=_LOGIN)
    if status == 403:
        return NotPermitted(said, where=where, next_step="give the service account the roles of docs/targets/gcp.md")
    if status == 400 and "Unknown region" in said:
        return RegionNotEnabled(said, where=where, next_step="name a region that `gcloud compute regions list` shows")
    return CloudRefused(said, where=where)


def no_credentials(error: Exception, account: Account) -> CredentialsMissing:
    """google-auth found none, or they cannot be renewed."""
    return CredentialsMissing(
        f"there are no usable Google credentials ({error})",
        where=f"project {account.id} (account {account.name})",
        expected=_expected(account),
        next_step=_LOGIN,
    )


def no_answer(error: Exception, what: str, account: Account) -> CloudUnreachable:
    """The connection failed or took too long."""
    return CloudUnreachable(
        f"{what}: no answer ({type(error).__name__}: {error})",
        where=f"project {account.id} (account {account.name})",
        next_step="check the network; then run the same command again",
    )


def _expected(account: Account) -> str:
    return f"credentials that may act as {account.role}" if account.role else f"credentials for {account.id}"
