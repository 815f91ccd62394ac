"""An engine over three targets that needs no program: the estate's inventory itself, and clouds kept in memory.

The same memory answers what carries our tags there, region by region, and says of a region that it cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.environment import Environment
from contracts.names import is_link
from contracts.ports import Progress
from contracts.run import RootRun, RunStatus
from stacks.clouds.cloud import CloudResource
from stacks.declaration import ESTATE_PROVIDER, Declaration, Ref, SecretRef, Value
from stacks.engines.engine import AppliedResource, Job, Observed, Preview, ProgramInfo
from stacks.errors import CloudUnreachable
from stacks.estate.inventory import Inventory, resource_id


@dataclass(kw_only=True)
class MixedEngine:
    """Makes declarations so.

    Attributes:
        inventory: of the estate.
        environment: whose tags are ours; known once the project is open.
        clouds: what exists in clouds, by key.
        state: what was applied, by key.
        strangers: what else carries our tags, by region.
        dark: regions that do not answer.
        asked: roots of every apply.
    """

    inventory: Inventory
    environment: Environment | None = None
    clouds: dict[str, Declaration] = field(default_factory=dict)
    state: dict[str, Declaration] = field(default_factory=dict)
    strangers: dict[str, tuple[CloudResource, ...]] = field(default_factory=dict)
    dark: set[str] = field(default_factory=set)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def program(self) -> ProgramInfo:
        return ProgramInfo(name="mixed", version="1")

    def preview(self, job: Job, progress: Progress) -> Preview:
        return Preview(roots=())

    def apply(self, job: Job, progress: Progress) -> tuple[RootRun, ...]:
        self.asked.append(tuple(job.roots))
        return tuple(self._root(job, root) for root in job.roots)

    def observe(self, job: Job, progress: Progress) -> tuple[Observed, ...]:
        found = []
        for key, item in self.state.items():
            if item.root in job.roots and item.provider != ESTATE_PROVIDER:
                last = {**known(item), "id": key}
                live = last if key in self.clouds else None
                found.append(
                    Observed(type=item.type, key=key, root=item.root, last=last, live=live, wanted=last, action=None)
                )
        return tuple(found)

    def applied(self) -> Mapping[str, AppliedResource]:
        return {
            key: AppliedResource(type=item.type, key=key, root=item.root, arguments=known(item), id=key)
            for key, item in self.state.items()
        }

    def tagged(self, region: str, environment: Environment) -> tuple[CloudResource, ...]:
        """What carries our tags in one region.

        Raises:
            CloudUnreachable: it is dark.
        """
        if region in self.dark:
            raise CloudUnreachable(f"{region} is dark", where=region)
        ours = tuple(
            CloudResource(
                type=item.type,
                key=item.key,
                id=item.key,
                place=region,
                arguments=known(item),
                environment=environment.name,
                owner=environment.owner,
            )
            for item in self.clouds.values()
            if item.provider == region
        )
        return (*ours, *self.strangers.get(region, ()))

    def _root(self, job: Job, root: str) -> RootRun:
        wanted = {item.key: item for item in job.roots[root]}
        gone = [item for item in self.state.values() if item.root == root and item.key not in wanted]
        for item in gone:
            if item.provider == ESTATE_PROVIDER:
                self.inventory.delete(job.environment, item.key)
            self.clouds.pop(item.key, None)
            del self.state[item.key]
        changed = [item for key, item in wanted.items() if self.state.get(key) != item or not self._is_there(job, item)]
        for item in sorted(changed, key=lambda item: (not item.key.endswith("/network"), item.key)):
            if item.provider == ESTATE_PROVIDER:
                self.inventory.create(job.environment, item.type, item.key, dict(known(item)))
            else:
                self.clouds[item.key] = item
            self.state[item.key] = item
        return RootRun(root=root, status=RunStatus.DONE if changed or gone else RunStatus.CLEAN, created=len(changed))

    def _is_there(self, job: Job, item: Declaration) -> bool:
        if item.provider == ESTATE_PROVIDER:
            return self.inventory.read(job.environment, item.key) is not None
        return item.key in self.clouds


def known(item: Declaration) -> Mapping[str, Value]:
    """Arguments as a provider would answer them."""

    def value(ref: Ref | SecretRef) -> Value:
        return resource_id("dev", ref.key) if isinstance(ref, Ref) and not is_link(ref.key) else "203.0.113.7"

    return item.resolved(value)
