"""`Placed`: what a resource on its way to declarations has in common, whichever cloud its region lies in. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.accounts import Account, CloudRegion
from contracts.environment import Environment
from contracts.names import is_link
from contracts.resources import LINKS_ROOT, Resource
from stacks.declaration import Ref
from stacks.errors import InvalidArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A resource in one region of a cloud.

    Attributes:
        region: where its declarations are made: its own region, or one end of its link.
        roots: the root of each of the plan's resources, by key, as far as they are known.
    """

    resource: Resource
    region: str
    environment: Environment
    roots: Mapping[str, str]

    @property
    def cloud(self) -> CloudRegion:
        """Where its region lies.

        Raises:
            InvalidArgument: on premises.
        """
        found = self.environment.cloud(self.region)
        if found is None:
            raise InvalidArgument(f"region {self.region} lies in no cloud", where=self.resource.key)
        return found

    @property
    def account(self) -> Account:
        """The account (project) of its region.

        Raises:
            InvalidArgument: the environment has none of that name.
        """
        found = self.environment.account(self.region)
        if found is None:
            raise InvalidArgument(
                f"region {self.region} is in account {self.cloud.account!r}, which the environment has not",
                where=self.resource.key,
                next_step="add it to `accounts`",
            )
        return found

    def ref(self, key: str, attribute: str = "id") -> Ref:
        """Something of another resource of the plan, or of a part of it: whatever root that lives in."""
        root = self._root_of(key)
        return Ref(key=key, attribute=attribute, root="" if root == self.resource.root else root)

    def _root_of(self, key: str) -> str:
        """The root of whatever resource a key belongs to: the longest known one that it begins with."""
        parts = key.split("/")
        for length in range(len(parts), 0, -1):
            if root := self.roots.get("/".join(parts[:length])):
                return root
        return LINKS_ROOT if is_link(parts[0]) else parts[0]
