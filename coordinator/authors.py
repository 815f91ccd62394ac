"""Who may have made a difference, where a cloud's audit trail tells.

Asked last and of few resources, because trails are slow and rate-limited. They may know nothing: a question that fails
leaves the difference without an author.
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from contracts.accounts import TargetName
from contracts.drift import Difference, DriftReport
from contracts.environment import Environment
from contracts.names import place_ends
from stacks.engines.engine import Observed
from stacks.errors import StacksError

ASKED_AT_MOST = 25
AT_ONCE = 2  # CloudTrail answers two calls a second

LastChange = Callable[[Observed], str]


def with_authors(report: DriftReport, observed: Iterable[Observed], last_change: LastChange) -> DriftReport:
    """The report with the author of each difference that an audit trail knows one of."""
    seen = {item.key: item for item in observed}
    asked = [key for key in dict.fromkeys(item.key for item in report.found) if key in seen][:ASKED_AT_MOST]
    if not asked:
        return report
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        told = dict(zip(asked, pool.map(lambda key: _told(seen[key], last_change), asked), strict=True))
    return report.model_copy(update={"differences": tuple(_signed(item, told) for item in report.differences)})


def ask_trail(environment: Environment, item: Observed) -> str:
    """What the audit trail of the account that a resource lies in says of it.

    Raises:
        CloudError: it cannot be asked.
    """
    names = item.live or item.last or {}
    for region in place_ends(item.key.partition("/")[0]):
        account, cloud = environment.account(region), environment.cloud(region)
        if account is None or cloud is None:
            continue
        if account.target is TargetName.AWS:
            from stacks.clouds.aws.trail import last_change as on_aws

            told = on_aws(account, cloud.location, str(names.get("id", "")))
        else:
            from stacks.clouds.gcp.trail import last_change as on_gcp

            told = on_gcp(account, str(names.get("self_link") or names.get("id", "")))
        if told:
            return told
    return ""


def _told(item: Observed, last_change: LastChange) -> str:
    try:
        return last_change(item)
    except StacksError:
        return ""


def _signed(item: Difference, told: Mapping[str, str]) -> Difference:
    return item.model_copy(update={"by": told[item.key]}) if told.get(item.key) else item
