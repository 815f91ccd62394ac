"""What the environment's stacks hold, whatever the backend: what was applied last, and what has outlived that."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from contracts.resources import ON_DEMAND_PREFIX
from stacks.engines.engine import AppliedResource
from stacks.engines.pulumi_engine.resources import ROOTS
from stacks.engines.pulumi_engine.states import Held, States, held_by, outputs_of
from stacks.engines.pulumi_engine.workspace import PulumiWorkspace
from stacks.engines.turns import AT_ONCE
from stacks.strays import STRAYS_ROOT


@dataclass(frozen=True, slots=True)
class Holdings:
    """Reads states; writes nothing."""

    workspace: PulumiWorkspace
    states: States

    def stacks(self) -> tuple[str, ...]:
        """This environment's stacks, those on demand last."""
        return self.workspace.own(self.states.names())

    def held(self, stack: str) -> tuple[Held, ...]:
        """What a stack holds."""
        deployment = self.states.deployment(stack)
        said = outputs_of(deployment).get(ROOTS)
        roots = said if isinstance(said, dict) else {}
        return tuple(held_by(deployment, partial(self._root_of, stack, roots)))

    def by_stack(self) -> Mapping[str, tuple[Held, ...]]:
        """What all of them hold. Several are read at once: the CLI takes a second each where it has to be asked."""
        stacks = self.stacks()
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            return dict(zip(stacks, pool.map(self.held, stacks), strict=True))

    def applied(self) -> Mapping[str, AppliedResource]:
        """By key, what was applied last."""
        found: dict[str, AppliedResource] = {}
        for held in self.by_stack().values():
            for item in held:
                found.setdefault(item.applied.key, item.applied)
        return found

    def outlived(self) -> tuple[str, ...]:
        """Roots on demand whose every resource another stack has adopted: a bare `pulumi up` cannot drop them.

        Not the root of strays: what it shares with another stack by its key is a copy, to be destroyed through it.
        """
        held = {stack: {item.applied.key for item in items} for stack, items in self.by_stack().items()}
        own = self.workspace.environment.name
        held.pop(f"{own}.{STRAYS_ROOT}", None)
        roots = {
            stack: stack.removeprefix(f"{own}.") for stack in held if stack.startswith(f"{own}.{ON_DEMAND_PREFIX}")
        }
        lasting = {key for stack, keys in held.items() if stack not in roots for key in keys}
        return tuple(root for stack, root in roots.items() if held[stack] and held[stack] <= lasting)

    def _root_of(self, stack: str, roots: Mapping[str, str], key: str) -> str:
        return roots.get(key) or self.workspace.root_in(stack, key)
