"""What the estate says of itself beyond quotas: the stock of its shapes, as the inventory has it."""

from contracts.capacity import Stock
from contracts.environment import Environment, RegionSettings
from stacks.capacity.estate import read_part
from stacks.estate.inventory import Inventory
from tests.stacks.every_kind import CATALOG, facts


def test_the_inventorys_stock_is_the_snapshots(tmp_path):
    known = facts()
    shape, first = CATALOG.shapes[0].name, known.regions[0]
    stocked = known.model_copy(update={"regions": (first.model_copy(update={"stock": {shape: 6}}), *known.regions[1:])})
    environment = Environment(name="dev", regions=(RegionSettings(name=first.name),))
    inventory = Inventory(tmp_path / "estate.db")
    inventory.load_facts(known, CATALOG)
    assert read_part(inventory, environment).stock == ()
    inventory.load_facts(stocked, CATALOG)
    assert read_part(inventory, environment).stock == (Stock(place=first.name, item=shape, count=6),)
    inventory.close()
