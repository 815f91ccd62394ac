"""`GcpSession`: calls to one Google Cloud project over REST, with our retries, pages and errors.

Credentials are those of whoever runs it (application default), acting as the account's role where it has one; none at
all where the account has an endpoint of its own. google-auth is imported when the first call is made; what of it has no
types is called with an `ignore[no-untyped-call]`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from threading import local
from typing import TYPE_CHECKING, Any, TypeAlias  # Any: what an API answered, at this boundary only

from contracts.accounts import Account
from stacks.clouds.retries import patiently
from stacks.errors import CredentialsMissing

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import AuthorizedSession

Reply: TypeAlias = Mapping[str, Any]
"""What an API answered, as its reference spells it."""

SERVICES: Mapping[str, str] = {
    "compute": "https://compute.googleapis.com/compute/v1",
    "dns": "https://dns.googleapis.com/dns/v1",
    "storage": "https://storage.googleapis.com/storage/v1",
    "logging": "https://logging.googleapis.com/v2",
    "monitoring": "https://monitoring.googleapis.com/v3",
    "networkconnectivity": "https://networkconnectivity.googleapis.com/v1",
    "storagetransfer": "https://storagetransfer.googleapis.com/v1",
    "cloudbilling": "https://cloudbilling.googleapis.com/v1",
}
"""Where each API is answered; an account's endpoint takes the place of scheme and host."""

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class GcpSession:
    """All APIs of one project. May be used by several threads: each has its own connection."""

    account: Account
    _threads: local = field(default_factory=local, repr=False, compare=False)

    @property
    def project(self) -> str:
        return self.account.id

    def url(self, service: str, path: str) -> str:
        """Where a path of a service is: `url("compute", "projects/p/global/networks")`."""
        base = SERVICES[service]
        if self.account.endpoint:
            base = self.account.endpoint.rstrip("/") + "/" + base.split("/", 3)[3]
        return f"{base}/{path}"

    def get(self, service: str, path: str, **query: str) -> Reply:
        """Reads one thing; tried again as `stacks.clouds.retries` says.

        Raises:
            CloudError: see `stacks.errors`; a thing that is not there is `CloudRefused`, see `find`.
        """
        found = self.find(service, path, **query)
        if found is None:
            from stacks.clouds.gcp.translate import translate_answer

            raise translate_answer(404, {}, f"GET {path}", self.account)
        return found

    def find(self, service: str, path: str, **query: str) -> Reply | None:
        """As `get`; None where there is no such thing."""
        return patiently(partial(self._ask, "GET", self.url(service, path), query, None))

    def listing(self, service: str, path: str, items: str = "items", **query: str) -> tuple[Reply, ...]:
        """All pages of a list: the rows below `items`. Nothing where the API has no such collection."""
        return tuple(row for page in self._pages(service, path, query) for row in page.get(items, ()))

    def send(self, method: str, service: str, path: str, body: Mapping[str, object]) -> Reply:
        """Writes, once: it may have been done although the answer was lost."""
        return self._ask(method, self.url(service, path), {}, body) or {}

    def _pages(self, service: str, path: str, query: Mapping[str, str]) -> Iterator[Reply]:
        token = ""
        while True:
            page = self.find(service, path, **query, **({"pageToken": token} if token else {}))
            if page is None:
                return
            yield page
            token = str(page.get("nextPageToken", ""))
            if not token:
                return

    def _ask(self, method: str, url: str, query: Mapping[str, str], body: Mapping[str, object] | None) -> Reply | None:
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        from stacks.clouds.gcp import translate

        what = f"{method} {url.partition('/projects/')[2] or url}"
        try:
            answer = self._connection().request(method, url, params=query, json=body, timeout=_TIMEOUT_S)
            told = answer.json() if answer.content else {}
        except GoogleAuthError as error:
            raise translate.no_credentials(error, self.account) from error
        except RequestException as error:
            raise translate.no_answer(error, what, self.account) from error
        if answer.status_code == 404:
            return None
        if answer.status_code >= 400:
            raise translate.translate_answer(answer.status_code, told, what, self.account)
        return dict(told)

    def _connection(self) -> "AuthorizedSession":
        if not hasattr(self._threads, "session"):
            from google.auth.transport.requests import AuthorizedSession

            self._threads.session = AuthorizedSession(_credentials(self.account))
        session: AuthorizedSession = self._threads.session
        return session


@lru_cache(maxsize=64)
def gcp_session(account: Account) -> GcpSession:
    """The APIs of a project; the same object for the same account. Credentials are looked for at the first call."""
    return GcpSession(account)


@lru_cache(maxsize=64)
def _credentials(account: Account) -> "Credentials":
    """Whoever runs it, acting as the account's role; nobody where the account has an endpoint.

    Raises:
        CredentialsMissing: there are none.
    """
    import google.auth
    from google.auth import impersonated_credentials
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import GoogleAuthError

    if account.endpoint:
        return AnonymousCredentials()
    try:
        own, _ = google.auth.default(scopes=_SCOPES)
    except GoogleAuthError as error:
        raise _missing(error, account) from error
    if not account.role:
        return own
    return impersonated_credentials.Credentials(
        source_credentials=own, target_principal=account.role, target_scopes=list(_SCOPES)
    )


def _missing(error: Exception, account: Account) -> CredentialsMissing:
    from stacks.clouds.gcp.translate import no_credentials

    return no_credentials(error, account)
