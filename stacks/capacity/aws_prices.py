"""List prices of AWS as its Price List API says them, for where the credentials may ask it.

Reference: AWS Price List Query API, `GetProducts`; it is answered in few locations, for all regions.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any  # Any: a product of the price list, at this boundary only

from contracts.storage import iops_item, mibps_item
from stacks.capacity.list_prices import HOURS_A_MONTH, SOURCES
from stacks.capacity.part import LIVE, Place, Prices
from stacks.clouds.aws.session import AwsClients, aws_clients
from stacks.errors import CloudError

LOCATION = "us-east-1"
_VOLUMES = ("gp2", "gp3", "io1", "io2", "st1", "sc1", "standard")
_FAST = ("gp3", "io1")
"""Volumes whose IOPS have one price; that of io2 falls in steps, and is stated by people."""
_PLAIN = {"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used"}


def read_prices(place: Place, shapes: Sequence[str], earlier: Prices | None, now: datetime) -> Prices:
    """On-demand prices of shapes and volumes; where the API does not answer, none: the catalog that ships has them."""
    if earlier is not None and earlier.holds(now):
        return earlier
    clients = aws_clients(place.account, LOCATION)
    classes = [item.name for item in place.catalog.storage_classes if item.name in _VOLUMES]
    try:
        compute = {shape: usd for shape in shapes if (usd := _shape(clients, place, shape)) is not None}
        storage = {name: usd for name in classes if (usd := _volume(clients, place, name)) is not None}
        fast = [item.name for item in place.catalog.storage_classes if item.name in _FAST and item.stated]
        storage |= dict(part for name in fast for part in _provisioned(clients, place, name))
    except CloudError as error:
        return Prices(source=f"{SOURCES[place.account.target]} ({error.what.splitlines()[0][:120]})")
    if not compute and not storage:
        return Prices(source=SOURCES[place.account.target])
    return Prices(on_demand=compute, storage=storage, source=LIVE, read_at=now)


def _shape(clients: AwsClients, place: Place, shape: str) -> float | None:
    return _cheapest(clients, {**_PLAIN, "instanceType": shape, "regionCode": place.cloud.location}, "Hrs")


def _volume(clients: AwsClients, place: Place, name: str) -> float | None:
    asked = {"productFamily": "Storage", "volumeApiName": name, "regionCode": place.cloud.location}
    monthly = _cheapest(clients, asked, "GB-Mo")
    return None if monthly is None else monthly / HOURS_A_MONTH


def _provisioned(clients: AwsClients, place: Place, name: str) -> Iterator[tuple[str, float]]:
    """USD per hour of an IOPS and of a MiB per second; throughput is listed by the GiB per second."""
    asked = {"volumeApiName": name, "regionCode": place.cloud.location}
    for item, unit, per in ((iops_item(name), "IOPS-Mo", 1), (mibps_item(name), "GiBps-mo", 1024)):
        monthly = _cheapest(clients, asked, unit)
        if monthly is not None:
            yield item, monthly / per / HOURS_A_MONTH


def _cheapest(clients: AwsClients, asked: Mapping[str, str], unit: str) -> float | None:
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in asked.items()]
    rows = clients.listing("pricing", "get_products", "PriceList[]", ServiceCode="AmazonEC2", Filters=filters)
    found = [usd for row in rows for usd in _on_demand(json.loads(str(row)), unit)]
    return min(found, default=None)


def _on_demand(product: Mapping[str, Any], unit: str) -> Iterator[float]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            usd = float(dimension.get("pricePerUnit", {}).get("USD", 0))
            if dimension.get("unit") == unit and usd > 0:
                yield usd
