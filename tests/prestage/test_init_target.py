"""`prestage init --target aws|gcp`: a project that goes as far as it can without an account, and says what lacks."""

import json
import os

import pytest

from contracts.accounts import TargetName
from contracts.capacity import Catalog
from contracts.consistency import check_catalog, check_environment, check_inventory
from contracts.environment import Environment
from contracts.exits import ExitCode
from contracts.inventory import InventoryFacts
from contracts.yaml_files import read_yaml_document
from prestage.failures import run
from stacks.capacity.list_prices import known_shapes, list_prices
from tests.coordinator.world import write_load

NEXT = {"aws": "aws sso login", "gcp": "gcloud auth application-default login"}


@pytest.fixture(params=["aws", "gcp"])
def target(request, tmp_path, monkeypatch, capsys):
    """A new project in the current folder, on a machine without any credentials."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "CLOUDSDK_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_GCE_CHECK": "true",
        "CLOUDSDK_CONFIG": str(tmp_path / "no-gcloud"),
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert run(["init", "net", "--target", request.param, "--engine", "terraform"]) == 0
    assert NEXT[request.param] in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "net")
    return request.param


def test_its_documents_fit_together_and_the_catalog_that_ships_has_its_items(target, tmp_path):
    folder = tmp_path / "net"
    environment = read_yaml_document(Environment, folder / "environments/dev.yaml")
    facts = read_yaml_document(InventoryFacts, folder / environment.inventory)
    catalog = read_yaml_document(Catalog, folder / environment.catalog)
    check_inventory(facts, environment)
    check_environment(environment, facts)
    check_catalog(catalog, facts, environment)
    cloud = TargetName(target)
    assert {environment.target_of(region.name) for region in environment.regions} == {cloud}
    assert {shape.name: shape for shape in catalog.shapes}.items() <= known_shapes(cloud).items()
    for region in environment.regions:
        assert region.cloud
        listed = list_prices(cloud, region.cloud.location)
        assert {shape.name for shape in catalog.shapes} <= {shape for shape, _ in listed.compute}
        assert {item.name for item in catalog.storage_classes} <= listed.storage.keys()


def test_a_plan_says_that_credentials_are_missing_and_what_to_type(target, tmp_path, capsys):
    write_load(tmp_path / "net", 0.5, ("fra", "lon", "nyc"))
    assert run(["plan"]) == ExitCode.ERROR
    told = capsys.readouterr().err
    assert "credentials" in told and NEXT[target] in told and "account prod" in told
    assert "Traceback" not in told and not (tmp_path / "net/plans").exists()


def test_capacity_shows_what_is_known_and_names_what_is_not(target, capsys):
    assert run(["capacity"]) == ExitCode.ERROR
    told = capsys.readouterr().out
    assert "fra--lon" in told and "could not be read: fra" in told and "never was" in told
    assert run(["capacity", "--json"]) == ExitCode.ERROR
    seen = json.loads(capsys.readouterr().out)
    assert [facts["readable"] for facts in seen["regions"]] == [False] * 3
    assert {item["region"] for item in seen["readings"] if "credentials" in item["failed"]} == {"fra", "lon", "nyc"}
