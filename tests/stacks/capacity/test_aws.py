"""AWS's figures of one region: quotas and their use, offerings by zone, spot prices, list prices, addresses."""

import re
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from contracts.accounts import Account, TargetName
from contracts.capacity import CapacityKind, Catalog, Shape, ShapeFacts, StorageClass
from contracts.resources import Purchase
from stacks.capacity.aws import read_figures, shape_facts
from stacks.capacity.list_prices import HOURS_A_MONTH, list_prices
from stacks.capacity.part import LIVE, Place
from stacks.capacity.region import part_of
from stacks.clouds.aws.session import aws_clients
from stacks.errors import CloudError, NotPermitted
from stacks.targets.aws.addressing import own_prefixes
from tests.stacks.capacity.parts import lying, quota
from tests.stacks.capacity.simulated_aws import (
    GP3,
    GRAPHICS,
    STANDARD,
    LimitExceeded,
    instance,
    tag_list,
    vcpu,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOCATION, ZONES = "eu-central-1", ("eu-central-1a", "eu-central-1b")
SHAPES = ("c6i.xlarge", "g5.xlarge", "m6i.large", "m6i.xlarge")
CATALOG = Catalog(
    shapes=(
        *(Shape(name=name, vcpu=vcpu(name), memory_gib=4 * vcpu(name)) for name in SHAPES),
        Shape(name="m8", vcpu=8, memory_gib=32),
    ),
    storage_classes=(StorageClass(name="gp3"), StorageClass(name="standard"), StorageClass(name="s3")),
    circuit_tiers=(),
)
here = partial(lying, "fra", "prod", LOCATION, ZONES, "10.16.0.0/16")
OURS = {"prestage:environment": "prod"}


@pytest.fixture
def world(aws):
    aws[0].zones = {LOCATION: {zone: set(SHAPES) for zone in ZONES}}
    return aws[0]


@pytest.fixture
def read(world, aws):
    def now(earlier=None, catalog=CATALOG, **cloud):
        account = Account(name="prod", target=TargetName.AWS, id="123456789012", endpoint=aws[1])
        place = Place(region="fra", cloud=here(**cloud), account=account, environment="prod", catalog=catalog)
        figures = read_figures(place, aws_clients(account, LOCATION), earlier, NOW)
        return figures, part_of(place, figures)

    return now


def price(part, item, purchase=Purchase.ON_DEMAND):
    return next((offer.usd_per_hour for offer in part.offers if (offer.item, offer.purchase) == (item, purchase)), None)


def test_iops_of_a_class_are_sold_where_the_catalog_says_how_fast_it_is(read):
    figures, plain = read()
    assert price(plain, "gp3") and price(plain, "gp3-iops") is None
    account = Account(name="prod", target=TargetName.AWS, id="123456789012")
    catalog = CATALOG.model_copy(update={"storage_classes": (StorageClass(name="gp3", volume_iops=3000),)})
    for stated, wanted in ({}, list_prices(TargetName.AWS, LOCATION).storage["gp3-iops"]), ({"gp3-iops": 1e-5}, 1e-5):
        place = Place(region="fra", cloud=here(prices=stated), account=account, environment="prod", catalog=catalog)
        assert price(part_of(place, figures), "gp3-iops") == pytest.approx(wanted, rel=1e-4)
    assert price(part_of(place, figures), "gp3-mibps") == pytest.approx(0.0476 / HOURS_A_MONTH)


def test_what_others_run_or_reserve_is_not_ours_to_use(world, read):
    world.running[LOCATION] = [
        instance("m6i.xlarge"),
        instance("m6i.xlarge"),
        instance("c6i.xlarge"),
        instance("m6i.large", spot=True),
        instance("m6i.xlarge", OURS),
        instance("g5.xlarge"),
    ]
    world.reservations[LOCATION] = [
        {"InstanceType": "m6i.large", "State": "active", "AvailableInstanceCount": 3, "Tags": []},
        {"InstanceType": "m6i.large", "State": "cancelled", "AvailableInstanceCount": 9, "Tags": []},
        {"InstanceType": "m6i.large", "State": "active", "AvailableInstanceCount": 5, "Tags": tag_list(OURS)},
    ]
    _, part = read()
    found = quota(part, CapacityKind.VCPU)
    assert (found.total, found.used, found.available) == (64, 3 * 4 + 3 * 2, 64 - 18)  # 2 pages of each list
    assert quota(part, CapacityKind.MEMORY_GIB).available == 4 * found.available


def test_what_the_snapshot_allows_can_be_launched_and_not_one_more(world, read):
    """The limits of the simulated cloud hold: what the planner may use is what the cloud gives."""
    world.running[LOCATION] = [instance("c6i.xlarge")] * 3
    _, part = read()
    room = int(quota(part, CapacityKind.VCPU).available)
    world.launch(LOCATION, "m6i.large", room // 2)
    with pytest.raises(LimitExceeded):
        world.launch(LOCATION, "m6i.large", 1)


def test_an_account_s_own_quota_outweighs_the_default(world, read):
    world.quotas[LOCATION] = {STANDARD: 1152.0, "L-OTHER": 1.0, GP3: 1.0}
    figures, part = read()
    assert quota(part, CapacityKind.VCPU).total == 1152
    assert {limit.name: limit.total for limit in figures.limits} == {STANDARD: 1152, GRAPHICS: 0, GP3: 1024}


def test_a_family_without_quota_is_not_offered_and_bounds_nothing(world, read):
    _, part = read()
    assert price(part, "g5.xlarge") is None and price(part, "m6i.large") is not None
    world.quotas[LOCATION] = {GRAPHICS: 8.0, STANDARD: 64.0}
    _, part = read(prices={"g5.xlarge": 1.0})
    assert price(part, "g5.xlarge") == 1.0
    assert quota(part, CapacityKind.VCPU).total == 8  # of two limits the tighter one: no plan exceeds either


def test_a_shape_that_one_zone_lacks_is_not_offered(world, read):
    world.zones[LOCATION]["eu-central-1b"] -= {"m6i.large"}
    world.zones[LOCATION]["eu-central-1c"] = set(SHAPES)
    _, part = read()
    assert price(part, "m6i.large") is None and price(part, "m6i.xlarge") is not None
    assert price(part, "m8") is None  # of the estate


def test_spot_costs_what_the_dearest_of_its_zones_asks_now(world, read):
    world.spot[LOCATION] = [
        ("m6i.large", "eu-central-1a", 0.05, 11),
        ("m6i.large", "eu-central-1a", 0.09, 9),
        ("m6i.large", "eu-central-1b", 0.06, 10),
        ("m6i.large", "eu-central-1c", 0.5, 11),
    ]
    _, part = read()
    assert price(part, "m6i.large", Purchase.SPOT) == 0.06
    listed = list_prices(TargetName.AWS, LOCATION)
    assert price(part, "m6i.xlarge", Purchase.SPOT) == listed.compute["m6i.xlarge", Purchase.SPOT]
    bands = {offer.item: offer.interruption for offer in part.offers if offer.purchase is Purchase.SPOT}
    assert re.fullmatch(r"[<>]?\d+(-\d+)?%", bands["m6i.large"])


def test_the_price_list_outweighs_the_catalog_and_what_people_state_both(world, read):
    world.prices = {(LOCATION, "m6i.large"): 0.2, (LOCATION, "gp3"): 0.073}
    figures, part = read()
    assert figures.prices.source == LIVE
    assert price(part, "m6i.large") == 0.2 and price(part, "gp3") == pytest.approx(0.073 / HOURS_A_MONTH)
    assert price(part, "m6i.xlarge") == list_prices(TargetName.AWS, LOCATION).compute["m6i.xlarge", Purchase.ON_DEMAND]
    assert price(part, "s3") is None
    _, part = read(prices={"m6i.large": 0.15, "s3": 0.00003, "address": 0.005})
    assert (price(part, "m6i.large"), price(part, "s3"), price(part, "address")) == (0.15, 0.00003, 0.005)


def test_list_prices_are_read_once_a_day(world, read):
    world.prices = {(LOCATION, "m6i.large"): 0.2}
    earlier = read()[0].prices
    world.prices = {(LOCATION, "m6i.large"): 0.3}
    assert price(read(earlier)[1], "m6i.large") == 0.2
    old = earlier.model_copy(update={"read_at": NOW - timedelta(hours=25)})
    assert price(read(old)[1], "m6i.large") == 0.3


def test_what_is_provisioned_costs_what_the_price_list_says(world, read):
    world.prices = {(LOCATION, "gp3"): 0.0952, (LOCATION, "gp3-iops"): 0.007, (LOCATION, "gp3-mibps"): 49.152}
    assert price(read()[1], "gp3-iops") is None
    _, part = read(
        catalog=CATALOG.model_copy(update={"storage_classes": (StorageClass(name="gp3", volume_iops=3000),)})
    )
    assert price(part, "gp3-iops") == pytest.approx(0.007 / HOURS_A_MONTH, rel=1e-4)
    assert price(part, "gp3-mibps") == pytest.approx(0.048 / HOURS_A_MONTH, rel=1e-4)


def test_who_may_not_ask_the_price_list_gets_the_catalog_and_is_told(world, read):
    world.denied = {"pricing": "AccessDeniedException"}
    figures, part = read()
    assert "catalog" in figures.prices.source and "AccessDenied" in figures.prices.source
    assert price(part, "m6i.large") == 0.115


def test_a_price_list_that_says_nothing_is_not_called_live(world, read):
    figures, part = read()
    assert "catalog" in figures.prices.source and figures.prices.read_at is None
    assert price(part, "m6i.large") == 0.115


def test_disks_of_others_count_and_buckets_have_no_limit(world, read):
    world.volumes[LOCATION] = [
        {"VolumeType": "gp3", "Size": 500, "Tags": []},
        {"VolumeType": "gp3", "Size": 40, "Tags": tag_list(OURS)},
        {"VolumeType": "io1", "Size": 100, "Tags": []},
    ]
    _, part = read()
    found = quota(part, CapacityKind.STORAGE_GIB)
    assert (found.total, found.used) == (50 * 1024, 500)


def test_what_the_network_keeps_and_what_others_route_is_taken(world, read):
    world.vpcs[LOCATION] = [
        {"CidrBlockAssociationSet": [{"CidrBlock": "10.16.64.0/20"}, {"CidrBlock": "192.168.0.0/16"}], "Tags": []},
        {"CidrBlockAssociationSet": [{"CidrBlock": "10.16.0.0/16"}], "Tags": tag_list(OURS)},
    ]
    _, part = read()
    (pool,) = part.pools
    assert set(pool.taken) == {"10.16.64.0/20", *own_prefixes(here())}
    assert quota(part, CapacityKind.ADDRESSES).available == 65536 - 4096 * 2


def test_throttled_calls_are_made_again(world, read):
    world.throttled = {LOCATION: 2}
    _, part = read()
    assert quota(part, CapacityKind.VCPU).total == 64


def test_a_refusal_is_an_error_and_not_an_empty_region(world, read):
    world.denied = {"servicequotas": "AccessDeniedException"}
    with pytest.raises(NotPermitted) as told:
        read()
    assert "ListServiceQuotas" in str(told.value)
    world.denied = {"ec2": "UnauthorizedOperation"}
    with pytest.raises(CloudError):
        read()


def test_what_a_shape_has_besides_vcpu_and_memory_is_read(read):
    """The network is the baseline that holds for hours, not what it may burst to."""
    figures, part = read()
    assert part.shapes == figures.shapes
    said = {item.name: (item.accelerators, item.network_gbps) for item in part.shapes}
    assert said == {name: (int(name.startswith("g5")), vcpu(name) / 4) for name in SHAPES}


@pytest.mark.parametrize(
    ("row", "accelerators"),
    [
        (
            {
                "InferenceAcceleratorInfo": {"Accelerators": [{"Count": 4}]},
                "NeuronInfo": {"NeuronDevices": [{"Count": 4}]},
            },
            4,
        ),
        ({"NeuronInfo": {"NeuronDevices": [{"Count": 16}]}}, 16),
        ({"GpuInfo": {"Gpus": [{"Count": 2}, {"Count": 6}]}}, 8),
        ({}, 0),
    ],
)
def test_accelerators_of_any_sort_count_once(row, accelerators):
    found = shape_facts({"InstanceType": "x.large", **row})
    assert (found.accelerators, found.network_gbps) == (accelerators, 0.0)


def test_a_catalog_is_completed_by_what_clouds_say_and_outweighs_it():
    catalog = CATALOG.model_copy(
        update={"shapes": (CATALOG.shapes[0].model_copy(update={"network_gbps": 2.0}), *CATALOG.shapes[1:])}
    )
    said = [ShapeFacts(name=name, accelerators=1, network_gbps=9.0) for name in SHAPES]
    completed = {shape.name: (shape.accelerators, shape.network_gbps) for shape in catalog.completed(said).shapes}
    assert completed == {**dict.fromkeys(SHAPES, (1, 9.0)), SHAPES[0]: (1, 2.0), "m8": (0, 0.0)}
