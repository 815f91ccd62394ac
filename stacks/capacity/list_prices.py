"""List prices and shapes of clouds as they ship with Prestage, for where no price API may be asked.

Numbers only, from public sources of the dates in `catalog/README.md`. For planning, not for billing: what people state
in an environment, and what a cloud answers, outweigh them.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from contracts.accounts import TargetName
from contracts.capacity import Shape
from contracts.resources import Purchase
from contracts.storage import iops_item, mibps_item

HOURS_A_MONTH = 730
"""What AWS and Google count a month as where they charge by the hour: 365 * 24 / 12."""

SOURCES: Mapping[TargetName, str] = {
    TargetName.AWS: "catalog of September 2022, us-east-1 of July 2026",
    TargetName.GCP: "catalog of August 2026, disks of March 2025",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrices:
    """USD per hour at one location: of a shape by purchase, of a GiB by class of storage, of what is provisioned of it.

    Attributes:
        interruption: of spot, by shape: which share was taken back within a month.
    """

    compute: Mapping[tuple[str, Purchase], float]
    storage: Mapping[str, float]
    interruption: Mapping[str, str]


@lru_cache(maxsize=64)
def list_prices(target: TargetName, location: str) -> ListPrices:
    """The prices of a location; empty where the catalog does not have it."""
    compute: dict[tuple[str, Purchase], float] = {}
    interruption = {}
    for row in _rows("compute.csv", target, location):
        for purchase, column in _COLUMNS.items():
            if row[column]:
                compute[row["shape"], purchase] = float(row[column])
        if row["interruption"]:
            interruption[row["shape"]] = row["interruption"]
    storage = {
        item: float(row[column]) / HOURS_A_MONTH
        for row in _rows("storage.csv", target, location)
        for item, column in _storage_items(row["storage_class"])
        if row[column]
    }
    return ListPrices(compute=compute, storage=storage, interruption=interruption)


@lru_cache(maxsize=4)
def known_shapes(target: TargetName) -> Mapping[str, Shape]:
    """Shapes of a cloud by name, with what one of them gives."""
    return {
        row["shape"]: Shape(
            name=row["shape"],
            vcpu=int(row["vcpu"]),
            memory_gib=int(row["memory_gib"]),
            network_gbps=float(row["network_gbps"]),
        )
        for row in _rows("shapes.csv", target)
    }


_COLUMNS: Mapping[Purchase, str] = {
    Purchase.ON_DEMAND: "on_demand_usd_per_hour",
    Purchase.SPOT: "spot_usd_per_hour",
    Purchase.COMMITTED: "committed_usd_per_hour",
}


def _storage_items(name: str) -> tuple[tuple[str, str], ...]:
    """What of a class has a price, and the column that has it."""
    return (
        (name, "usd_per_gib_month"),
        (iops_item(name), "usd_per_iops_month"),
        (mibps_item(name), "usd_per_mibps_month"),
    )


def _rows(name: str, target: TargetName, location: str | None = None) -> Iterator[dict[str, str]]:
    with files("stacks.capacity").joinpath("catalog", name).open(encoding="utf-8") as text:
        for row in csv.DictReader(text):
            if row["cloud"] == target and location in (None, row.get("location")):
                yield row
