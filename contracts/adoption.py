"""`AdoptionProposal`: what exists in the clouds and is not ours yet, and which place of the environment it could take.

`prestage adopt` writes it; people review it and take out what they do not want by running it again with fewer types or
regions; `prestage adopt --apply` brings just that under management, and changes nothing about it but its tags.
"""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field, JsonValue

from contracts.document import Document, Model
from contracts.names import RegionName
from contracts.resources import Resource


class FoundResource(Model):
    """Something that exists and bears no environment's tag.

    Attributes:
        account: name of the environment's account that it is in.
        region: the environment's region that it lies in.
        type: the Terraform type.
        id: what an import calls it.
    """

    account: RegionName
    region: RegionName
    type: str
    id: str


class Part(Model):
    """A declaration that something found fits.

    Attributes:
        key: of the declaration.
        as_found: arguments that have to stay as they were found for nothing to change, its name above all; the
            environment lists them under `adopted` before the part is taken in. None: not declared at all.
    """

    key: str
    found: FoundResource
    as_found: dict[str, JsonValue] = Field(default={})


class ProposedAdoption(Model):
    """A resource of the environment that exists already.

    Attributes:
        resource: as the plan would have it: key, place, kind, spec.
        parts: what of it is there; the one that stands for it bears its key. What is missing, a later plan makes.
    """

    resource: Resource
    parts: tuple[Part, ...] = Field(min_length=1)


class LeftCode(StrEnum):
    """Why something is left as it is."""

    NO_PLACE = "no_place"  # nothing in the environment that it could be
    TAKEN = "taken"  # its place is taken by something that is ours
    AMBIGUOUS = "ambiguous"  # several could take one place
    DIFFERS = "differs"  # it would have to be changed to fit


class LeftAlone(Model):
    """Something found that is not proposed, and why, with the values."""

    found: FoundResource
    code: LeftCode
    why: str


class AdoptionProposal(Document):
    """All that was found, each with its place or the reason why it has none."""

    FORMAT: ClassVar[str] = "prestage/adoption"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"made_at"})

    environment: RegionName
    made_at: AwareDatetime
    proposed: tuple[ProposedAdoption, ...]
    left: tuple[LeftAlone, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """Everything that is taken in, in the order of the keys."""
        return tuple(sorted((part for item in self.proposed for part in item.parts), key=lambda part: part.key))
