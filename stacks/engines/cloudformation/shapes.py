"""How one Terraform type looks in CloudFormation: the words that the tables of types are written in.

An argument becomes the property that bears its name in camel case (`cidr_block` -> `CidrBlock`), unless the table of
its type places it elsewhere or says why it has no place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

EMPTY: Mapping[str, str] = {}


class Form(StrEnum):
    """In which form a property holds what an argument says."""

    PLAIN = "plain"  # the same scalar, list or block
    LIST = "list"  # a list, where Terraform has one block or one value
    PAIRS = "pairs"  # a list of Key and Value, where Terraform has a map
    NAMED = "named"  # a list of Name and Value, where Terraform has a map
    DOCUMENT = "document"  # a JSON object, where Terraform has its text
    SPECIFICATION = "specification"  # tags of one resource type, as EC2 takes them when it creates
    IN_ZONE = "in_zone"  # a name with its zone's domain, where Terraform takes it without


@dataclass(frozen=True, slots=True)
class Place:
    """Where an argument goes.

    Attributes:
        path: property names with dots between them, from the block that the argument stands in; a number is a place in
            a list. Without a path, what is in a block stands in the block around it.
        form: see there.
        of: the resource type that a `SPECIFICATION` tags; the argument that names the zone of a name `IN_ZONE`.
    """

    path: str
    form: Form = Form.PLAIN
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A resource of its own for what Terraform says in an argument of another.

    Attributes:
        suffix: of its logical id, after the one of the resource that it accompanies.
        type: CloudFormation's.
        argument: which it is there for; without that argument there is no companion.
        owner: its property that refers to the resource it accompanies.
        property: its property that holds the argument; empty where the argument is a block whose content it holds.
    """

    suffix: str
    type: str
    argument: str
    owner: str
    property: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A Terraform type in CloudFormation.

    Attributes:
        type: CloudFormation's; empty where the shape is a part of another's resource.
        places: by argument, or by its path with dots where it stands in a block, what differs from the rule.
        dropped: arguments that have no property, and why that is right.
        attributes: what references may name, by Terraform's attribute: the attribute of `Fn::GetAtt`, or REF.
        fixed: properties that CloudFormation requires and Terraform implies.
        companions: what it takes to say the rest.
        across: the property that takes a role of the account that `peer_owner_id` names, where that is another one.
        update_policy: what leaves alone what others may change after the creation, where a declaration lets them.
        within: the argument that names a resource whose properties this one's are: both are one resource here.
    """

    type: str = ""
    places: Mapping[str, Place] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, object] = field(default_factory=dict)
    companions: tuple[Companion, ...] = ()
    across: str = ""
    within: str = ""
    update_policy: Mapping[str, object] = field(default_factory=dict)


REF = "Ref"
"""The attribute that CloudFormation's `Ref` gives."""

TAGS = {"tags": Place("Tags", Form.PAIRS)}


def camel(argument: str) -> str:
    """`cidr_block` -> `CidrBlock`."""
    return "".join(word[:1].upper() + word[1:] for word in argument.split("_"))
