"""What has no price is told by doctor before a plan refuses it."""

import shutil
from pathlib import Path

from prestage.doctor import Health, examine
from prestage.scope import Scope

ROOT = Path(__file__).parents[2]


def test_doctor_says_which_region_states_no_price_of_addresses(tmp_path):
    for name in ("estate", "environments"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "exemptions.yaml", tmp_path)
    inventory = tmp_path / "estate/inventory.yaml"
    scope = Scope(asked_folder=tmp_path, asked_environment="dev", as_json=False)
    assert not [item for item in examine(scope) if item.check == "prices"]
    inventory.write_text(inventory.read_text().replace(", address: 0.004}", "}", 1))
    (found,) = [item for item in examine(scope) if item.check == "prices"]
    assert found.health is Health.BAD and "fra" in found.found and "address" in found.found
    assert "estate/inventory.yaml" in found.next_step
