"""Which template holds what: cut by root, region and account, by what needs what, and within the limits. Pure.

Templates form no circle, whatever their resources refer to: what refers to another template stands in one that is
made after it, and so does what refers to an attribute that CloudFormation does not tell, a parameter. `fra` and
`fra-2` are then two templates of one region.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from contracts.environment import Environment
from stacks.engines.cloudformation.entries import Entries, Entry
from stacks.errors import InvalidArgument

MAX_RESOURCES, MAX_PARAMETERS, MAX_OUTPUTS = 500, 200, 200
MAX_BYTES = 1_000_000
"""Limits of one template; those of a body passed from S3 (AWS CloudFormation User Guide, "CloudFormation quotas")."""

_FRAME_BYTES = 20_000  # of the body that is no resource, output or parameter: a generous bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What an entry takes of a template's limits, at most."""

    resources: int
    parameters: int
    outputs: int
    bytes: int

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(
            resources=self.resources + other.resources,
            parameters=self.parameters + other.parameters,
            outputs=self.outputs + other.outputs,
            bytes=self.bytes + other.bytes,
        )

    @property
    def fits(self) -> bool:
        return (
            self.resources <= MAX_RESOURCES
            and self.parameters <= MAX_PARAMETERS
            and self.outputs <= MAX_OUTPUTS
            and self.bytes <= MAX_BYTES - _FRAME_BYTES
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The content of one template, before it is written.

    Attributes:
        name: of the template, and of its stack after the environment's.
        account, location: where its stack is made.
        entries: each after those that it needs.
    """

    name: str
    root: str
    account: str
    location: str
    entries: tuple[Entry, ...]


def lay_out(entries: Entries, environment: Environment, weigh: Callable[[Entry], Weight]) -> tuple[Sheet, ...]:
    """All sheets, each after those that it needs.

    Raises:
        InvalidArgument: declarations refer to one another in a circle.
    """
    needs = {key: _needs(entry, entries) for key, entry in entries.found.items()}
    ordered = _in_order(needs)
    levels: dict[str, int] = {}
    groups: dict[tuple[int, str, str], list[Entry]] = {}
    for key in ordered:
        entry = entries.found[key]
        levels[key] = max((_step(entry, need, entries) + levels[need] for need in needs[key]), default=0)
        groups.setdefault((levels[key], entry.item.root, entry.item.provider), []).append(entry)
    return tuple(_sheets(groups, environment, weigh))


def _sheets(
    groups: Mapping[tuple[int, str, str], list[Entry]], environment: Environment, weigh: Callable[[Entry], Weight]
) -> Iterator[Sheet]:
    counts: dict[str, int] = {}
    for _, root, provider in sorted(groups):
        account, cloud = environment.account(provider), environment.cloud(provider)
        assert account and cloud
        for part in _cut(groups[_, root, provider], weigh):
            base = root if root == provider else f"{root}-{provider}"
            counts[base] = counts.get(base, 0) + 1
            name = base if counts[base] == 1 else f"{base}-{counts[base]}"
            yield Sheet(name=name, root=root, account=account.name, location=cloud.location, entries=tuple(part))


def _cut(group: Iterable[Entry], weigh: Callable[[Entry], Weight]) -> Iterator[list[Entry]]:
    part: list[Entry] = []
    total = Weight(resources=0, parameters=0, outputs=0, bytes=0)
    for entry in group:
        weight = weigh(entry)
        if part and not (total + weight).fits:
            yield part
            part, total = [], Weight(resources=0, parameters=0, outputs=0, bytes=0)
        part.append(entry)
        total += weight
    if part:
        yield part


def _needs(entry: Entry, entries: Entries) -> Set[str]:
    named = [ref.key for item in entry.all for ref in item.refs()]
    named += [key for item in entry.all for key in item.depends_on]
    met = (entries.entry(key) for key in named)
    return {found.item.key for found in met if found is not None} - {entry.item.key}


def _in_order(needs: Mapping[str, Set[str]]) -> list[str]:
    """Keys, each after what it needs, otherwise by name: what is added moves nothing else."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise InvalidArgument("declarations refer to one another in a circle", where=circle) from error
    ordered: dict[str, None] = {}
    for key in sorted(needs):
        stack = [key]
        while stack:
            open_needs = [need for need in sorted(needs[stack[-1]], reverse=True) if need not in ordered]
            if open_needs:
                stack += open_needs
            else:
                ordered[stack.pop()] = None
    return list(ordered)


def _step(entry: Entry, key: str, entries: Entries) -> int:
    """1 where one template cannot hold both: another root or region, or a value known only when the other is made."""
    need = entries.found[key]
    if (entry.item.root, entry.item.provider) != (need.item.root, need.item.provider):
        return 1
    refs = (ref for item in entry.all for ref in item.refs() if entries.entry(ref.key) is need)
    return int(any(ref.attribute not in need.shape.attributes for ref in refs))
