"""Google's figures of one region: quotas by family, machine types by zone, disks, price list, addresses."""

from datetime import UTC, datetime
from functools import partial

import pytest

from contracts.accounts import Account, TargetName
from contracts.capacity import CapacityKind, Catalog, LiveResource, Shape, StorageClass
from contracts.resources import ComputeSpec, Purchase, StorageSpec
from stacks.capacity.gcp import metric_of, read_figures
from stacks.capacity.list_prices import HOURS_A_MONTH, list_prices
from stacks.capacity.part import LIVE, Place
from stacks.capacity.region import UNLIMITED_GIB, part_of
from stacks.clouds.gcp.session import gcp_session
from stacks.errors import RegionNotEnabled, Throttled
from stacks.targets.gcp.addressing import own_prefixes
from stacks.targets.gcp.marks import description
from tests.clouds.clouds_world import resource
from tests.stacks.capacity.parts import lying, quota
from tests.stacks.capacity.simulated_gcp import sku

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOCATION, ZONES = "europe-west1", ("europe-west1-b", "europe-west1-c")
SHAPES = {"e2-standard-4": (4, 16), "n2-standard-4": (4, 16), "n2-highmem-4": (4, 32), "c2-standard-4": (4, 16)}
CATALOG = Catalog(
    shapes=tuple(Shape(name=name, vcpu=vcpu, memory_gib=gib) for name, (vcpu, gib) in SHAPES.items()),
    storage_classes=tuple(StorageClass(name=name) for name in ("pd-balanced", "pd-standard", "gcs")),
    circuit_tiers=(),
)
here = partial(lying, "bel", "google", LOCATION, ZONES, "10.64.0.0/16")
QUOTAS = {
    "CPUS": (72.0, 8.0),
    "N2_CPUS": (48.0, 20.0),
    "C2_CPUS": (0.0, 0.0),
    "SSD_TOTAL_GB": (2048.0, 500.0),
    "DISKS_TOTAL_GB": (4096.0, 0.0),
    "STATIC_ADDRESSES": (8.0, 1.0),
}


@pytest.fixture
def world(google):
    google[0].zones = {zone: set(SHAPES) for zone in ZONES}
    google[0].quotas, google[0].subnetworks = {LOCATION: dict(QUOTAS)}, {LOCATION: []}
    return google[0]


@pytest.fixture
def read(world, google):
    def now(*ours, catalog=CATALOG, **cloud):
        account = Account(name="google", target=TargetName.GCP, id="prestage-test", endpoint=google[1])
        live = tuple(LiveResource(resource=item, state="ready") for item in ours)
        place = Place(
            region="bel",
            cloud=here(**cloud),
            account=account,
            environment="prod",
            catalog=catalog,
            resources=live,
        )
        figures = read_figures(place, gcp_session(account), None, NOW)
        return figures, part_of(place, figures)

    return now


def offered(part, purchase=Purchase.ON_DEMAND):
    return {offer.item: offer.usd_per_hour for offer in part.offers if offer.purchase is purchase}


def test_a_family_counts_against_its_own_quota_where_it_has_one():
    quotas: dict[str, dict[str, float]] = {"CPUS": {}, "N2_CPUS": {}}
    assert [metric_of(shape, quotas) for shape in ("n2-standard-4", "n2d-standard-4", "e2-medium")] == [
        "N2_CPUS",
        "CPUS",
        "CPUS",
    ]


def test_of_several_quotas_the_tightest_holds(read):
    _, part = read()
    found = quota(part, CapacityKind.VCPU)
    assert (found.total, found.used, found.available) == (48, 20, 28)  # N2, not the 64 that other families have
    assert quota(part, CapacityKind.MEMORY_GIB).available == 28 * 8  # all of them high-memory


def test_what_we_run_is_ours_in_google_s_count(read):
    ours = resource("bel/compute/serving/n2-standard-4", ComputeSpec(shape="n2-standard-4", count=4))
    staged = resource("bel/compute/staged/e2-standard-4/0001", ComputeSpec(shape="e2-standard-4", count=1))
    _, part = read(ours, staged)
    found = quota(part, CapacityKind.VCPU)
    assert (found.available, found.ours, found.staged) == (48 - (20 - 16), 20, 4)


def test_a_quota_of_zero_takes_its_family_off_the_market(read):
    _, part = read()
    assert set(offered(part)) == {*SHAPES, "pd-balanced", "pd-standard", "gcs", "address"} - {"c2-standard-4"}


def test_a_shape_that_one_zone_lacks_is_not_offered(world, read):
    world.zones["europe-west1-c"] -= {"n2-standard-4"}
    assert "n2-standard-4" not in offered(read()[1]) and "n2-highmem-4" in offered(read()[1])


def test_disks_have_limits_and_buckets_none(read):
    ours = resource("bel/storage/serving/pd-balanced", StorageSpec(storage_class="pd-balanced", gib=100))
    _, part = read(ours)
    found = quota(part, CapacityKind.STORAGE_GIB)
    assert (found.total, found.ours, found.available) == (2048, 100, 2048 - 400)
    alone = CATALOG.model_copy(update={"storage_classes": (StorageClass(name="gcs"),)})
    assert quota(read(catalog=alone)[1], CapacityKind.STORAGE_GIB).available == UNLIMITED_GIB


def test_without_the_price_list_the_catalog_has_the_prices(read):
    figures, part = read()
    listed = list_prices(TargetName.GCP, LOCATION)
    assert "catalog" in figures.prices.source and "billing API is not enabled" in figures.prices.source
    assert offered(part)["n2-standard-4"] == listed.compute["n2-standard-4", Purchase.ON_DEMAND]
    assert offered(part, Purchase.SPOT)["n2-standard-4"] == listed.compute["n2-standard-4", Purchase.SPOT]
    assert offered(part)["pd-balanced"] == pytest.approx(0.1 / HOURS_A_MONTH)


def test_a_shape_costs_the_sum_of_its_parts(world, read):
    world.skus = [
        sku("N2 Instance Core running in Iowa", 9.0, "OnDemand", "us-central1"),
        sku("N2 Instance Core running in Belgium", 0.03, "OnDemand", LOCATION),
        sku("N2 Instance Ram running in Belgium", 0.004, "OnDemand", LOCATION),
        sku("Spot Preemptible N2 Instance Core running in Belgium", 0.01, "Preemptible", LOCATION),
        sku("Spot Preemptible N2 Instance Ram running in Belgium", 0.001, "Preemptible", LOCATION),
        sku("Balanced PD Capacity in Belgium", 0.11, "OnDemand", LOCATION),
    ]
    figures, part = read(prices={"n2-highmem-4": 0.5})
    assert figures.prices.source == LIVE
    assert offered(part)["n2-standard-4"] == pytest.approx(4 * 0.03 + 16 * 0.004)
    assert offered(part, Purchase.SPOT)["n2-standard-4"] == pytest.approx(4 * 0.01 + 16 * 0.001)
    assert offered(part)["pd-balanced"] == pytest.approx(0.11 / HOURS_A_MONTH)
    assert offered(part)["n2-highmem-4"] == 0.5
    assert (
        offered(part)["e2-standard-4"]
        == list_prices(TargetName.GCP, LOCATION).compute["e2-standard-4", Purchase.ON_DEMAND]
    )


def test_what_the_network_keeps_and_what_others_route_is_taken(world, read):
    world.subnetworks[LOCATION] = [
        {"ipCidrRange": "10.64.32.0/20", "description": "somebody's"},
        {"ipCidrRange": "10.9.0.0/24", "secondaryIpRanges": [{"ipCidrRange": "10.64.128.0/20"}]},
        {"ipCidrRange": "10.64.0.0/20", "description": description("prod", "bel/network/subnet", "net")},
    ]
    _, part = read()
    assert set(part.pools[0].taken) == {"10.64.32.0/20", "10.64.128.0/20", *own_prefixes(here())}


def test_a_region_that_does_not_answer_is_an_error(world, read):
    world.down = {LOCATION}
    with pytest.raises(Throttled):
        read()
    world.down, world.quotas = set(), {}
    with pytest.raises(RegionNotEnabled):
        read()
