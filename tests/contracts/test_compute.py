"""Compute as documents carry it: counts by hour, stock, spot that may be lost, what may be bought, accelerators."""

import csv
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.capacity import (
    LOSS_SHARES,
    UNKNOWN_LOSS_SHARE,
    Catalog,
    CircuitTier,
    Offer,
    Shape,
    StorageClass,
)
from contracts.consistency import check_catalog, check_environment
from contracts.environment import Environment, RegionSettings
from contracts.errors import MalformedDocument
from contracts.inventory import InventoryFacts, RegionInventory
from contracts.purchases import Purchases
from contracts.resources import ComputeSpec, Purchase
from contracts.wording import describe
from contracts.yaml_files import parse_yaml_document
from tests.clouds.clouds_world import mixed_environment

PRICES = Path(__file__).parents[2] / "stacks/capacity/catalog/compute.csv"
NIGHT_AND_DAY = (2,) * 7 + (5,) * 13 + (3,) * 4
HOURLY = ComputeSpec(shape="m6i.large", count=5, by_hour=NIGHT_AND_DAY)


def test_what_varies_is_paid_for_by_its_mean_and_holds_its_largest_count():
    assert HOURLY.mean_count == pytest.approx((2 * 7 + 5 * 13 + 3 * 4) / 24)
    assert [HOURLY.count_at(hour) for hour in (0, 6, 7, 19, 20, 23)] == [2, 2, 5, 5, 3, 3]
    assert HOURLY.count_at(None) == 2  # at all hours there are no more


def test_what_does_not_vary_is_the_same_at_every_hour():
    constant = ComputeSpec(shape="m8", count=4)
    assert constant.mean_count == 4 and {constant.count_at(hour) for hour in (None, *range(24))} == {4}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"by_hour": (2,) * 23}, "by_hour has 23 counts; a day has 24 hours"),
        ({"by_hour": NIGHT_AND_DAY, "count": 6}, "count is 6, and the hour that has most has 5"),
        ({"by_hour": (5,) * 24}, "by_hour never varies"),
        ({"by_hour": NIGHT_AND_DAY, "purchase": Purchase.COMMITTED}, "what is committed cannot vary"),
        ({"by_hour": (-1,) * 23 + (5,)}, "greater than or equal to 0"),
        ({"by_hour": (5,) * 25}, "at most 24"),
    ],
)
def test_counts_that_are_no_day_are_refused(fields, told):
    with pytest.raises(ValidationError, match=told):
        ComputeSpec(**{"shape": "m6i.large", "count": 5, **fields})


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (HOURLY, "2 to 5 x m6i.large"),
        (HOURLY.model_copy(update={"purchase": Purchase.SPOT}), "2 to 5 x m6i.large, spot"),
        (ComputeSpec(shape="m8", count=5), "5 x m8"),
    ],
)
def test_views_say_that_a_count_varies(spec, said):
    assert describe(spec) == said


def test_what_came_later_and_says_nothing_leaves_earlier_documents_their_bytes():
    assert ComputeSpec(shape="m8", count=5).model_dump(mode="json") == {
        "kind": "compute",
        "shape": "m8",
        "count": 5,
        "purchase": "on_demand",
    }
    assert Shape(name="m8", vcpu=8, memory_gib=32).model_dump() == {"name": "m8", "vcpu": 8, "memory_gib": 32}
    plain = Environment(name="dev", regions=(RegionSettings(name="fra"),))
    assert "purchases" not in plain.canonical()
    spoken = plain.model_copy(update={"purchases": Purchases(committed=True)})
    assert spoken.digest() != plain.digest() and '"committed":true' in spoken.canonical()


@pytest.mark.parametrize(
    ("purchase", "band", "share"),
    [
        (Purchase.SPOT, "<5%", 0.03),
        (Purchase.SPOT, ">20%", 0.25),
        (Purchase.SPOT, "", UNKNOWN_LOSS_SHARE),
        (Purchase.ON_DEMAND, ">20%", 0.0),
        (Purchase.COMMITTED, "", 0.0),
    ],
)
def test_a_band_of_interruption_says_how_much_spot_may_be_missing(purchase, band, share):
    offer = Offer(place="fra", item="m6i.large", purchase=purchase, usd_per_hour=0.1, interruption=band)
    assert offer.loss_share == share


def test_every_band_that_ships_with_the_list_prices_has_a_share():
    with PRICES.open() as text:
        bands = {row["interruption"] for row in csv.DictReader(text)}
    assert bands - {""} == set(LOSS_SHARES)
    shares = [LOSS_SHARES[band] for band in ("<5%", "5-10%", "10-15%", "15-20%", ">20%")]
    assert shares == sorted(shares)


def test_a_plan_buys_on_demand_unless_more_is_allowed():
    assert Purchases().allowed == (Purchase.ON_DEMAND,)
    assert Purchases(spot_share=0.2, committed=True).allowed == tuple(Purchase)
    with pytest.raises(ValidationError):
        Purchases(spot_share=1.2)


def test_a_region_s_own_word_on_purchases_counts_and_hours_only_in_clouds():
    mixed = mixed_environment().model_copy(update={"purchases": Purchases(hourly=True, spot_share=0.3)})
    assert mixed.purchases_of("fra") == Purchases(hourly=True, spot_share=0.3)
    assert mixed.purchases_of("ams") == Purchases(spot_share=0.3)  # on premises
    own = tuple(
        item.model_copy(update={"purchases": Purchases(committed=True)}) if item.name == "fra" else item
        for item in mixed.regions
    )
    assert mixed.model_copy(update={"regions": own}).purchases_of("fra") == Purchases(committed=True)


def test_commitments_are_bought_where_the_account_says_so():
    mixed = mixed_environment()
    buying = tuple(item.model_copy(update={"buy_commitments": item.name == "prod"}) for item in mixed.accounts)
    mixed = mixed.model_copy(update={"accounts": buying})
    assert [mixed.buys_commitments(name) for name in ("fra", "ohio", "bel", "ams")] == [True, False, False, False]


SOMEWHERE = RegionInventory(name="ams", continent="europe", fault_domain="nl", prices={}, stock={"gpu8": 2})


def test_hours_are_refused_on_premises():
    mixed = Environment(name="dev", regions=(RegionSettings(name="ams", purchases=Purchases(hourly=True)),))
    with pytest.raises(MalformedDocument, match=r"regions: ams: purchases\.hourly is of regions in clouds"):
        check_environment(mixed, InventoryFacts(regions=(SOMEWHERE,)))


def test_stock_is_of_shapes_of_the_catalog():
    catalog = Catalog(
        shapes=(Shape(name="gpu4", vcpu=4, memory_gib=16, accelerators=1, network_gbps=25),),
        storage_classes=(StorageClass(name="standard"),),
        circuit_tiers=(CircuitTier(name="1g", gbps=1),),
    )
    with pytest.raises(MalformedDocument, match=r"ams\.stock: 'gpu8' is unknown; did you mean 'gpu4'\?"):
        check_catalog(catalog, InventoryFacts(regions=(SOMEWHERE,)))


def test_an_environment_says_stock_of_shapes_too():
    mixed = mixed_environment()
    regions = tuple(
        item.model_copy(update={"cloud": item.cloud.model_copy(update={"stock": {"p5.48xlarge": 4}})})
        if item.cloud and item.name == "fra"
        else item
        for item in mixed.regions
    )
    catalog = Catalog(shapes=(Shape(name="m6i.large", vcpu=2, memory_gib=8),), storage_classes=(), circuit_tiers=())
    with pytest.raises(MalformedDocument, match=r"fra\.cloud\.stock: 'p5.48xlarge' is unknown"):
        check_catalog(catalog, InventoryFacts(), mixed.model_copy(update={"regions": regions}))


def test_the_page_s_catalog_is_one():
    page = (Path(__file__).parents[2] / "docs/environment.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml catalog\n(.*?)```", page, re.DOTALL)
    catalog = parse_yaml_document(Catalog, example, where="docs/environment.md")
    check_catalog(catalog, InventoryFacts())
    assert [(shape.accelerators, shape.network_gbps) for shape in catalog.shapes] == [(0, 0.781), (8, 400)]
