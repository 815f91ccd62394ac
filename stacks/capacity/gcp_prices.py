"""List prices of Google Cloud as its Cloud Billing Catalog says them, for where the credentials may ask it.

Google prices a shape by its parts: so much a vCPU, so much a GiB. Reference: Cloud Billing Catalog API, `skus.list`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from contracts.capacity import Shape
from stacks.capacity.list_prices import HOURS_A_MONTH, SOURCES
from stacks.capacity.part import LIVE, Place, Prices
from stacks.clouds.gcp.session import Reply, gcp_session
from stacks.errors import CloudError

_COMPUTE_ENGINE = "services/6F81-5844-456A/skus"
_DISKS: Mapping[str, str] = {
    "pd-standard": "Storage PD Capacity",
    "pd-balanced": "Balanced PD Capacity",
    "pd-ssd": "SSD backed PD Capacity",
}
"""Class of disk -> how descriptions of its price begin."""
_ODD_FAMILIES: Mapping[str, str] = {"n1": "N1 Predefined Instance", "c2": "Compute optimized"}
"""Families whose prices are not described as `N2 Instance Core`."""


def read_prices(place: Place, shapes: Sequence[str], earlier: Prices | None, now: datetime) -> Prices:
    """Prices of shapes and disks; where the API does not answer, none: the catalog that ships has them."""
    if earlier is not None and earlier.holds(now):
        return earlier
    try:
        rows = gcp_session(place.account).listing("cloudbilling", _COMPUTE_ENGINE, "skus", pageSize="5000")
    except CloudError as error:
        return Prices(source=f"{SOURCES[place.account.target]} ({error.what.splitlines()[0][:120]})")
    here = [row for row in rows if place.cloud.location in row.get("serviceRegions", ())]
    if not here:
        return Prices(source=SOURCES[place.account.target])
    priced = [shape for shape in place.catalog.shapes if shape.name in shapes]
    disks = {name: usd for name, said in _DISKS.items() if (usd := _price(here, said, "OnDemand")) is not None}
    return Prices(
        on_demand=_shapes(here, priced, "OnDemand"),
        spot=_shapes(here, priced, "Preemptible"),
        storage={name: usd / HOURS_A_MONTH for name, usd in disks.items()},
        source=LIVE,
        read_at=now,
    )


def _shapes(rows: Sequence[Reply], shapes: Sequence[Shape], usage: str) -> dict[str, float]:
    found = {}
    for shape in shapes:
        family = shape.name.partition("-")[0]
        said = _ODD_FAMILIES.get(family, f"{family.upper()} Instance")
        said = f"Spot Preemptible {said}" if usage == "Preemptible" else said
        core, ram = _price(rows, f"{said} Core", usage), _price(rows, f"{said} Ram", usage)
        if core is not None and ram is not None:
            found[shape.name] = round(shape.vcpu * core + shape.memory_gib * ram, 6)
    return found


def _price(rows: Iterable[Reply], said: str, usage: str) -> float | None:
    """USD of one unit: of all tiers, the one that is not free of charge."""
    for row in rows:
        if row.get("description", "").startswith(said) and row.get("category", {}).get("usageType") == usage:
            rates = [_usd(rate["unitPrice"]) for rate in _rates(row)]
            if paid := [usd for usd in rates if usd > 0]:
                return paid[0]
    return None


def _rates(row: Reply) -> Iterable[Reply]:
    infos = row.get("pricingInfo", ())
    return infos[-1]["pricingExpression"]["tieredRates"] if infos else ()


def _usd(price: Reply) -> float:
    return float(price.get("units") or 0) + float(price.get("nanos") or 0) / 1e9
