"""What a job declares and exists already is taken in: which, under which id, and how long is looked for it."""

import pytest

from stacks.clouds.cloud import NOTHING, Cloud
from stacks.declaration import Declaration, Ref
from stacks.engines.engine import Adoption, AppliedResource, Job
from stacks.errors import AdoptionRefused
from stacks.existing import AFTER_A_STOP, AT_ONCE, Patience, existing, finder_of
from tests.clouds.clouds_world import mixed_environment
from tests.stacks.clouds.fake_cloud import FakeCloud


def declared(key, region="fra", type="aws_vpc", *, resource="", aliases=(), root="", **arguments):
    return Declaration(
        type=type,
        key=key,
        root=root or region,
        provider=region,
        arguments=arguments,
        resource=resource,
        aliases=aliases,
    )


VPC = declared("fra/network")
ROUTES = declared("fra/network/routes", type="aws_route_table", resource="fra/network", vpc_id=Ref(key="fra/network"))
OTHER = declared("dub/network", "dub")
PEERING = declared("dub--fra/link", "fra", "aws_vpc_peering_connection", root="links", vpc_id=Ref(key="fra/network"))
ACCEPTER = declared(
    "dub--fra/link/accepter", "dub", "aws_route", root="links", vpc_peering_connection_id=Ref(key="dub--fra/link")
)
ON_PREMISES = Declaration(type="estate_network", key="ams/network", root="ams", arguments={})


def job(*items, adopt=()):
    roots: dict[str, tuple[Declaration, ...]] = {}
    for item in items:
        roots[item.root] = (*roots.get(item.root, ()), item)
    return Job(environment="dev", roots=roots, adopt=tuple(adopt))


def applied(item, root="", id="x"):
    return AppliedResource(type=item.type, key=item.key, root=root or item.root, arguments={}, id=id)


def fra(holds, **settings):
    return FakeCloud(frozenset({"fra"}), holds, **settings)


def test_what_exists_and_no_state_holds_is_taken_in():
    cloud = fra({"fra/network": "vpc-1", "fra/network/routes": "rtb-1"})
    assert existing(job(VPC, ROUTES, OTHER), {}, {"prod": cloud}) == (
        Adoption(key="fra/network", id="vpc-1"),
        Adoption(key="fra/network/routes", id="rtb-1"),
    )


def test_what_the_state_holds_is_not_looked_for():
    cloud = fra({"fra/network": "vpc-1", "fra/network/routes": "rtb-1"})
    found = existing(job(VPC, ROUTES), {"fra/network": applied(VPC, id="vpc-1")}, {"prod": cloud})
    assert found == (Adoption(key="fra/network/routes", id="rtb-1"),)
    assert cloud.looks == [("fra/network/routes",)]


def test_what_the_state_holds_under_an_earlier_key_is_not_looked_for():
    renamed = declared("fra/net", aliases=("fra/network",))
    cloud = fra({"fra/net": "vpc-1"})
    assert existing(job(renamed), {"fra/network": applied(VPC)}, {"prod": cloud}) == ()
    assert not cloud.looks


def test_nothing_is_asked_where_all_is_known_or_on_premises():
    cloud = fra({"ams/network": "no cloud's"})
    assert existing(job(VPC, ON_PREMISES), {"fra/network": applied(VPC)}, {"prod": cloud}) == ()
    assert not cloud.looks


def test_what_leans_on_another_region_is_found_by_a_second_look():
    dub = FakeCloud(frozenset({"dub"}), {"dub--fra/link/accepter": "pcx-1_10.0.0.0/8"})
    clouds = {"other": dub, "prod": fra({"fra/network": "vpc-1", "dub--fra/link": "pcx-1"})}
    found = existing(job(VPC, PEERING, ACCEPTER), {}, clouds)
    assert [item.key for item in found] == ["dub--fra/link", "dub--fra/link/accepter", "fra/network"]
    assert dub.looks[1:] == [("dub--fra/link/accepter",)]


def patient(looks=5):
    waited: list[float] = []
    return Patience(looks=looks, wait_s=3.0, sleep=waited.append), waited


def test_what_shows_late_is_looked_for_again_after_a_stop():
    patience, waited = patient()
    found = existing(job(VPC), {}, {"prod": fra({"fra/network": "vpc-1"}, late=1)}, patience)
    assert found == (Adoption(key="fra/network", id="vpc-1"),)
    assert waited == [3.0]


def test_patience_ends_once_two_looks_show_the_same():
    patience, waited = patient()
    cloud = fra({"fra/network": "vpc-1"})
    assert [item.key for item in existing(job(VPC, ROUTES), {}, {"prod": cloud}, patience)] == ["fra/network"]
    assert waited == [3.0]


def test_patience_is_bounded():
    class Trickling(FakeCloud):
        """One more each time."""

        def find(self, declarations, known=NOTHING):
            self.looks.append(())
            return dict.fromkeys([item.key for item in declarations][: len(self.looks)], "x")

    patience, waited = patient(looks=3)
    items = [declared(f"fra/network/{number}") for number in range(9)]
    clouds: dict[str, Cloud] = {"prod": Trickling(frozenset({"fra"}), {})}
    assert len(existing(job(*items), {}, clouds, patience)) == 3
    assert len(waited) == 2


def test_without_a_stop_there_is_one_look():
    assert AT_ONCE.looks == 1
    assert 1 < AFTER_A_STOP.looks * AFTER_A_STOP.wait_s <= 20


def test_what_moves_from_root_to_root_brings_its_parts_and_their_ids():
    state = {
        "fra/network": applied(VPC, "ondemand-r1", "vpc-1"),
        "fra/network/routes": applied(ROUTES, "ondemand-r1", "rtb-1"),
    }
    wanted = job(VPC, ROUTES, adopt=[Adoption(key="fra/network", from_root="ondemand-r1")])
    assert existing(wanted, state, {"prod": fra({"fra/network/routes": "what an import says"})}) == (
        Adoption(key="fra/network", from_root="ondemand-r1", id="vpc-1"),
        Adoption(key="fra/network/routes", from_root="ondemand-r1", id="what an import says"),
    )


def test_what_moves_on_premises_stays_as_it_was():
    moving = Adoption(key="ams/network", from_root="ondemand-r1")
    assert existing(job(ON_PREMISES, adopt=[moving]), {}, {}) == (moving,)


def test_what_exists_and_cannot_be_imported_is_not_made_twice():
    circuit = declared("dub--fra/circuit/serving/1g", type="aws_dx_hosted_connection")
    assert existing(job(circuit), {}, {"prod": fra({})}) == ()
    with pytest.raises(AdoptionRefused, match="dxcon-1"):
        existing(job(circuit), {}, {"prod": fra({circuit.key: "dxcon-1"})})


@pytest.mark.parametrize(("regions", "looks"), [(("ams",), False), (("ams", "fra"), True)])
def test_only_environments_with_clouds_look(regions, looks):
    mixed = mixed_environment()
    environment = mixed.model_copy(update={"regions": tuple(item for item in mixed.regions if item.name in regions)})
    assert bool(finder_of(environment)) is looks
