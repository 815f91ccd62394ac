"""`Declaration`: one resource in words that every engine knows. What targets make and engines render.

Types and argument names are Terraform's; the values are plain scalars or lists of scalars.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One resource that an engine shall make so.

    Attributes:
        type: the Terraform type, e.g. `estate_compute`.
        key: the resource's key, unique in its environment.
        root: the Terraform root or Pulumi stack layer it lives in.
        arguments: values by argument; an argument that has no value is left out.
        references: argument -> key of another declaration of the same root whose `id` is its value.
        depends_on: keys of declarations of the same root that must exist first, beyond `references`.
    """

    type: str
    key: str
    root: str
    arguments: Mapping[str, Value]
    references: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
