"""What an API answered, in Terraform's spelling: `sizeGb` -> `size_gb`, `VpcId` -> `vpc_id`. Pure.

Labels and tags keep their keys. What Terraform calls by another name altogether is each cloud's own table to say.
"""

import re
from collections.abc import Mapping

from stacks.declaration import Value

_AS_THEY_ARE = frozenset({"labels", "userLabels", "Tags", "tags"})
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """`autoCreateSubnetworks` -> `auto_create_subnetworks`, `DBName` -> `db_name`."""
    return _WORD.sub("_", name).lower()


def in_terraform_words(row: Mapping[str, object]) -> Mapping[str, Value]:
    """An answer's fields by Terraform's spelling, however deep; what is no plain value is left out."""
    found = {snake(name): _value(value, keep=name in _AS_THEY_ARE) for name, value in row.items()}
    return {name: value for name, value in found.items() if value is not None}


def _value(value: object, *, keep: bool) -> Value | None:
    if isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(name): str(item) for name, item in value.items()} if keep else in_terraform_words(value)
    if isinstance(value, list | tuple):
        items = (_value(item, keep=keep) for item in value)
        return tuple(item for item in items if item is not None)
    return None
