"""What leaves its template: attributes that others name, and what entries take of a template's limits. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contracts.environment import Environment
from stacks.declaration import Ref, SecretRef
from stacks.engines.cloudformation.entries import Entries, Entry
from stacks.engines.cloudformation.layout import Weight
from stacks.engines.cloudformation.properties import properties_of, resources_of
from stacks.engines.cloudformation.types import SHAPES

Crossing = Callable[[Entry, Entry], bool]
_LONGEST = {"Fn::ImportValue": "x" * 255}  # what a reference takes at most


def longest(_: Ref | SecretRef) -> object:
    """Stands for any reference where only its size counts."""
    return _LONGEST


def other_group(one: Entry, other: Entry) -> bool:
    """Whether two entries are in different templates for sure."""
    return (one.item.root, one.item.provider) != (other.item.root, other.item.provider)


def any_other(one: Entry, other: Entry) -> bool:
    """Whether two entries may come to be in different templates."""
    return one.item.key != other.item.key


def asked_of(entries: Entries, crossing: Crossing) -> Mapping[str, tuple[str, ...]]:
    """By key, the attributes that other templates name or may name, as far as CloudFormation tells them."""
    found: dict[str, set[str]] = {}
    for key, entry in entries.found.items():
        for item in entry.all:
            found.setdefault(key, set()).update(item.exports)
            for ref in item.refs():
                met = entries.entry(ref.key)
                if met and crossing(met, entry):
                    found.setdefault(met.item.key, set()).add(ref.attribute)
    return {
        key: tuple(sorted(name for name in names if name in entries.found[key].shape.attributes))
        for key, names in found.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Says what entries take of a template's limits."""

    environment: Environment
    entries: Entries
    asked: Mapping[str, tuple[str, ...]]

    def weigh(self, entry: Entry) -> Weight:
        resources = resources_of(entry.item, entry.shape, longest)
        folded = [properties_of(part.arguments, SHAPES[part.type], longest) for part in entry.parts]
        outputs = len(self.asked.get(entry.item.key, ()))
        parameters = sum(self._is_given(entry, ref) for item in entry.all for ref in item.refs())
        text = json.dumps([[resource.properties for resource in resources], folded], indent=2)
        return Weight(
            resources=len(resources),
            parameters=parameters,
            outputs=outputs,
            bytes=2 * len(text) + 600 * (len(resources) + outputs + parameters),
        )

    def _is_given(self, entry: Entry, ref: Ref) -> bool:
        """Whether a reference becomes a parameter."""
        met = self.entries.entry(ref.key)
        if met is None or ref.attribute not in met.shape.attributes:
            return True
        return self._where(met) != self._where(entry)

    def _where(self, entry: Entry) -> tuple[str, str]:
        cloud = self.environment.cloud(entry.item.provider)
        return (cloud.account, cloud.location) if cloud else ("", "")
