"""The same plan gives the same estate under either engine.

What came out is read from the inventory's file by SQL and compared with what is written out here by hand, so that no
table of the renderers, of the targets or of the providers takes part in judging them.
"""

import gc
import json
import sqlite3
from dataclasses import replace

import pytest

from contracts.ports import Silent
from contracts.resources import ResourceKind
from contracts.run import RunStatus
from stacks.engines.pulumi_engine import naming
from stacks.engines.pulumi_engine.bridge import Bridge
from stacks.engines.terraform_engine.engine import TerraformEngine
from stacks.engines.terraform_engine.program import find_program
from stacks.errors import EngineMissing
from stacks.targets import estate as target
from tests.engines.pulumi_project import FAST_STORAGE, LEAKS, every_kind, make_project, pulumi_missing

TAGS = {"environment": "dev", "owner": "network"}
FRA = {**TAGS, "region": "fra"}
EXPECTED = {
    "ams/network": ("estate_network", {**TAGS, "region": "ams", "asn": 64513}),
    "fra/network": ("estate_network", {**FRA, "asn": 64512}),
    "fra/block/serving/10.1.0.0-24": (
        "estate_block",
        {**FRA, "network": "dev/fra/network", "prefix": "10.1.0.0/24", "pool": "10.1.0.0/16"},
    ),
    "fra/compute/serving/m8": (
        "estate_compute",
        {**FRA, "network": "dev/fra/network", "shape": "m8", "instances": 2, "purchase": "on_demand"},
    ),
    "fra/storage/serving/standard": (
        "estate_storage",
        {**FRA, "network": "dev/fra/network", **FAST_STORAGE.model_dump(exclude={"kind"})},
    ),
    "ams--fra/circuit/serving/10g": (
        "estate_circuit",
        {**TAGS, "link": "ams--fra", "tier": "10g", "gbps": 10, "circuits": 2},
    ),
    "ams--fra/link": ("estate_link", {**TAGS, "link": "ams--fra"}),
    "fra/failover/ams": ("estate_failover", {**FRA, "network": "dev/fra/network", "partner": "ams", "share": 0.5}),
    "fra/alert/vcpu": (
        "estate_alert",
        {**FRA, "network": "dev/fra/network", "metric": "vcpu", "threshold": 0.85},
    ),
}


def missing():
    try:
        find_program()
    except EngineMissing as error:
        return str(error)
    return pulumi_missing()


pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    *LEAKS,
]


@pytest.fixture(autouse=True)
def collected():
    yield
    gc.collect()


def outcome(folder, engine):
    """What an apply of one of every kind makes of an empty estate: key -> type and arguments, as the file has them."""
    project = make_project(folder)
    try:
        job = project.job(every_kind())
        state = folder / ".prestage" / "dev"
        runner = TerraformEngine(state / "roots", state / "estate.db") if engine == "terraform" else project.engine
        runs = runner.apply(job, Silent())
    finally:
        project.inventory.close()
    failed = [run.message for run in runs if run.status is RunStatus.FAILED]
    return failed, normalised(state / "estate.db")


def normalised(path):
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute("SELECT key, type, arguments FROM resource WHERE environment = 'dev'").fetchall()
    finally:
        connection.close()
    found = {}
    for key, type, text in rows:
        arguments = json.loads(text)
        assert arguments.pop("key") == key
        found[key] = (type, arguments)
    return found


@pytest.mark.parametrize("engine", ["terraform", "pulumi"])
def test_both_engines_make_the_same_estate(tmp_path, engine):
    assert outcome(tmp_path, engine) == ([], EXPECTED)


def test_no_type_of_the_estate_goes_unseen():
    assert {type for type, _ in EXPECTED.values()} == set(naming.ESTATE_TYPES) - {"estate_gateway"}


@pytest.mark.parametrize("type", ["estate_compute", "estate_link"])
def test_one_wrong_entry_of_pulumis_table_is_found(tmp_path, monkeypatch, type):
    wrong = Bridge("estate:index:Link" if type != "estate_link" else "estate:index:Network")
    assert isinstance(naming.BRIDGES, dict)
    monkeypatch.setitem(naming.BRIDGES, type, wrong)
    assert outcome(tmp_path, "pulumi") != ([], EXPECTED)


@pytest.mark.parametrize(
    ("kind", "engine"),
    [(ResourceKind.COMPUTE, "terraform"), (ResourceKind.CIRCUIT, "pulumi"), (ResourceKind.NETWORK, "terraform")],
)
def test_one_wrong_entry_of_the_targets_table_is_found(tmp_path, monkeypatch, engine, kind):
    right = target._TABLE[kind]
    wrong = replace(right, renamed=()) if right.renamed else replace(right, type="estate_link")
    monkeypatch.setitem(target._TABLE, kind, wrong)
    assert outcome(tmp_path, engine) != ([], EXPECTED)
