"""What an import calls a resource: what the provider documents for each type, from the attributes of its state."""

from collections.abc import Callable, Mapping

from stacks.declaration import Value

NOT_IMPORTABLE = frozenset(
    {
        "aws_dx_connection_confirmation",
        "aws_dx_hosted_connection",
        "aws_vpn_gateway_route_propagation",
    }
)
"""Types that the provider imports in no way. The first and the last are safe to make again."""

_BY_TYPE: Mapping[str, Callable[[Mapping[str, Value]], str]] = {
    "aws_autoscaling_schedule": lambda held: f"{held['autoscaling_group_name']}/{held['scheduled_action_name']}",
    "aws_route": lambda held: f"{held['route_table_id']}_{held['destination_cidr_block']}",
    "aws_route_table_association": lambda held: f"{held['subnet_id']}/{held['route_table_id']}",
}


def import_id(type: str, attributes: Mapping[str, Value]) -> str:
    """The id that an import block takes for a resource whose state holds these attributes."""
    found = _BY_TYPE.get(type)
    return found(attributes) if found else str(attributes["id"])
