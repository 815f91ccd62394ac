"""`Look`: one look at one account in one location. Every question is asked once, however many resources lean on it."""

from collections.abc import Iterator, Mapping, Sequence
from threading import RLock

import jmespath

from stacks.clouds.aws.listing import GONE, Listing
from stacks.clouds.aws.session import AwsClients, Reply
from stacks.clouds.cloud import CloudResource
from stacks.clouds.spelling import in_terraform_words
from stacks.declaration import Value

ENVIRONMENT_TAG, KEY_TAG, OWNER_TAG = "prestage:environment", "prestage:key", "prestage:owner"
_HEALTH_CHECKS_AT_ONCE = 10  # of route53's list_tags_for_resources

Tags = Mapping[str, str]


class Look:
    """What one account has in one location, as of now."""

    def __init__(self, clients: AwsClients) -> None:
        self.clients = clients
        self._asked: dict[tuple[str, str, str, str], tuple[Reply, ...]] = {}
        self._asking = RLock()

    def rows(self, service: str, operation: str, items: str, **arguments: object) -> tuple[Reply, ...]:
        """All rows of an operation that reads; asked once."""
        question = (service, operation, items, repr(sorted(arguments.items())))
        with self._asking:
            if question not in self._asked:
                self._asked[question] = self.clients.listing(service, operation, items, **arguments)
            return self._asked[question]

    def resources(self, listing: Listing, environment: str = "") -> Iterator[CloudResource]:
        """Resources of one type that are there; only those with an environment's tag where one is named."""
        narrowed = {"Filters": [{"Name": f"tag:{ENVIRONMENT_TAG}", "Values": [environment]}]} if environment else {}
        rows = self.rows(
            listing.service, listing.operation, listing.items, **(narrowed if listing.service == "ec2" else {})
        )
        for row in rows:
            if not self._there(listing, row):
                continue
            tags = self._tags(listing, row)
            if not environment or tags.get(ENVIRONMENT_TAG) == environment:
                yield _resource(listing, row, tags)

    def has_tagged(self, listing: Listing, environment: str) -> bool:
        """Whether there may be any with the environment's tag: one answer tells for all types of EC2, and of others."""
        if not listing.tagged_as:
            return True
        if listing.service != "ec2":
            return any(listing.tagged_as in arn for arn in self._tagged_arns())
        wanted = {"key": ENVIRONMENT_TAG, "value": environment}
        filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
        rows = self.rows("ec2", "describe_tags", "Tags[]", Filters=filters)
        return any(row["ResourceType"] == listing.tagged_as for row in rows)

    def _there(self, listing: Listing, row: Reply) -> bool:
        if listing.state and str(jmespath.search(listing.state, row) or "").lower() in GONE:
            return False
        if listing.origin is None:
            return True
        region, owner = (jmespath.search(path, row) for path in listing.origin)
        return region in (None, self.clients.location) and owner in (None, self.clients.account.id)

    def _tags(self, listing: Listing, row: Reply) -> Tags:
        if listing.tags:
            return _pairs(jmespath.search(listing.tags, row) or ())
        if listing.arn:
            return self._tagged_arns().get(str(jmespath.search(listing.arn, row)), {})
        return self._health_checks().get(str(jmespath.search(listing.id, row)), {}) if _is_dns(listing) else {}

    def _tagged_arns(self) -> Mapping[str, Tags]:
        """Tags by ARN of everything that bears our environment's tag, whichever environment."""
        rows = self.rows(
            "resourcegroupstaggingapi",
            "get_resources",
            "ResourceTagMappingList[]",
            TagFilters=[{"Key": ENVIRONMENT_TAG}],
        )
        return {row["ResourceARN"]: _pairs(row["Tags"]) for row in rows}

    def _health_checks(self) -> Mapping[str, Tags]:
        ids = [row["Id"] for row in self.rows("route53", "list_health_checks", "HealthChecks[]")]
        found: dict[str, Tags] = {}
        for start in range(0, len(ids), _HEALTH_CHECKS_AT_ONCE):
            some = ids[start : start + _HEALTH_CHECKS_AT_ONCE]
            asked = {"ResourceType": "healthcheck", "ResourceIds": some}
            for row in self.rows("route53", "list_tags_for_resources", "ResourceTagSets[]", **asked):
                found[row["ResourceId"]] = _pairs(row["Tags"])
        return found


def _is_dns(listing: Listing) -> bool:
    return listing.service == "route53"


def _resource(listing: Listing, row: Reply, tags: Tags) -> CloudResource:
    found = {name: jmespath.search(path, row) for name, path in listing.arguments.items()}
    id = str(jmespath.search(listing.id, row))
    arguments: dict[str, Value] = {**in_terraform_words(row), "tags": dict(tags)}
    arguments |= {name: value for name, value in found.items() if value is not None}
    return CloudResource(
        type=listing.type,
        key=tags.get(KEY_TAG, ""),
        id=id,
        place="",
        arguments={**arguments, "id": id},
        environment=tags.get(ENVIRONMENT_TAG, ""),
        owner=tags.get(OWNER_TAG, ""),
    )


def _pairs(tags: Sequence[Mapping[str, str]] | Tags) -> Tags:
    """Tags as AWS's services have them: pairs of `Key` and `Value`, of `key` and `value`, or a map."""
    if isinstance(tags, Mapping):
        return tags
    return {tag.get("Key", tag.get("key", "")): tag.get("Value", tag.get("value", "")) for tag in tags}
