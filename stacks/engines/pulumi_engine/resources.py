"""Declarations as Pulumi resources: the renderer of this engine. Runs inside a program, inline or of its own.

The type token follows from the declaration's type; arguments and references keep their names. Provider and versions
are the engine's to find.
"""

from collections.abc import Collection, Iterable, Mapping

import pulumi

from contracts.names import link_ends
from stacks.declaration import Declaration, Ref

TOKENS = {
    "estate_network": "estate:index:Network",
    "estate_block": "estate:index:Block",
    "estate_compute": "estate:index:Compute",
    "estate_storage": "estate:index:Storage",
    "estate_circuit": "estate:index:Circuit",
    "estate_link": "estate:index:Link",
    "estate_failover": "estate:index:Failover",
    "estate_alert": "estate:index:Alert",
}
TYPES = {token: type for type, token in TOKENS.items()}


def register(declarations: Iterable[Declaration], adopt: Collection[str] = ()) -> dict[str, pulumi.CustomResource]:
    """Registers every declaration with the engine that runs this program; by key.

    Args:
        declarations: in any order; what they refer to is among them.
        adopt: keys of resources that exist and are taken into this stack instead of created.
    """
    waiting = {item.key: item for item in declarations}
    needs = {key: _needs(item) & waiting.keys() for key, item in waiting.items()}
    made: dict[str, pulumi.CustomResource] = {}
    while waiting:
        ready = [item for key, item in waiting.items() if not needs[key] & waiting.keys()]
        if not ready:
            raise ValueError(f"declarations refer to one another in a circle: {', '.join(sorted(waiting))}")
        for item in ready:
            first = [made[key] for key in sorted(needs[item.key] - {ref.key for ref in item.refs()})]
            made[item.key] = _resource(item, made, first, adopted=item.key in adopt)
            del waiting[item.key]
    return made


def _needs(item: Declaration) -> set[str]:
    """What has to be there first, if it is part of the same stack.

    Beside what a declaration names: for what joins two regions, their networks, which may live in another root.
    """
    link = item.arguments.get("link")
    ends = link_ends(link) if isinstance(link, str) else ()
    return {*(ref.key for ref in item.refs()), *item.depends_on, *(f"{region}/network" for region in ends)}


def _resource(
    item: Declaration,
    made: Mapping[str, pulumi.CustomResource],
    first: list[pulumi.CustomResource],
    *,
    adopted: bool,
) -> pulumi.CustomResource:
    properties = {
        argument: made[value.key].id if isinstance(value, Ref) else value for argument, value in item.arguments.items()
    }
    options = pulumi.ResourceOptions(
        depends_on=first, import_=f"{item.arguments['environment']}/{item.key}" if adopted else None
    )
    return pulumi.CustomResource(TOKENS[item.type], item.key, properties, options)
