"""An engine in memory that really changes the estate's inventory: for tests of everything around engines."""

from dataclasses import replace

import pytest

from coordinator.project import Project
from stacks.engines.engine import Job
from stacks.engines.fake import FakeEngine
from stacks.estate.inventory import Inventory


def in_memory(patch: pytest.MonkeyPatch) -> "EstateEngine":
    """One engine that all projects use until the patch is undone."""
    engine = EstateEngine()

    def engine_of(project):
        engine.inventory = project.inventory
        return engine

    patch.setattr(Project, "engine", property(engine_of))
    return engine


class EstateEngine(FakeEngine):
    """Creates, updates and deletes in the inventory what a job declares."""

    inventory: Inventory | None = None

    def preview(self, job, progress):
        """As the real ones: references are what they resolve to."""
        return super().preview(_resolved(job), progress)

    def apply(self, job, progress):
        """Writes every root."""
        assert self.inventory is not None
        job = _resolved(job)
        wanted = {item.key for items in job.roots.values() for item in items}
        for root, items in job.roots.items():
            for key in self._roots.get(root, {}):
                if key not in wanted:
                    self.inventory.delete(job.environment, key)
            for item in items:
                self.inventory.create(job.environment, item.type, item.key, item.arguments)
        return super().apply(job, progress)


def _resolved(job: Job) -> Job:
    roots = {root: tuple(_with_ids(job.environment, item) for item in items) for root, items in job.roots.items()}
    return replace(job, roots=roots)


def _with_ids(environment, item):
    return replace(item, arguments=item.resolved(lambda ref: f"{environment}/{ref.key}"))
