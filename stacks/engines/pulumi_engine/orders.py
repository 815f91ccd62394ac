"""From a job to orders, one a stack: what its program declares, and which of it an update may touch.

A job names roots; in the layout `environment` they share a stack. Of a stack that a job names in part, the rest is
declared as it was applied last, so that others can refer to it, and spared.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from stacks.declaration import ESTATE_PROVIDER, Declaration, Lifecycle
from stacks.engines.engine import Job
from stacks.engines.pulumi_engine.holdings import Holdings
from stacks.engines.pulumi_engine.states import Held
from stacks.engines.turns import Turn, phases

AS_IT_WAS = Lifecycle(ignore=("*",))  # all inputs stay what the state has


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOrder:
    """What one stack shall hold.

    Attributes:
        stack: its name.
        roots: those that the job names.
        declarations: all that its program declares.
        adopt: key and import id of what exists and is taken in; nothing that the stack holds already.
        root_by_key: the root of whatever is declared or held.
        only: URNs that may be touched; all where it is empty. Nothing is refreshed then: a target that a refresh finds
            gone is an error to the engine, while deleting what is not there is none to a provider.
        spared: URNs that may not.
    """

    stack: str
    roots: tuple[str, ...]
    declarations: tuple[Declaration, ...]
    adopt: Mapping[str, str] = field(default_factory=dict)
    root_by_key: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()

    @property
    def takes_in(self) -> bool:
        """Whether something of a cloud is imported: as it is, so that another run has to bring it to what is wanted."""
        return any(self.adopt.values())

    def settled(self) -> "StackOrder":
        """The same once all is taken in."""
        return replace(self, adopt={})


def orders_of(job: Job, holdings: Holdings) -> tuple[StackOrder, ...]:
    """The orders of a job, by stack."""
    roots: dict[str, list[str]] = {}
    for root in job.roots:
        roots.setdefault(holdings.workspace.stack_of(root), []).append(root)
    held = holdings.by_stack()
    return tuple(_order(job, stack, names, held.get(stack, ()), holdings) for stack, names in roots.items())


def rounds_of(job: Job, holdings: Holdings) -> Iterator[tuple[StackOrder, ...]]:
    """The orders in groups that follow one another: `stacks.engines.turns.phases`."""
    orders = {_turn_name(order): order for order in orders_of(job, holdings)}
    contents = {name: order.declarations for name, order in orders.items()}
    there = set(holdings.stacks())

    def keys_in(name: str) -> frozenset[str]:
        stack = orders[name].stack
        return frozenset(item.applied.key for item in holdings.held(stack)) if stack in there else frozenset()

    for turns in phases(contents, keys_in):
        yield tuple(_turned(orders[turn.name], turn, job, holdings) for turn in turns)


def _order(job: Job, stack: str, roots: list[str], held: tuple[Held, ...], holdings: Holdings) -> StackOrder:
    declared = [item for root in roots for item in job.roots[root]]
    keys = {item.key for item in declared}
    others = [item for item in held if item.applied.root not in roots and item.applied.key not in keys]
    known = {item.applied.key: item.applied.root for item in held} | {item.key: item.root for item in declared}
    held_keys = {item.applied.key for item in held}
    return StackOrder(
        stack=stack,
        roots=tuple(roots),
        declarations=(*declared, *(_as_it_was(item, job, holdings.workspace.accounts) for item in others)),
        adopt={item.key: item.id for item in job.adopt if item.key in keys - held_keys},
        root_by_key=known,
        spared=tuple(item.urn for item in others),
    )


def _as_it_was(
    item: Held, job: Job, accounts: Mapping[str, str], *, without: Set[str] = frozenset(), protect: bool = False
) -> Declaration:
    """A resource that an order leaves alone: its inputs stay as they are.

    It comes after what it depends on: the engine registers by itself what a spared one depends on, and twice is once
    too often.

    Args:
        item: as the state has it.
        job: whose providers are known.
        accounts: by region, the account that it lies in.
        without: keys that it shall depend on no longer.
        protect: it stays protected.
    """
    providers = [name for name in job.providers if accounts.get(name) == item.account]
    return Declaration(
        type=item.applied.type,
        key=item.applied.key,
        root=item.applied.root,
        arguments=item.inputs,
        depends_on=tuple(key for key in item.after if key not in without),
        provider=providers[0] if item.account and providers else ESTATE_PROVIDER,
        exports=item.exports,
        lifecycle=replace(AS_IT_WAS, protect=protect),
    )


def _turn_name(order: StackOrder) -> str:
    """What `phases` knows an order by: its root, where the stack is a root's own."""
    return order.roots[0] if len(order.roots) == 1 and order.stack.endswith(f".{order.roots[0]}") else order.stack


def _turned(order: StackOrder, turn: Turn, job: Job, holdings: Holdings) -> StackOrder:
    """The order of a turn; of a first go, one that deletes what leaves and changes nothing else.

    What stays and depends on what leaves is a target too, and is written down as depending on it no longer: with what
    is no target, the engine keeps all that it depended on.
    """
    if not turn.leaving:
        return order
    held, accounts = holdings.held(order.stack), holdings.workspace.accounts
    protected = {item.key for item in order.declarations if item.lifecycle.protect}
    touched = [item for item in held if item.applied.key in turn.leaving or not turn.leaving.isdisjoint(item.after)]
    staying = tuple(
        _as_it_was(item, job, accounts, without=turn.leaving, protect=item.applied.key in protected)
        for item in held
        if item.applied.key not in turn.leaving
    )
    return replace(order, declarations=staying, only=tuple(item.urn for item in touched), spared=(), adopt={})
