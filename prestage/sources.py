"""From an environment's sources to readers of them: accounts, secrets, files and addresses are put together here."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.accounts import Account, TargetName
from contracts.environment import Environment
from contracts.errors import PrestageError
from contracts.exits import ExitCode
from contracts.ports import Clock
from contracts.sources import (
    SOURCE_KINDS,
    AnySource,
    CloudWatchSource,
    FeedSource,
    FlowSource,
    MonitoringSource,
    PrometheusSource,
    Sources,
)
from contracts.spelling import likely
from contracts.yaml_files import read_yaml_document

if TYPE_CHECKING:
    from contracts.sources import Access
    from forecaster.batch import Batch
    from forecaster.sources.feeds import Feeds
    from forecaster.sources.web import Door
    from forecaster.sources.window import Window


class NoSuchSource(PrestageError):
    """There is no file of sources, or none of that name in it."""

    exit_code = ExitCode.USAGE


def read_sources(path: Path) -> Sources:
    """The sources that people wrote down.

    Raises:
        NoSuchSource: there is no such file.
        DocumentError: it is malformed or of a later version.
    """
    if not path.exists():
        raise NoSuchSource(
            "there is no file of sources",
            where=str(path),
            expected="`format: prestage/sources` and what docs/sources.md explains",
            next_step="prestage schema sources; another file: --config FILE",
        )
    return read_yaml_document(Sources, path)


def chosen(sources: Sources, names: tuple[str, ...], *, where: str) -> tuple[AnySource, ...]:
    """The sources of these names or kinds, each once; all of them where none is named.

    Raises:
        NoSuchSource: a name is of neither.
    """
    every = sources.all()
    picked: set[str] = set()
    for name in names:
        found = sources.of(name)
        if not found:
            known = [source.name for source in every]
            raise NoSuchSource(
                f"there is no source {name!r}",
                where=where,
                expected=", ".join(known) or "at least one source",
                next_step=likely(name, [*known, *SOURCE_KINDS]),
            )
        picked.update(source.name for source in found)
    if not every:
        raise NoSuchSource("names no source", where=where, expected="one of " + ", ".join(SOURCE_KINDS))
    return tuple(source for source in every if not names or source.name in picked)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReader:
    """Reads any source of an environment.

    Attributes:
        environment: its accounts and address blocks.
        folder: the project's; relative paths start there.
        state: where feeds are kept.
        variables: the process's, which hold secrets.
        sleep: how to wait between tries.
    """

    environment: Environment
    folder: Path
    state: Path
    clock: Clock
    variables: Mapping[str, str] = field(repr=False)
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, source: AnySource, window: "Window") -> "Batch":
        """Reads one source; see `forecaster.sources.pull.Reader`."""
        match source:
            case PrometheusSource():
                from forecaster.sources.prometheus.reading import read_prometheus

                with self._door(source.access, source.name) as door:
                    return read_prometheus(source, window, door)
            case FeedSource():
                from forecaster.sources.feeds import read_feed

                with self._door(source.access, source.name) as door:
                    return read_feed(source, self._feeds(door))
            case FlowSource():
                return self._flows(source, window)
            case CloudWatchSource():
                return self._cloudwatch(source, window)
            case MonitoringSource():
                return self._monitoring(source, window)

    def settle(self, source: AnySource) -> None:
        """The history has what was read of a source: a feed need not send it again."""
        if isinstance(source, FeedSource):
            with self._door(source.access, source.name) as door:
                self._feeds(door).settle(source.url)

    def _feeds(self, door: "Door") -> "Feeds":
        from forecaster.sources.feeds import Feeds

        return Feeds(folder=self.state / "feeds", door=door, bodies=False)

    @contextlib.contextmanager
    def _door(self, access: "Access", name: str) -> Iterator["Door"]:
        from forecaster.sources.web import Door, RequestsWeb, credentials_of

        web = RequestsWeb(credentials=credentials_of(access, self.variables, where=f"source {name}"))
        try:
            yield Door(web=web, clock=self.clock, sleep=self.sleep)
        finally:
            web.close()

    def _flows(self, source: FlowSource, window: "Window") -> "Batch":
        from contracts.inventory import InventoryFacts
        from forecaster.sources.flows.reading import read_flows
        from forecaster.sources.routes.table import own_prefixes

        path = self.folder / self.environment.inventory
        inventory = read_yaml_document(InventoryFacts, path) if path.exists() else InventoryFacts()
        dumps, notes = self._table_dumps(source)
        source = source.model_copy(update={"table_dumps": dumps})
        batch = read_flows(source, window, own_prefixes(self.environment, inventory), self.folder)
        return replace(batch, notes=(*batch.notes, *notes))

    def _table_dumps(self, source: FlowSource) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Files of table dumps, those at web addresses fetched where they changed; and what people should know."""
        from contracts.sources import Access
        from forecaster.sources.feeds import Feeds
        from forecaster.sources.web import Ask

        dumps, notes = [], []
        for place in source.table_dumps:
            if not place.startswith(("http://", "https://")):
                dumps.append(place)
                continue
            with self._door(Access(), source.name) as door:
                ask = Ask(url=place, timeout_s=source.timeout_seconds, max_bytes=int(source.max_mib * 2**20))
                path, trouble = Feeds(folder=self.state / "feeds", door=door).file(ask)
            dumps.append(str(path.resolve()))
            notes += [f"{trouble.where} {trouble.what}: the table dump kept before is used"] if trouble else []
        return tuple(dumps), tuple(notes)

    def _cloudwatch(self, source: CloudWatchSource, window: "Window") -> "Batch":
        from forecaster.sources.clouds.cloudwatch import read_cloudwatch
        from stacks.clouds.aws.session import aws_clients

        clients = aws_clients(self._account(source.account, TargetName.AWS, source.name), source.location)
        return read_cloudwatch(
            source, window, lambda arguments: clients.call("cloudwatch", "get_metric_data", **arguments)
        )

    def _monitoring(self, source: MonitoringSource, window: "Window") -> "Batch":
        from forecaster.sources.clouds.google_client import GoogleMonitoring
        from forecaster.sources.clouds.monitoring import read_monitoring

        client = GoogleMonitoring(
            account=self._account(source.account, TargetName.GCP, source.name),
            timeout_s=source.timeout_seconds,
            max_bytes=int(source.max_mib * 2**20),
            page_size=source.page_size,
            sleep=self.sleep,
        )
        try:
            return read_monitoring(source, window, client)
        finally:
            client.close()

    def _account(self, name: str, target: TargetName, source: str) -> Account:
        mine = [account for account in self.environment.accounts if account.target is target]
        found = next((account for account in mine if account.name == name), None)
        if found is None:
            known = [account.name for account in mine]
            raise NoSuchSource(
                f"the environment has no {target.value} account {name!r}",
                where=f"source {source}",
                expected=", ".join(known) or f"an account of target {target.value} under `accounts`",
                next_step=likely(name, known),
            )
        return found


def process_variables() -> Mapping[str, str]:
    """The process's variables."""
    return os.environ
