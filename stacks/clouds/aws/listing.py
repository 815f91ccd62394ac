"""`Listing`: how AWS lists one type with its tags: what is called, where id, tags and arguments stand in a row.

Paths are JMESPath. What has gone and is still shown (a deleted peering, for hours) is left out; what is half made is
kept: a peering that waits for acceptance, a group without instances. The types themselves: `listings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

GONE = frozenset(
    {"deleted", "deleting", "delete in progress", "failed", "failing", "rejected", "rejecting", "expired", "cancelled"}
)
"""States of what is no longer there, or never came to be. A create after it makes no second one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One type that is found by its tags, or by its name.

    Attributes:
        type: the Terraform type.
        service, operation, items: what is called, and where its rows are.
        id: what an import calls it.
        tags: where its tags are, as a list of `Key` and `Value`; empty where they have to be asked for by ARN.
        arn: for those, where the ARN is.
        name: where its name is; empty where a name tells nothing.
        named: the argument that declares the name.
        state: where its state is; without one, it is there as long as it is listed.
        origin: where region and owner of the side that made it are, of what two sides show.
        arguments: by Terraform's name.
        location: where a global service is asked; empty for all others.
        tagged_as: of EC2, what its tags call the type; of others, the part of an ARN that tells it. Where it is empty,
            the type is always listed.
    """

    type: str
    service: str
    operation: str
    items: str
    id: str
    tags: str = "Tags"
    arn: str = ""
    name: str = ""
    named: str = "name"
    state: str = ""
    origin: tuple[str, str] | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    tagged_as: str = ""


def ec2_listing(
    type: str, items: str, id: str, /, *, state: str = "", tagged_as: str = "", **arguments: str
) -> Listing:
    """An EC2 type; its operation is the snake case of the rows' name, what its tags call it that in the singular."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in items)
    return Listing(
        type=type,
        service="ec2",
        operation=f"describe{snake}",
        items=f"{items}[]",
        id=id,
        state=state,
        arguments=arguments,
        tagged_as=tagged_as or snake.strip("_").replace("_", "-").removesuffix("s"),
    )
