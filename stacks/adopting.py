"""Taking in what exists: which declarations it fits, what an import would change, and the job that changes nothing.

Pure. `coordinator.adopt` asks the clouds and the engine, and comes back here with what they said.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from stacks.clouds.cloud import Attributes, CloudResource
from stacks.declaration import Argument, Declaration, Ref, Value
from stacks.engines.engine import Action, Observed

_IDENTITY: Mapping[str, tuple[str, ...]] = {
    "aws_subnet": ("vpc_id", "cidr_block"),
    "aws_internet_gateway": ("vpc_id",),
    "aws_vpn_gateway": ("vpc_id",),
    "aws_vpc_ipv4_cidr_block_association": ("vpc_id", "cidr_block"),
    "aws_ec2_transit_gateway": ("amazon_side_asn",),
    "aws_ec2_transit_gateway_vpc_attachment": ("vpc_id", "transit_gateway_id"),
    "google_compute_subnetwork": ("network", "ip_cidr_range"),
    "google_compute_router": ("network",),
    "google_compute_ha_vpn_gateway": ("network",),
}
"""By type, the arguments that tell which of its siblings a part of a network is, whatever it is called."""

MARKS = frozenset(
    {"tags", "tags_all", "tag", "labels", "user_labels", "terraform_labels", "effective_labels", "label_fingerprint"}
)
"""What may be changed by taking something in: whose it is."""

_ENGINES_OWN = frozenset(
    {"force_delete", "force_delete_warm_pool", "force_destroy", "wait_for_capacity_timeout", "final_snapshot"}
    | {"ignore_failed_scaling_activities", "skip_destroy", "timeouts", "delete_default_routes_on_create"}
    | {"stop_instance_before_detaching", "deletion_policy", "update_default_version"}
)
"""Arguments that tell the engine how to go about a change; the cloud never hears of them."""

_CLOUDS_OWN = frozenset({"size_in_bytes"})
"""Blocks that a cloud alone sets: no declaration may say them."""

_INSTEAD = {"mixed_instances_policy": "launch_template"}
"""An argument that a type needs, and the other one that does as well."""

_NEEDED: Mapping[str, frozenset[str]] = {"aws_ec2_transit_gateway_vpc_attachment": frozenset({"subnet_ids"})}
"""By type, arguments that no engine can do without, also where what they refer to is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A declaration, and what was found in its place."""

    declaration: Declaration
    found: CloudResource


def fits(
    declarations: Sequence[Declaration], standing: Mapping[str, CloudResource], found: Sequence[CloudResource]
) -> tuple[Fit, ...]:
    """Declarations with what was found in their place.

    Args:
        declarations: of the resources that something found could stand for.
        standing: by key of the resource, what stands for it.
        found: what else was found in the same region.
    """
    taken = {item.id for item in standing.values()}
    known: dict[str, Attributes] = {key: _with_link(item) for key, item in standing.items()}
    paired = [Fit(declaration=item, found=standing[item.key]) for item in declarations if item.key in standing]
    for item in declarations:
        if item.key in standing or item.type not in _IDENTITY:
            continue
        same = [other for other in found if other.id not in taken and _is(item, other, known)]
        if len(same) == 1:
            taken.add(same[0].id)
            known[item.key] = _with_link(same[0])
            paired.append(Fit(declaration=item, found=same[0]))
    return tuple(sorted(paired, key=lambda fit: fit.declaration.key))


def standalone(declarations: Iterable[Declaration], held: Iterable[str]) -> tuple[Declaration, ...]:
    """Declarations that can be taken in without the rest of theirs: what refers to what is not there is left out.

    Args:
        declarations: what is taken in.
        held: keys of what is there besides.
    """
    wanted = tuple(declarations)
    there = {item.key for item in wanted} | set(held)
    return tuple(
        replace(
            item,
            arguments={name: value for name, value in item.arguments.items() if _refs(value) <= there},
            depends_on=tuple(key for key in item.depends_on if key in there),
        )
        for item in wanted
    )


def would_change(item: Observed) -> Mapping[str, tuple[Value | None, Value | None]]:
    """What an import of one resource would change about it: attribute -> (live, wanted). Marks are no change."""
    live, wanted = item.live or {}, item.wanted or {}
    names = sorted((live.keys() | wanted.keys()) - MARKS - _ENGINES_OWN)
    told = {name: (live.get(name), wanted.get(name)) for name in names}
    return {name: pair for name, pair in told.items() if not _same(*pair)}


def in_place_of(left_out: Collection[str], found: CloudResource) -> Mapping[str, Value | None]:
    """What stands, as it was found, in the place of arguments that are left out and that the type cannot do without."""
    others = {name: _INSTEAD[name] for name in left_out if name in _INSTEAD and _INSTEAD[name] in found.arguments}
    needed = _NEEDED.get(found.type, frozenset()) & set(left_out) & found.arguments.keys()
    there = {name: found.arguments[name] for name in (*others.values(), *sorted(needed))}
    return {**dict.fromkeys(others, None), **there}


def to_keep(item: Observed, declaration: Declaration, left_out: Iterable[str] = ()) -> Mapping[str, Value | None]:
    """What has to stay as it was found for nothing to change: attribute -> live, None where it is not there.

    Attributes that the cloud alone sets are none of it, also where a replacement would set them anew.

    Args:
        item: as the engine sees it.
        declaration: what it is declared as.
        left_out: arguments that refer to what is not there: a later run would fill them in.
    """
    live = item.live or {}
    said = (item.wanted or {}).keys() | declaration.arguments.keys() | {n for n in live if _is_block(live[n])}
    names = [name for name in would_change(item) if name in said - _CLOUDS_OWN]
    return {name: _said_once(name, live.get(name)) for name in dict.fromkeys((*names, *left_out))}


def changed_otherwise(observed: Iterable[Observed], adopted: Iterable[str]) -> Iterator[str]:
    """What a run would do beyond taking in and marking: a line each."""
    ours = set(adopted)
    for item in observed:
        marking = item.key in ours and item.action is Action.UPDATE
        if item.action is None or (item.key in ours and item.action is Action.ADOPT):
            continue
        differing = ", ".join(
            f"{name} is {live!r}, declared {wanted!r}" for name, (live, wanted) in would_change(item).items()
        )
        if differing or not marking:
            yield f"{item.key}: {': '.join(filter(None, ('' if marking else item.action.value, differing)))}"


def _is_block(value: Value) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, Mapping) for item in value)


def _said_once(name: str, value: Value | None) -> Value | None:
    """A template is named by its id alone: AWS's provider refuses to hear its name as well."""
    if name != "launch_template" or not isinstance(value, tuple):
        return value
    return tuple(
        {k: v for k, v in item.items() if k != "name"} if isinstance(item, Mapping) else item for item in value
    )


def _is(item: Declaration, other: CloudResource, known: Mapping[str, Attributes]) -> bool:
    if other.type != item.type:
        return False
    return all(
        _same_place(_known(item.arguments.get(name, ""), known), other.arguments.get(name))
        for name in _IDENTITY[item.type]
    )


def _known(value: Argument, known: Mapping[str, Attributes]) -> Value | None:
    if isinstance(value, Ref):
        return known.get(value.key, {}).get(value.attribute)
    return value if isinstance(value, str | int | float | bool) else None


def _same_place(wanted: Value | None, live: Value | None) -> bool:
    """Equal, links by what they lead to."""
    if wanted is None or live is None:
        return False
    return wanted == live or str(live).partition("/projects/")[2] == str(wanted).partition("/projects/")[2] != ""


def _with_link(item: CloudResource) -> Attributes:
    return {**item.arguments, "id": item.id}


def _refs(value: Argument) -> set[str]:
    if isinstance(value, Ref):
        return {value.key}
    if isinstance(value, Mapping):
        return {key for item in value.values() for key in _refs(item)}
    return {key for item in value for key in _refs(item)} if isinstance(value, tuple) else set()


def _same(live: Value | None, wanted: Value | None) -> bool:
    """Equal; where nobody set it, nothing is like an empty text, list or map, a block of nothing, no and zero."""
    if live is None or wanted is None:
        return not (_says_something(live) or _says_something(wanted))
    return live == wanted


def _says_something(value: Value | None) -> bool:
    if isinstance(value, Mapping):
        return any(_says_something(item) for item in value.values())
    return any(map(_says_something, value)) if isinstance(value, tuple) else bool(value)
