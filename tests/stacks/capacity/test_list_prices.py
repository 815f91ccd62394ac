"""The prices that ship: whole, plausible, and those of the sources that the page beside them names."""

import csv
import os
import re
from importlib.resources import files
from pathlib import Path

import pytest

from contracts.accounts import TargetName
from contracts.resources import Purchase
from stacks.capacity.list_prices import HOURS_A_MONTH, known_shapes, list_prices

SHIPPED = files("stacks.capacity").joinpath("catalog")
TEST_DATA = os.environ.get("PRESTAGE_TEST_DATA", "")


def rows(name):
    with SHIPPED.joinpath(name).open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_every_price_is_of_a_known_shape_once():
    compute = rows("compute.csv")
    keys = [(row["cloud"], row["location"], row["shape"]) for row in compute]
    assert len(keys) == len(set(keys)) > 2000
    for cloud in ("aws", "gcp"):
        assert {shape for of, _, shape in keys if of == cloud} == known_shapes(TargetName(cloud)).keys()


def test_spot_and_committed_cost_less_than_on_demand():
    for row in rows("compute.csv"):
        on_demand = float(row["on_demand_usd_per_hour"])
        assert 0.005 < on_demand < 12, row
        for other in ("spot_usd_per_hour", "committed_usd_per_hour"):
            assert not row[other] or 0 < float(row[other]) < on_demand, row


def test_a_location_that_is_not_listed_has_no_prices():
    assert not list_prices(TargetName.AWS, "mars-north-1").compute
    gib = list_prices(TargetName.AWS, "eu-central-1").storage["gp3"]
    assert gib == pytest.approx(0.0952 / HOURS_A_MONTH)


@pytest.mark.skipif(not TEST_DATA, reason="PRESTAGE_TEST_DATA is not set")
def test_what_ships_is_what_the_sources_say():
    path = Path(TEST_DATA) / "catalog" / "instances.csv"
    with path.open(encoding="utf-8") as text:
        said = {(row["cloud"], row["region"], row["instance_type"]): row for row in csv.DictReader(text)}
    for row in rows("compute.csv"):
        source = said[row["cloud"], row["location"], row["shape"]]
        prices = list_prices(TargetName(row["cloud"]), row["location"]).compute
        assert prices[row["shape"], Purchase.ON_DEMAND] == pytest.approx(float(source["on_demand_usd_h"]), abs=1e-6)
        assert row["interruption"] == source["spot_interruption_band"]
        shape = known_shapes(TargetName(row["cloud"]))[row["shape"]]
        said_of = (shape.vcpu, shape.memory_gib, shape.network_gbps)
        assert said_of == tuple(float(source[column]) for column in ("vcpu", "memory_gib", "network_gbps"))


@pytest.mark.skipif(not TEST_DATA, reason="PRESTAGE_TEST_DATA is not set")
def test_what_is_provisioned_of_volumes_costs_what_the_source_says():
    with (Path(TEST_DATA) / "catalog" / "storage_usd.csv").open(encoding="utf-8") as text:
        said = {(row["cloud"], row["region"], row["tier"]): row for row in csv.DictReader(text)}
    shipped = [row for row in rows("storage.csv") if row["usd_per_iops_month"]]
    assert {row["storage_class"] for row in shipped} == {"gp3", "io1"}
    for row in shipped:
        source, name = said[row["cloud"], row["location"], row["storage_class"]], row["storage_class"]
        prices = list_prices(TargetName(row["cloud"]), row["location"]).storage
        assert prices[f"{name}-iops"] * HOURS_A_MONTH == pytest.approx(float(source["usd_iops_month"]), abs=1e-9)
        mibps = float(source["usd_mibps_month"]) * 1000 / 1024
        assert prices.get(f"{name}-mibps", 0.0) * HOURS_A_MONTH == pytest.approx(mibps, abs=1e-6)


def test_the_page_names_every_source_with_its_licence():
    page = SHIPPED.joinpath("README.md").read_text(encoding="utf-8")
    named = [line for line in page.splitlines() if re.match(r"\| [\w.-]+/[\w.-]+ at [0-9a-f]{7}", line)]
    assert len(named) >= 6 and all("Apache-2.0" in line for line in named)
