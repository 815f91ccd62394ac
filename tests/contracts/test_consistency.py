"""Names that documents use of each other."""

from pathlib import Path
from typing import Any

import pytest

from contracts.capacity import CapacityKind, Catalog, CircuitTier
from contracts.consistency import check_catalog, check_environment, check_inventory, unpriced
from contracts.environment import Environment, RegionSettings
from contracts.errors import MalformedDocument
from contracts.inventory import InventoryFacts
from contracts.limits import Rules
from contracts.storage import StorageAsk
from contracts.yaml_files import read_yaml_document

ROOT = Path(__file__).parents[2]
FACTS = read_yaml_document(InventoryFacts, ROOT / "estate/inventory.yaml")
CATALOG = read_yaml_document(Catalog, ROOT / "estate/catalog.yaml")
ENVIRONMENT = read_yaml_document(Environment, ROOT / "environments/dev.yaml")
FRA, AMS, LINK = FACTS.regions[0], FACTS.regions[1], FACTS.links[0]


def changed(model, **fields):
    return model.model_copy(update=fields)


def refused(check) -> str:
    with pytest.raises(MalformedDocument) as caught:
        check()
    return str(caught.value)


def test_the_sample_fits_together():
    check_inventory(FACTS)
    check_environment(ENVIRONMENT, FACTS)
    check_catalog(CATALOG, FACTS)


INVENTORIES = {
    "regions: 'fra' is listed twice": changed(FACTS, regions=(*FACTS.regions, changed(FRA, pools=()))),
    "links: 'ams--fra' is listed twice": changed(FACTS, links=(*FACTS.links, changed(LINK, a="fra", b="ams"))),
    "links: fra--fraa: 'fraa' is unknown; did you mean 'fra'?": changed(
        FACTS, links=(changed(LINK, a="fra", b="fraa"),)
    ),
    "links: fra is joined to itself": changed(FACTS, links=(changed(LINK, a="fra", b="fra"),)),
    "pools: 10.16.0.0/16 of fra overlaps 10.16.4.0/24 of ams": changed(
        FACTS, regions=(FRA, changed(AMS, pools=("10.16.4.0/24",)))
    ),
    "fra.pools: '10.16.0.1/16' is not an IPv4 network": changed(
        FACTS, regions=(changed(FRA, pools=("10.16.0.1/16",)),), links=()
    ),
}


@pytest.mark.parametrize("told", INVENTORIES)
def test_an_inventory_that_contradicts_itself_is_refused(told):
    assert told in refused(lambda: check_inventory(INVENTORIES[told]))


ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "regions: 'fraa' is unknown; did you mean 'fra'?": {"regions": (RegionSettings(name="fraa"),)},
    "regions: 'fra' is listed twice": {"regions": (RegionSettings(name="fra"), RegionSettings(name="fra", asn=1))},
    "rules.allowed_regions.acme: 'xyz' is unknown; known are ams, chi": {
        "rules": Rules(allowed_regions={"acme": ("fra", "xyz")})
    },
    "storage: the shares add up to 0.9, not to 1": {
        "storage": (StorageAsk(name="hot", share=0.2), StorageAsk(name="cold", share=0.7))
    },
    "regions: fra: storage: give each part a name of its own; there are '', ''": {
        "regions": (RegionSettings(name="fra", storage=(StorageAsk(share=0.2), StorageAsk(share=0.8))),)
    },
    "regions: fra: residency: 'XX' is unknown; known are DE, DE-HE, ams": {
        "regions": (RegionSettings(name="fra", country="DE-HE", residency=("DE", "ams", "XX")),)
    },
    "regions: fra: minimum of vcpu is above its maximum": {
        "regions": (RegionSettings(name="fra", minimum={CapacityKind.VCPU: 9}, maximum={CapacityKind.VCPU: 8}),)
    },
    "regions: fra: a minimum of accelerators is planned where failover.reserve is shared only": {
        "regions": (RegionSettings(name="fra", minimum={CapacityKind.ACCELERATORS: 8}),)
    },
}


@pytest.mark.parametrize("told", ENVIRONMENTS)
def test_an_environment_that_does_not_fit_the_inventory_is_refused(told):
    assert told in refused(lambda: check_environment(changed(ENVIRONMENT, **ENVIRONMENTS[told]), FACTS))


CATALOGS = {
    "fra.prices: 'm16' is unknown; known are address, fast, l32": (
        changed(CATALOG, shapes=tuple(shape for shape in CATALOG.shapes if shape.name not in ("m16", "c16"))),
        FACTS,
    ),
    "'m8' is listed twice": (changed(CATALOG, shapes=(*CATALOG.shapes, CATALOG.shapes[1])), FACTS),
    "circuit_tiers: 10 gbps does not divide 25 gbps": (
        changed(CATALOG, circuit_tiers=(*CATALOG.circuit_tiers, CircuitTier(name="25g", gbps=25))),
        FACTS,
    ),
    "ams--fra.prices: '11g' is unknown": (CATALOG, changed(FACTS, links=(changed(LINK, prices={"11g": 1.0}),))),
    "fra.storage_gib: 'fats' is unknown; did you mean 'fast'?": (
        CATALOG,
        changed(FACTS, regions=(changed(FRA, storage_gib={"fats": 1.0}),)),
    ),
}


@pytest.mark.parametrize("told", CATALOGS)
def test_prices_of_unknown_items_are_refused(told):
    assert told in refused(lambda: check_catalog(*CATALOGS[told]))


def test_all_that_is_wrong_is_told_at_once():
    broken = changed(FACTS, regions=(*FACTS.regions, FRA), links=(changed(LINK, a="fra", b="fraa"),))
    text = refused(lambda: check_inventory(broken))
    assert "listed twice" in text and "'fraa' is unknown" in text and "overlaps" in text


def test_what_a_region_states_no_price_of():
    prices = {item: usd for item, usd in FRA.prices.items() if item not in ("address", "standard", "fast")}
    facts = changed(FACTS, regions=(changed(FRA, prices=prices), *FACTS.regions[1:]))
    assert unpriced(CATALOG, FACTS, ENVIRONMENT) == {}
    assert unpriced(CATALOG, facts, ENVIRONMENT) == {"fra": ("storage class", "address")}
    assert unpriced(CATALOG, facts, changed(ENVIRONMENT, regions=ENVIRONMENT.regions[1:])) == {}
