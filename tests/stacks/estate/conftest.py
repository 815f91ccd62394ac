"""An inventory of two regions: 640 vCPU, 2560 GiB memory, 100 000 GiB storage and a /16 each; 100 Gbit/s between."""

import pytest

from stacks.estate.inventory import Inventory
from tests.stacks.every_kind import CATALOG, facts


@pytest.fixture
def inventory(tmp_path):
    made = Inventory(tmp_path / "estate.db")
    made.load_facts(facts(), CATALOG)
    yield made
    made.close()
