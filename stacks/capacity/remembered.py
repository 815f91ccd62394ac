"""What was read of a cloud's region last, kept in the state folder with its time.

It takes nobody's place: a region that cannot be read now is named so, and shown with the figures it had.
"""

from pathlib import Path
from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.capacity import LiveResource, Offers, Pool, Quota, ShapeFacts
from contracts.document import Document, unsaid
from contracts.errors import DocumentError
from contracts.files import read_document, write_document
from contracts.names import RegionName
from stacks.capacity.part import CapacityPart, Prices


class RegionReading(Document):
    """One region as it was read at one moment; `place` says of which location and account, should that change."""

    FORMAT: ClassVar[str] = "prestage/region-reading"

    region: RegionName
    place: str
    read_at: AwareDatetime
    quotas: tuple[Quota, ...]
    offers: Offers
    pools: tuple[Pool, ...]
    resources: tuple[LiveResource, ...]
    prices: Prices
    shapes: tuple[ShapeFacts, ...] = Field(default=(), exclude_if=unsaid)

    def part(self) -> CapacityPart:
        """Its figures, without saying that they are of now."""
        return CapacityPart(
            quotas=self.quotas, offers=self.offers, pools=self.pools, resources=self.resources, shapes=self.shapes
        )


class Memory:
    """Readings by region, a file each. What cannot be used is as if it had never been read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, region: str, place: str) -> RegionReading | None:
        """The last reading of a region, if it was of this very place."""
        try:
            found = read_document(RegionReading, self._path(region))
        except (DocumentError, OSError):
            return None
        return found if found.place == place else None

    def keep(self, reading: RegionReading) -> None:
        """Takes the place of the reading before."""
        write_document(self._path(reading.region), reading)

    def _path(self, region: str) -> Path:
        return self._folder / f"{region}.json"
