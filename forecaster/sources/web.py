"""`Web`: one GET over HTTP, bounded in size and time. The only module of the sources that opens a connection itself.

requests is imported when the first question is asked.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pydantic import SecretStr

from contracts.ports import Clock
from contracts.sources import Access
from forecaster.errors import FormChanged, SourceRefused, SourceUnreachable
from forecaster.sources.patience import Sleep, patiently

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

CONNECT_S = 10.0
_CHUNK = 1 << 16
_SAID = 200
"""Characters of a refusal that are told."""

Headers: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question.

    Attributes:
        url: without the query.
        query: names and values.
        headers: beside those of `Credentials`.
        timeout_s: for the whole answer.
        max_bytes: of the answer, unpacked.
    """

    url: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Headers = field(default_factory=dict)
    timeout_s: float = 30.0
    max_bytes: int = 64 << 20

    @property
    def where(self) -> str:
        """The address as messages name it: without its query, which may hold a secret."""
        return self.url.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer; names of headers are lower case."""

    status: int
    headers: Headers
    body: bytes


class Web(Protocol):
    """Asks a web server.

    Raises:
        SourceUnreachable: no whole answer in time.
        FormChanged: the answer is larger than it may be.
    """

    def get(self, ask: Ask) -> Reply: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How we are let in; the secrets mask themselves."""

    token: SecretStr | None = None
    user: str = ""
    password: SecretStr | None = None
    ca_file: str = ""


def credentials_of(access: Access, variables: Mapping[str, str], *, where: str) -> Credentials:
    """The secrets that an `Access` names.

    Args:
        access: as people wrote it.
        variables: the process's.
        where: the source, for messages.

    Raises:
        SourceRefused: a variable is not set.
    """

    def secret(name: str) -> SecretStr | None:
        if name and not variables.get(name):
            raise SourceRefused(
                f"the variable {name} is not set", where=where, next_step=f"set it to the secret: export {name}=..."
            )
        return SecretStr(variables[name]) if name else None

    return Credentials(
        token=secret(access.token_variable),
        user=access.user,
        password=secret(access.password_variable),
        ca_file=access.ca_file,
    )


@dataclass(slots=True, kw_only=True)
class RequestsWeb:
    """A `Web` over requests: one connection that is kept, the machine's proxies, certificates checked."""

    credentials: Credentials = field(default_factory=Credentials)
    seconds: Callable[[], float] = time.monotonic
    _session: "Session | None" = None

    def get(self, ask: Ask) -> Reply:
        """Asks once; follows up to 5 redirects, without credentials to another host."""
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        until = self.seconds() + ask.timeout_s
        try:
            with self._opened().get(
                ask.url,
                params=list(ask.query),
                headers=dict(ask.headers),
                timeout=(min(CONNECT_S, ask.timeout_s), ask.timeout_s),
                stream=True,
                verify=self.credentials.ca_file or True,
            ) as response:
                body = self._body(response, ask, until)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(status=response.status_code, headers=headers, body=body)
        except (RequestException, HTTPError) as error:
            raise _no_answer(error, ask) from error

    def close(self) -> None:
        """Gives the connection back."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _body(self, response: "Response", ask: Ask, until: float) -> bytes:
        pieces, size = [], 0
        for piece in response.iter_content(_CHUNK):
            size += len(piece)
            if size > ask.max_bytes:
                raise FormChanged(
                    f"the answer is larger than {ask.max_bytes / 2**20:g} MiB",
                    where=ask.where,
                    next_step="ask for less, or raise the source's max_mib",
                )
            if self.seconds() > until:
                raise SourceUnreachable(
                    f"the answer was not whole after {ask.timeout_s:g} s ({size} bytes)", where=ask.where
                )
            pieces.append(piece)
        return b"".join(pieces)

    def _opened(self) -> "Session":
        if self._session is None:
            from requests import Session

            self._session = Session()
            self._session.max_redirects = 5
            self._session.headers["User-Agent"] = "prestage"
            self._session.auth = self._signed  # set even without secrets: else requests takes some from ~/.netrc
        return self._session

    def _signed(self, request: "PreparedRequest") -> "PreparedRequest":
        from requests.auth import HTTPBasicAuth

        if self.credentials.token is not None:
            request.headers["Authorization"] = f"Bearer {self.credentials.token.get_secret_value()}"
        elif self.credentials.password is not None:
            HTTPBasicAuth(self.credentials.user, self.credentials.password.get_secret_value())(request)
        return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What a reader of a web server is handed: the server, a clock and a way to wait."""

    web: Web
    clock: Clock
    sleep: Sleep


def asked(door: Door, ask: Ask) -> Reply:
    """An answer that is no trouble of the server's; asked again as `forecaster.sources.patience` says.

    Raises:
        SourceUnreachable: no answer, 429, 408 or 5xx, after the last attempt.
        SourceRefused: 401 or 403.
    """

    def once() -> Reply:
        reply = door.web.get(ask)
        if reply.status in (408, 429) or reply.status >= 500:
            raise SourceUnreachable(
                f"answers {reply.status}{said(reply)}", where=ask.where, wait_s=_asked_wait(reply, door.clock)
            )
        if reply.status in (401, 403):
            raise SourceRefused(
                f"answers {reply.status}{said(reply)}: the credentials are missing, wrong or not enough",
                where=ask.where,
                next_step="name the variable that holds them: access: {token_variable: NAME}",
            )
        return reply

    return patiently(once, door.sleep)


def said(reply: Reply) -> str:
    """The beginning of what a server says of its trouble, on one line; nothing where it is a page for browsers."""
    text = " ".join(reply.body[: 4 * _SAID].decode("utf-8", "replace").split())
    return f" ({text[:_SAID]})" if text and not text.startswith("<") else ""


def _asked_wait(reply: Reply, clock: Clock) -> float:
    """Seconds of a Retry-After header, a number or a date (RFC 9110, 10.2.3); 0 where it is neither."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - clock()).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _no_answer(error: Exception, ask: Ask) -> SourceUnreachable:
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)
    return SourceUnreachable(
        f"gives no whole answer ({type(error).__name__}: {str(reason)[:_SAID]})",
        where=ask.where,
        next_step="check that it runs and that the address is right; it is asked again next time",
    )
