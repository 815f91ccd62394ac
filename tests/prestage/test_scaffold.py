"""`prestage init`: what a new project holds, that it is written whole or not at all, never over what is there."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from contracts.accounts import TargetName
from contracts.capacity import Catalog
from contracts.consistency import check_catalog, check_environment, check_inventory
from contracts.engines import EngineName
from contracts.environment import Environment
from contracts.inventory import InventoryFacts
from contracts.review import Exemptions
from contracts.yaml_files import read_yaml_document
from forecaster.sources.files import ImportOptions, read_file
from forecaster.sources.tables import Table
from policies.bundle import PolicyBundle
from prestage import scaffold
from prestage.scaffold import CannotStart, WouldOverwrite, project_files, write_project

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FILES = project_files("my-network", now=NOW)


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "path", ["environments/dev.yaml", "estate/inventory.yaml", "estate/catalog.yaml", "exemptions.yaml"]
)
def test_the_repository_is_the_sample_project(path):
    assert (ROOT / path).read_text() == project_files("prestage", now=NOW, engine=EngineName.PULUMI)[path]


@pytest.mark.parametrize("target", TargetName)
def test_a_new_project_keeps_large_blocks_of_addresses_to_be_had(target):
    """docs/addresses.md says what that brings, and what it costs."""
    environment = yaml.safe_load(project_files("mine", now=NOW, target=target)["environments/dev.yaml"])
    assert environment["addresses"] == {"advice": "plan", "reserve": 1}


def test_a_project_is_written_whole(tmp_path):
    made = write_project(tmp_path / "my-network", FILES)
    assert contents(made.folder) == FILES
    assert made.written == tuple(sorted(FILES))


def test_its_documents_fit_together(tmp_path):
    folder = write_project(tmp_path / "my-network", FILES).folder
    environment = read_yaml_document(Environment, folder / "environments/dev.yaml")
    inventory = read_yaml_document(InventoryFacts, folder / environment.inventory)
    check_inventory(inventory)
    check_environment(environment, inventory)
    check_catalog(read_yaml_document(Catalog, folder / environment.catalog), inventory)
    assert environment.rules.exemptions is not None
    exemptions = read_yaml_document(Exemptions, folder / environment.rules.exemptions)
    PolicyBundle(environment.rules, exemptions.exemptions)
    regions = {region.name: region for region in inventory.regions}
    mine = [regions[settings.name] for settings in environment.regions]
    assert len(mine) >= 6
    assert len({region.fault_domain for region in mine}) >= 3
    assert len({region.continent for region in mine}) >= 2


@pytest.mark.parametrize("table", [Table.UTILISATION, Table.TRAFFIC, Table.REQUESTS])
def test_its_history_can_be_imported_as_the_readme_says(tmp_path, table):
    folder = write_project(tmp_path / "my-network", FILES).folder
    command = f"prestage history import history/{table}.csv --table {table}"
    assert command in FILES["README.md"]
    batch = read_file(folder / f"history/{table}.csv", ImportOptions(table=table))
    assert batch.rows_read == len(FILES[f"history/{table}.csv"].splitlines()) - 1


def test_its_history_ends_at_the_last_full_hour():
    rows = list(csv.DictReader(io.StringIO(FILES["history/utilisation.csv"])))
    assert rows[-1]["time"] == "2026-11-21T08:00:00Z"
    assert len({row["time"] for row in rows}) == 21 * 24
    assert all(float(row["value"]) > 0 for row in rows)
    assert project_files("my-network", now=NOW.replace(minute=59)) == FILES


def test_its_yaml_files_are_yaml():
    for path, text in FILES.items():
        if path.endswith((".yaml", ".yml")):
            assert isinstance(yaml.safe_load(text), dict), path


def test_its_pipeline_uses_commands_and_exit_codes_that_there_are():
    pipeline = FILES[".github/workflows/prestage.yml"]
    jobs = yaml.safe_load(pipeline)["jobs"]
    assert set(jobs) == {"propose", "review", "apply"}
    assert 'prestage apply "$PLAN" --yes' in pipeline
    assert "prestage plan" not in str(jobs["apply"])


def test_its_name_is_in_its_files():
    assert FILES["README.md"].startswith("# my-network\n")
    assert "name: my-network\n" in FILES["Pulumi.yaml"]
    assert not any("@NAME@" in text for text in FILES.values())


def test_no_folder_of_a_project_is_named_as_a_package_is():
    tops = {path.partition("/")[0] for path in FILES}
    assert not tops & {"contracts", "forecaster", "planner", "policies", "stacks", "coordinator", "prestage", "pulumi"}


@pytest.mark.parametrize("name", ["", "-x", "a b", "../x", "é", "x" * 101])
def test_a_name_that_pulumi_refuses_is_refused(name):
    with pytest.raises(CannotStart):
        project_files(name, now=NOW)


def test_folders_of_the_users_own_do_not_matter(tmp_path):
    for name in ("policies/mine.rego", "stacks/__init__.py", "plans/old.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("mine")
    write_project(tmp_path, FILES)
    assert contents(tmp_path) == FILES | dict.fromkeys(
        ("policies/mine.rego", "stacks/__init__.py", "plans/old.json"), "mine"
    )


def test_what_is_there_is_listed_and_nothing_is_written(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/dev.yaml").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(WouldOverwrite, match=r"2 file\(s\).*README.md, environments/dev.yaml"):
        write_project(tmp_path, FILES)
    assert contents(tmp_path) == before


def test_a_project_made_again_is_left_alone(tmp_path):
    write_project(tmp_path, FILES)
    (tmp_path / "README.md").unlink()
    assert write_project(tmp_path, FILES).written == ("README.md",)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "net").write_text("mine")
    with pytest.raises(CannotStart, match="is not a folder"):
        write_project(tmp_path / "net", FILES)


@pytest.mark.parametrize("moment", [0, 5, 11, 12, 18, 23])
def test_what_fails_half_way_leaves_nothing(tmp_path, monkeypatch, moment):
    """A full disk while writing aside, and while moving into place."""
    (tmp_path / "mine").write_text("mine")
    steps = iter(range(100))

    def stumbling(real):
        def step(*args):
            if next(steps) == moment:
                raise OSError(28, "No space left on device")
            return real(*args)

        return step

    monkeypatch.setattr(scaffold, "_write", stumbling(scaffold._write))
    monkeypatch.setattr(Path, "rename", stumbling(Path.rename))
    with pytest.raises(OSError, match="No space"):
        write_project(tmp_path, FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_new_folder_is_taken_back_with_what_was_in_it(tmp_path, monkeypatch):
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scaffold, "_write", full)
    with pytest.raises(OSError, match="No space"):
        write_project(tmp_path / "a" / "b", FILES)
    assert list(tmp_path.iterdir()) == []
