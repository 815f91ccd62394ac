"""`Cloud`: what exists in one account, as its own APIs say it. The port, and the values that go through it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from stacks.declaration import Declaration, Value

Attributes = Mapping[str, Value]
"""What is known of a resource in Terraform's words, `id` among it."""
NOTHING: Mapping[str, Attributes] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudResource:
    """One resource of an account.

    Attributes:
        type: the Terraform type.
        key: of its declaration, as its tags say; empty where it has none.
        id: what an import calls it.
        place: the environment's region that it lies in.
        arguments: what its API says of it, in Terraform's words.
        environment, owner: as its tags say.
    """

    type: str
    key: str
    id: str
    place: str
    arguments: Attributes
    environment: str = ""
    owner: str = ""


class Cloud(Protocol):
    """Reads one account. Every method raises `CloudError`: a region that cannot be read is never empty."""

    def tagged(self, environment: str) -> tuple[CloudResource, ...]:
        """All resources with the environment's tag, whether any plan knows them or not."""
        ...

    def find(self, declarations: Sequence[Declaration], known: Mapping[str, Attributes] = NOTHING) -> Mapping[str, str]:
        """What an import calls the declared resources that exist, by key: by tag, else by name, else below a parent.

        Args:
            declarations: of any provider; those that this account has nothing to do with are passed over.
            known: attributes of what is known already, by key: what references stand for.

        Raises:
            TwoOfOne: two resources bear the key of one declaration.
        """
        ...

    def discover(self) -> tuple[CloudResource, ...]:
        """Networks, gateways, capacity and blocks without any environment's tag."""
        ...
