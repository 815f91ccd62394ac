"""Prices and types that files and documents cannot mean: told with where they stand."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.capacity import Offer
from contracts.consistency import check_catalog
from contracts.errors import MalformedDocument
from contracts.inventory import InventoryFacts
from contracts.yaml_files import read_yaml_document
from tests.planner.test_fleets import world


def test_documents_have_no_negative_prices() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Offer(place="fra", item="m8", usd_per_hour=-0.1)


@pytest.mark.parametrize(
    ("odd", "where"),
    [
        ("prices: {m8: -0.1}", "prices.m8"),
        ("prices: {m8: 0.1}\n    spot_prices: {m8: -0.1}", "spot_prices.m8"),
        ("prices: {}\n    storage_gib: {fast: -1}", "storage_gib.fast"),
    ],
)
def test_files_have_none_either_and_the_message_says_where(odd: str, where: str, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text(
        "format: prestage/inventory\nversion: 1\nregions:\n"
        f"  - name: fra\n    continent: europe\n    fault_domain: de\n    {odd}\n"
    )
    with pytest.raises(MalformedDocument, match=re.escape(f"regions[0].{where}: input should be greater")) as told:
        read_yaml_document(InventoryFacts, path)
    assert told.value.where.startswith(f"{path}:") and "doctor" in told.value.next_step


def test_a_file_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MalformedDocument, match="no such file") as told:
        read_yaml_document(InventoryFacts, tmp_path / "inventory.yaml")
    assert "doctor" in told.value.next_step


def test_a_type_that_is_listed_twice_is_told() -> None:
    catalog = world().catalog.model_copy(update={"shapes": (*world().catalog.shapes, world().catalog.shapes[0])})
    with pytest.raises(MalformedDocument, match=f"'{world().catalog.shapes[0].name}' is listed twice"):
        check_catalog(catalog, InventoryFacts(regions=(), links=()))
