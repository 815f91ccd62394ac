"""Who changed a resource, as CloudTrail tells: event history of the last 90 days, without a trail of one's own.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html (two calls a second a region).
"""

from contracts.accounts import Account
from stacks.clouds.aws.session import aws_clients

NEWEST = 20


def last_change(account: Account, location: str, resource: str) -> str:
    """`user, event, time` of the latest write to a resource that CloudTrail knows; empty where it knows none.

    Raises:
        CloudError: it cannot be asked.
    """
    answer = aws_clients(account, location).call(
        "cloudtrail",
        "lookup_events",
        LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": resource}],
        MaxResults=NEWEST,
    )
    for event in answer.get("Events", ()):  # newest first
        if str(event.get("ReadOnly", "false")).lower() != "true":
            who = event.get("Username") or "an unnamed identity"
            return f"{who}, {event['EventName']}, {event['EventTime'].isoformat(timespec='minutes')}"
    return ""
