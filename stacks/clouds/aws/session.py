"""`AwsClients`: calls to one account in one location, with our retries, pages and errors.

Credentials are those of whoever runs it, or of the account's role. boto3 is imported when the first call is made.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias  # Any: what an API answered, at this boundary only

from contracts.accounts import Account
from stacks.clouds.retries import patiently
from stacks.errors import CloudError, CredentialsMissing, RegionNotEnabled

if TYPE_CHECKING:
    from boto3 import Session

Reply: TypeAlias = Mapping[str, Any]
"""What an operation answered, as boto3 spells it."""

CONNECT_S, READ_S = 5, 30
_READS = ("describe_", "list_", "get_", "head_")
_making = Lock()  # a boto3 session makes one client at a time


@dataclass(frozen=True, slots=True)
class AwsClients:
    """All services of one account in one location. May be used by several threads."""

    account: Account
    location: str
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def call(self, service: str, operation: str, **arguments: object) -> Reply:
        """One operation: `call("ec2", "describe_vpcs", VpcIds=["vpc-1"])`. Only what reads is tried again.

        Raises:
            CloudError: see `stacks.errors`; `CloudRefused.__cause__` is botocore's own error.
        """
        act = partial(self._once, service, operation, arguments)
        return patiently(act) if operation.startswith(_READS) else act()

    def listing(self, service: str, operation: str, items: str, **arguments: object) -> tuple[Reply, ...]:
        """All pages of an operation that reads: the rows below `items`, `Reservations[].Instances[]` (JMESPath)."""
        return patiently(lambda: tuple(self._pages(service, operation, items, arguments)))

    def _once(self, service: str, operation: str, arguments: Mapping[str, object]) -> Reply:
        from stacks.clouds.aws.translate import ERRORS

        try:
            answer: Reply = getattr(self._client(service), operation)(**arguments)
        except ERRORS as error:
            raise self._translated(error) from error
        return answer

    def _pages(self, service: str, operation: str, items: str, arguments: Mapping[str, object]) -> Iterator[Reply]:
        from stacks.clouds.aws.translate import ERRORS

        try:
            client = self._client(service)
            if client.can_paginate(operation):
                yield from client.get_paginator(operation).paginate(**arguments).search(items)
            else:
                import jmespath

                yield from jmespath.search(items, getattr(client, operation)(**arguments)) or ()
        except ERRORS as error:
            raise self._translated(error) from error

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            from botocore.config import Config

            config = Config(
                connect_timeout=CONNECT_S,
                read_timeout=READ_S,
                max_pool_connections=16,
                retries={"total_max_attempts": 1},  # ours is the only policy
                s3={"addressing_style": "path"} if self.account.endpoint else None,
            )
            with _making:
                session = _session(self.account)
                self._clients[service] = session.client(
                    service,  # type: ignore[call-overload]  # boto3-stubs knows literal names only
                    region_name=self.location,
                    endpoint_url=self.account.endpoint or None,
                    config=config,
                )
        return self._clients[service]

    def _translated(self, error: Exception) -> CloudError:
        from stacks.clouds.aws.translate import AUTH_FAILURE, code_of, translate

        found = translate(error, self.account, self.location)
        if code_of(error) == AUTH_FAILURE and self._known_elsewhere():
            return RegionNotEnabled(
                "the credentials are good, but not in this region",
                where=found.where,
                next_step=f"aws account enable-region --region-name {self.location}",
            )
        return found

    def _known_elsewhere(self) -> bool:
        """Whether STS knows the credentials: a region that is not enabled says the same as bad credentials."""
        from stacks.clouds.aws.translate import ERRORS

        try:
            self._client("sts").get_caller_identity()
        except ERRORS:
            return False
        return True


@lru_cache(maxsize=256)
def aws_clients(account: Account, location: str) -> AwsClients:
    """The services of an account in a location; the same object for the same account and location.

    Raises nothing yet: credentials are looked for when the first call is made.
    """
    return AwsClients(account, location)


@lru_cache(maxsize=64)
def _session(account: Account) -> "Session":
    """boto3's session of an account, its role assumed, and assumed again before it runs out.

    Raises:
        CredentialsMissing: there are none to begin with.
    """
    import boto3
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
    from botocore.session import get_session

    own = get_session()
    credentials = own.get_credentials()
    if credentials is None:
        raise CredentialsMissing(
            "there are no AWS credentials",
            where=f"account {account.name}",
            expected="environment variables, a profile, or the identity of the machine or pipeline",
            next_step="aws sso login, or set AWS_PROFILE; in a pipeline, let it assume a role",
        )
    if account.role:
        fetcher = AssumeRoleCredentialFetcher(
            client_creator=partial(own.create_client, endpoint_url=account.endpoint or None, region_name=_STS_REGION),
            source_credentials=credentials,
            role_arn=account.role,
            extra_args={"RoleSessionName": "prestage"},
        )
        assumed = get_session()
        assumed._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # has no public setter
            refresh_using=fetcher.fetch_credentials, method="assume-role"
        )
        return boto3.Session(botocore_session=assumed)
    return boto3.Session(botocore_session=own)


_STS_REGION = "us-east-1"  # answers for all accounts, whatever regions they have enabled
