"""Who changed a resource, as Cloud Audit Logs tell: admin activity is always kept, 400 days.

https://cloud.google.com/logging/docs/audit#admin-activity; entries.list: https://cloud.google.com/logging/docs/reference
"""

from contracts.accounts import Account
from stacks.clouds.gcp.session import GcpSession


def last_change(account: Account, resource: str) -> str:
    """`identity, method, time` of the latest write to a resource; empty where the log has none.

    Args:
        account: the project.
        resource: its path, `projects/p/regions/r/addresses/a`, or a link that ends with it.

    Raises:
        CloudError: it cannot be asked.
    """
    path = resource[resource.find("projects/") :] if "projects/" in resource else resource
    log = f"projects/{account.id}/logs/cloudaudit.googleapis.com%2Factivity"
    query = {
        "resourceNames": [f"projects/{account.id}"],
        "filter": f'logName="{log}" AND protoPayload.resourceName="{path}"',
        "orderBy": "timestamp desc",
        "pageSize": 1,
    }
    for entry in GcpSession(account).send("POST", "logging", "entries:list", query).get("entries", ()):
        payload = entry.get("protoPayload", {})
        who = payload.get("authenticationInfo", {}).get("principalEmail") or "an unnamed identity"
        return f"{who}, {payload.get('methodName', '')}, {entry.get('timestamp', '')}"
    return ""
