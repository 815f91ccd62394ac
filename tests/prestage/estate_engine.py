"""An engine in memory that really changes the estate's inventory: for tests of everything around engines."""

from dataclasses import replace

from stacks.engines.fake import FakeEngine
from stacks.estate.inventory import Inventory


class EstateEngine(FakeEngine):
    """Creates, updates and deletes in the inventory what a job declares."""

    inventory: Inventory | None = None

    def apply(self, job, progress):
        """Resolves references as engines do, then writes every root."""
        assert self.inventory is not None
        name = job.environment
        resolved = {root: tuple(_resolved(name, item) for item in items) for root, items in job.roots.items()}
        wanted = {item.key for items in resolved.values() for item in items}
        for root, items in resolved.items():
            for key in self._roots.get(root, {}):
                if key not in wanted:
                    self.inventory.delete(name, key)
            for item in items:
                self.inventory.create(name, item.type, item.key, item.arguments)
        return super().apply(replace(job, roots=resolved), progress)


def _resolved(environment, item):
    ids = {argument: f"{environment}/{key}" for argument, key in item.references.items()}
    return replace(item, arguments={**item.arguments, **ids})
