"""Whether two engines were told the same, and what differs where they were not.

What bears the same name has to have the same value. Of the rest, names agree when each says nothing that the other,
its surroundings or its type does not say (`GroupName` of a security group and `name`). What differs beyond that is in
a list of differences, each with its reason.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tests.laws.parity.words import Path, Reference, Seen, View, words

FILLERS = frozenset({"data", "document", "resource", "record"})
"""Words that say nothing: `LaunchTemplateData`, `AssumeRolePolicyDocument`, `ResourceRecords`."""

EVERYWHERE = ("aws_iam_", "aws_route53_")
"""Services that are in no region: it does not matter where an engine asks for them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An argument of a type that the other engine has under another name, or not at all.

    Attributes:
        type: Terraform's; `*` at its end stands for any.
        argument: its path, in words without what is between them, dots between the levels; empty where the other
            engine alone is told.
        other: the path in the other engine; empty where it has none.
        reason: why that is right.
    """

    type: str
    argument: str
    other: str
    reason: str

    def is_of(self, type: str) -> bool:
        return type.startswith(self.type[:-1]) if self.type.endswith("*") else type == self.type


def differing(one: View, other: View, differences: Iterable[Difference]) -> list[str]:
    """What differs, a line each; `one` is Terraform's view."""
    known = tuple(differences)
    found = [f"{key} is missing" for key in sorted(one.keys() - other.keys())]
    found += [f"{key} is not Terraform's" for key in sorted(other.keys() - one.keys())]
    for key in sorted(one.keys() & other.keys()):
        mine = [difference for difference in known if difference.is_of(one[key].type)]
        found += [f"{key} ({one[key].type}): {line}" for line in _differing(one[key], other[key], mine)]
    return found


def _differing(one: Seen, other: Seen, differences: Iterable[Difference]) -> Iterator[str]:
    if one.place != other.place and not one.type.startswith(EVERYWHERE):
        yield f"in {other.place!r}, not in {one.place!r}"
    here, there = dict(one.facts), dict(other.facts)
    for difference in differences:
        yield from _listed(difference, here, there)
    for path in sorted(here.keys() & there.keys()):
        mine, theirs = here.pop(path), there.pop(path)
        if not _same(mine, theirs):
            yield f"{_dotted(path)} is {theirs}, not {mine}"
    for path in sorted(here):
        alike = (found for found in sorted(there) if _same(here[path], there[found]))
        met = next((found for found in alike if _agree(path, one, found, other)), None)
        if met is None:
            yield f"{_dotted(path)} = {here[path]} is missing"
        else:
            del there[met]
    yield from (f"{_dotted(path)} = {value} is not Terraform's" for path, value in sorted(there.items(), key=str))


def _listed(
    difference: Difference, here: dict[Path, str | Reference], there: dict[Path, str | Reference]
) -> Iterator[str]:
    """Takes out what is listed to differ; where it has another name, its value has to be the same."""
    argument, renamed = (tuple(text.split(".")) if text else () for text in (difference.argument, difference.other))
    if not argument:
        there.pop(renamed, None)
        return
    for path in [path for path in here if path[: len(argument)] == argument]:
        value = here.pop(path)
        if not renamed:
            continue
        met = (*renamed, *path[len(argument) :])
        if met not in there:
            yield f"{_dotted(path)} = {value} is missing as {_dotted(met)}"
        elif not _same(value, there[met]):
            yield f"{_dotted(path)} is {there[met]}, not {value}"
        there.pop(met, None)


def _agree(path: Path, one: Seen, found: Path, other: Seen) -> bool:
    """Whether two names can be of the same thing."""
    here, there = _said(path, one), _said(found, other)
    return path[-1] == found[-1] or (_within(found[-1], here) and _within(path[-1], there))


def _said(path: Path, seen: Seen) -> str:
    """All that a path and its type say."""
    return "".join([*words(seen.type), *path])


def _within(name: str, said: str) -> bool:
    """Whether a name is nothing but words that are said, and fillers."""
    rest = name
    for filler in FILLERS:
        rest = rest.replace(filler, "")
    return rest in said or all(word in said for word in _split(rest, said))


def _split(name: str, said: str) -> Iterator[str]:
    """A name cut greedily into pieces of at least two letters that are said; what is left over as it is."""
    while name:
        length = next((size for size in range(len(name), 1, -1) if name[:size] in said), 0)
        if not length:
            yield name
            return
        yield name[:length]
        name = name[length:]


def _same(mine: str | Reference, theirs: str | Reference) -> bool:
    if isinstance(mine, Reference) and isinstance(theirs, Reference):
        return mine.key == theirs.key and mine.attribute == theirs.attribute
    return mine == theirs


def _dotted(path: Path) -> str:
    return ".".join(path)


def injective(types: Mapping[str, str]) -> list[str]:
    """Types of Terraform that the other engine is told of as one."""
    by_other: dict[str, list[str]] = {}
    for type, other in types.items():
        by_other.setdefault(other, []).append(type)
    return [f"{other} stands for {', '.join(sorted(found))}" for other, found in by_other.items() if len(found) > 1]
