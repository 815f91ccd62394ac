"""Files at web addresses: asked for only where they changed, kept in a folder, checked before they are used."""

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from pydantic import AwareDatetime

from contracts.document import Document, bytes_digest
from contracts.errors import DocumentError
from contracts.files import read_document, write_bytes, write_document
from contracts.sources import FeedSource
from forecaster.batch import Batch, no_measurements, no_requests
from forecaster.errors import FileRefused, FormChanged, SourceFailed, SourceRefused, SourceUnreachable
from forecaster.sources.files import ImportOptions, batch_of_sheet
from forecaster.sources.sheets import sheet_of
from forecaster.sources.tables import Table
from forecaster.sources.web import Ask, Door, Reply, asked, said


class Kept(Document):
    """What is remembered of a feed.

    Attributes:
        body_digest: of what was sent.
        etag, last_modified: as the server named that version.
        fetched_at: when it was sent.
        settled: whether that version has come to where it belongs; only then is a newer one asked for.
    """

    FORMAT: ClassVar[str] = "prestage/feed-cache"

    body_digest: str
    etag: str = ""
    last_modified: str = ""
    fetched_at: AwareDatetime
    settled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a feed says.

    Attributes:
        body: all of it; empty where it has not changed and bodies are not kept.
        fetched_at: when it was sent to us; earlier than now where it has not changed since, or the server is down.
        changed: whether it was sent now.
        trouble: why it could not be asked for; what was kept is given then.
    """

    body: bytes
    fetched_at: datetime
    changed: bool
    trouble: SourceFailed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """Fetches feeds and remembers their versions.

    Attributes:
        folder: of what is kept; made when there is something to keep.
        bodies: whether bodies are kept, as they are. Telemetry belongs into the history, which is encrypted: of it only
            the version is remembered, once the history has it (`settle`).
    """

    folder: Path
    door: Door
    bodies: bool = True

    def fetch(self, ask: Ask, *, stale: bool = False) -> Fetched:
        """A feed's body, sent only where it changed (RFC 9110, 13: If-None-Match, If-Modified-Since).

        Args:
            ask: its address; headers of conditions are added.
            stale: whether what was kept will do while the server is down.

        Raises:
            SourceFailed: it cannot be had, or answers something else than a file.
        """
        kept, body = self._kept(ask.url)
        try:
            reply = asked(self.door, _conditional(ask, kept))
            return self._sent(ask, reply, kept, body)
        except SourceUnreachable as error:
            if not stale or kept is None:
                raise
            return Fetched(body=body, fetched_at=kept.fetched_at, changed=False, trouble=error)

    def _sent(self, ask: Ask, reply: Reply, kept: Kept | None, body: bytes) -> Fetched:
        if reply.status == 304 and kept is not None:
            return Fetched(body=body, fetched_at=kept.fetched_at, changed=False)
        if reply.status != 200:
            raise SourceRefused(f"answers {reply.status}{said(reply)}", where=ask.where, next_step="correct the url")
        _check_whole(ask, reply)
        now = self.door.clock()
        remembered = Kept(
            body_digest=bytes_digest(reply.body),
            etag=reply.headers.get("etag", ""),
            last_modified=reply.headers.get("last-modified", ""),
            fetched_at=now,
            settled=self.bodies,
        )
        if self.bodies:
            write_bytes(self._path(ask.url, "body"), reply.body)
        write_document(self._path(ask.url, "json"), remembered)
        changed = kept is None or kept.body_digest != remembered.body_digest
        return Fetched(body=reply.body, fetched_at=now, changed=changed)

    def file(self, ask: Ask) -> tuple[Path, SourceFailed | None]:
        """A feed as a file, for what reads it piece by piece; the one kept, and why, while the server is down.

        Raises:
            SourceFailed: as `fetch`.
        """
        fetched = self.fetch(ask, stale=True)
        return self._path(ask.url, "body"), fetched.trouble

    def settle(self, url: str) -> None:
        """Says that the version that was sent last is where it belongs: it need not be sent again."""
        path = self._path(url, "json")
        with contextlib.suppress(DocumentError):
            write_document(path, read_document(Kept, path).model_copy(update={"settled": True}))

    def _kept(self, url: str) -> tuple[Kept | None, bytes]:
        """What was kept of an address; nothing where it is not what was written: it is asked for anew."""
        try:
            kept = read_document(Kept, self._path(url, "json"))
            body = self._path(url, "body").read_bytes() if self.bodies else b""
        except (DocumentError, OSError):
            return None, b""
        whole = not self.bodies or bytes_digest(body) == kept.body_digest
        return (kept, body) if kept.settled and whole else (None, b"")

    def _path(self, url: str, suffix: str) -> Path:
        return self.folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.{suffix}"


def read_feed(source: FeedSource, feeds: Feeds) -> Batch:
    """A feed as a batch; one without rows where it has not changed since the history took it in.

    Raises:
        SourceFailed: it cannot be had.
        FormChanged: it is no table of the form that is stated.
    """
    ask = Ask(url=source.url, timeout_s=source.timeout_seconds, max_bytes=int(source.max_mib * 2**20))
    fetched = feeds.fetch(ask)
    unchanged = () if fetched.changed else (f"unchanged since {fetched.fetched_at:%Y-%m-%d %H:%M} UTC",)
    if not fetched.changed and not fetched.body:
        nothing = no_measurements()
        return Batch(origin=source.name, rows_read=0, measurements=nothing, requests=no_requests(), notes=unchanged)
    options = ImportOptions(table=Table(source.table), unit=source.unit, timezone=source.timezone)
    try:
        batch = batch_of_sheet(sheet_of(source.name, fetched.body, f".{source.form}"), options)
    except FileRefused as error:
        raise FormChanged(
            error.what,
            where=f"{error.where} ({ask.where})",
            expected=error.expected or f"the table {source.table} as {source.form}",
            next_step="ask whoever publishes the feed what changed; nothing of it was kept",
        ) from error
    return Batch(
        origin=source.name,
        rows_read=batch.rows_read,
        measurements=batch.measurements,
        requests=batch.requests,
        notes=(*batch.notes, *unchanged),
    )


def _conditional(ask: Ask, kept: Kept | None) -> Ask:
    conditions: Mapping[str, str] = {}
    if kept is not None:
        named = {"If-None-Match": kept.etag, "If-Modified-Since": kept.last_modified}
        conditions = {name: value for name, value in named.items() if value}
    return Ask(
        url=ask.url,
        query=ask.query,
        headers={**ask.headers, **conditions},
        timeout_s=ask.timeout_s,
        max_bytes=ask.max_bytes,
    )


def _check_whole(ask: Ask, reply: Reply) -> None:
    """Neither a page for browsers nor less than was announced."""
    kind = reply.headers.get("content-type", "")
    if "html" in kind or reply.body[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise FormChanged(
            f"answers a page for browsers ({kind or 'no content type'})",
            where=ask.where,
            expected="the file itself",
            next_step="a login may stand before it: see access; or the file has moved",
        )
