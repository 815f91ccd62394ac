"""`Project`: one environment of one folder, opened: what people decided, and what is kept.

This is where the wiring is: every function of the coordinator takes a project and nothing else from outside.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from contracts.capacity import CapacitySnapshot, Catalog
from contracts.consistency import check_catalog, check_environment, check_inventory
from contracts.document import bytes_digest
from contracts.environment import Environment
from contracts.files import read_document, write_bytes, write_document
from contracts.inventory import InventoryFacts
from contracts.plan import Operation, Plan
from contracts.ports import Clock
from contracts.review import Exemptions
from contracts.spelling import likely
from contracts.yaml_files import read_yaml_document
from coordinator.errors import UnknownName
from coordinator.ledger import Ledger
from coordinator.paths import Paths
from coordinator.reading import Looked, live_keys, read_now, refuse_blindness
from policies.bundle import PolicyBundle
from stacks.engines.engine import Engine
from stacks.errors import ApplyBusy
from stacks.estate.inventory import Inventory
from stacks.journal import Journal
from stacks.lock import ApplyLock

LOCK_WAIT_S = 60.0
"""How long a request or a plan waits for the estate: an apply takes seconds, another request on demand about one."""


def system_clock() -> datetime:
    """The time now, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Project:
    """An opened environment. `close` it, or use it as a context."""

    paths: Paths
    environment: Environment
    catalog: Catalog
    bundle: PolicyBundle
    inventory: Inventory
    ledger: Ledger
    journal: Journal
    clock: Clock = field(default=system_clock)
    given_engine: Engine | None = None

    @classmethod
    def open(cls, folder: Path, environment: str, *, clock: Clock = system_clock, engine: Engine | None = None) -> Self:
        """Reads the project's files and opens its databases, making those that are not there yet.

        Args:
            folder: holds `environments/`.
            environment: its name.
            clock: the time now; the demo and tests have their own.
            engine: in place of the one that the environment names, for tests.

        Raises:
            UnknownName: no such environment; suggests the likely one.
            DocumentError: a file is malformed, of a later version, or names what is not there.
            Busy, LedgerUnusable, StacksError: a database cannot be used.
        """
        settings = _read_environment(folder, environment)
        paths = Paths(folder=folder, environment=settings.name, state=folder / settings.state_dir)
        catalog_path = folder / settings.catalog
        catalog = read_yaml_document(Catalog, catalog_path)
        inventory = Inventory(paths.estate)
        _load_facts(paths, settings, catalog, inventory)
        return cls(
            paths=paths,
            environment=settings,
            catalog=catalog,
            bundle=_read_bundle(folder, settings),
            inventory=inventory,
            ledger=Ledger(paths.ledger, settings.name, clock, timedelta(hours=settings.staging.quarantine_hours)),
            journal=Journal(paths.journal),
            clock=clock,
            given_engine=engine,
        )

    @cached_property
    def engine(self) -> Engine:
        """The engine in charge; opened when it is first needed."""
        if self.given_engine is not None:
            return self.given_engine
        from coordinator.engines import open_engine

        return open_engine(self.environment, self.paths)

    def estate(self, *, young: timedelta = timedelta(0)) -> CapacitySnapshot:
        """What is live now, whatever runs meanwhile; every resource in its place's own root.

        Args:
            young: readings of clouds that are no older are taken as they are, unless plans could not use them.
        """
        allowed = timedelta(minutes=self.environment.capacity.max_age_minutes)
        return read_now(self, {}, young=min(young, allowed)).snapshot

    def capacity(self, looked: Looked | None = None) -> CapacitySnapshot:
        """What is live now, on-demand resources in the root that the engine's state says. Only under the lock.

        Args:
            looked: what was read just now, which so is not read again.

        Raises:
            CloudError: no region of the environment could be read. One that could not, of several, is marked so.
        """
        if looked is None:
            now = read_now(self, {key: applied.root for key, applied in self.engine.applied().items()})
        else:
            now = read_now(self, looked.roots, tagged=looked.tagged)
        refuse_blindness(now, self)
        return now.snapshot

    def lock(self, command: str) -> ApplyLock:
        """The estate's lock, as a context: one run of the engine at a time.

        Raises:
            ApplyBusy: on entering, when another has it: who, since when.
        """
        return ApplyLock(self.paths.lock, command, self.clock)

    @contextmanager
    def patient_lock(self, command: str) -> Iterator[None]:
        """As `lock`, for those who need it for a moment: waits up to `LOCK_WAIT_S` for its turn."""
        patiently = Retrying(
            retry=retry_if_exception_type(ApplyBusy),
            wait=wait_random(0.02, 0.1),
            stop=stop_after_delay(LOCK_WAIT_S),
            reraise=True,
        )
        with ExitStack() as held:
            patiently(held.enter_context, self.lock(command))
            yield

    def archive(self, plan: Plan) -> None:
        """Keeps a plan under its digest, before it is applied."""
        path = self.paths.archived(plan.digest())
        if not path.exists():
            write_document(path, plan)

    def archived(self, digest: str | None) -> Plan | None:
        """The plan with a digest, if it was ever applied here."""
        if digest is None or not (path := self.paths.archived(digest)).exists():
            return None
        return read_document(Plan, path)

    def live_keys(self) -> frozenset[str]:
        """Keys of all resources of this environment that exist, on all targets. Asks every cloud."""
        return live_keys(self)

    def doomed_keys(self, plan: Plan) -> frozenset[str]:
        """The same, asked only where a plan destroys something."""
        destroys = any(change.operation in (Operation.DELETE, Operation.REPLACE) for change in plan.changes)
        return self.live_keys() if destroys else frozenset()

    def close(self) -> None:
        self.inventory.close()
        self.ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read_environment(folder: Path, name: str) -> Environment:
    path = folder / "environments" / f"{name}.yaml"
    if not path.exists():
        known = sorted(found.stem for found in path.parent.glob("*.yaml"))
        raise UnknownName(
            f"there is no environment {name!r}; {likely(name, known)}".rstrip("; "),
            where=str(path.parent),
            expected=f"one of {', '.join(known)}" if known else "environments/<name>.yaml",
            next_step="prestage init my-network" if not known else "",
        )
    return read_yaml_document(Environment, path)


def _load_facts(paths: Paths, environment: Environment, catalog: Catalog, inventory: Inventory) -> None:
    """Fills the estate from its files, again only when one of them changed."""
    files = [paths.folder / environment.inventory, paths.folder / environment.catalog]
    settings = environment.model_dump_json().encode()
    digest = bytes_digest(b"\0".join([settings, *(file.read_bytes() for file in files if file.exists())]))
    if paths.facts_digest.exists() and paths.facts_digest.read_text() == digest:
        return
    facts = read_yaml_document(InventoryFacts, files[0])
    check_inventory(facts, environment, where=str(files[0]))
    check_catalog(catalog, facts, environment, where=str(files[1]))
    check_environment(environment, facts, where=f"environments/{environment.name}.yaml")
    elsewhere = tuple(sorted(region.name for region in environment.regions if region.cloud))
    inventory.load_facts(facts.model_copy(update={"elsewhere": elsewhere}), catalog)
    write_bytes(paths.facts_digest, digest.encode())


def _read_bundle(folder: Path, environment: Environment) -> PolicyBundle:
    name = environment.rules.exemptions
    if name is None:
        return PolicyBundle(environment.rules)
    return PolicyBundle(environment.rules, read_yaml_document(Exemptions, folder / name).exemptions)
