"""Where Pulumi's things are: backend, stacks by layout, and what a state file says was applied."""

import json
import os
import subprocess
import sys

import pytest

from contracts.engines import Layout
from contracts.environment import Environment, RegionSettings
from stacks.engines.launch import lean
from stacks.engines.pulumi_engine.holdings import Holdings
from stacks.engines.pulumi_engine.locks import stale_locks
from stacks.engines.pulumi_engine.workspace import PulumiWorkspace
from stacks.errors import ApplyBusy
from stacks.strays import STRAYS_ROOT


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)


def workspace(folder, layout=Layout.ENVIRONMENT):
    environment = Environment(name="dev", layout=layout, regions=(RegionSettings(name="fra"),))
    state = folder / ".prestage" / "dev"
    return PulumiWorkspace(folder=folder, environment=environment, inventory=state / "estate.db", state=state)


def holdings(folder):
    made = workspace(folder)
    return Holdings(made, made.file_states)


@pytest.mark.parametrize(
    ("layout", "root", "stack"),
    [
        (Layout.ENVIRONMENT, "fra", "dev"),
        (Layout.ENVIRONMENT, "links", "dev"),
        (Layout.ENVIRONMENT, "ondemand-r1", "dev.ondemand-r1"),
        (Layout.REGION, "fra", "dev.fra"),
        (Layout.REGION, "links", "dev.links"),
        (Layout.REGION, "ondemand-r1", "dev.ondemand-r1"),
    ],
)
def test_the_stack_of_a_root_and_back(tmp_path, layout, root, stack):
    place = "ams--fra" if root == "links" else "fra"
    assert workspace(tmp_path, layout).stack_of(root) == stack
    assert workspace(tmp_path, layout).root_in(stack, f"{place}/circuit") == root


def test_the_backend_is_that_of_the_project_file(tmp_path, monkeypatch):
    made = workspace(tmp_path)
    assert made.backend_folder == tmp_path / ".prestage" / "pulumi"
    (tmp_path / "Pulumi.yaml").write_text("name: net\nbackend: {url: 'file://elsewhere'}\n")
    assert made.backend_folder == tmp_path / "elsewhere" and made.project == "net"
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    assert made.backend_folder is None and made.backend_url == "s3://bucket"


@pytest.mark.parametrize(
    ("configured", "query"),
    [("file://x", "metadata=skip"), ("file://x?no_tmp_dir=false", "no_tmp_dir=false&metadata=skip")],
)
def test_a_backend_of_files_keeps_no_attributes_beside_its_files(tmp_path, monkeypatch, configured, query):
    """A kill -9 would leave half a file of them, and a stack that cannot be read."""
    monkeypatch.setenv("PULUMI_BACKEND_URL", configured)
    assert workspace(tmp_path).backend_url == f"file://{tmp_path / 'x'}?{query}"


def test_on_premises_commands_keep_no_logs_of_their_own_unless_a_home_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("PULUMI_HOME", raising=False)
    home = tmp_path / ".prestage" / "dev" / "pulumi" / "home"
    assert workspace(tmp_path).lean_variables() == {**lean(), "PULUMI_HOME": str(home)}
    assert (home / "logs").is_file()  # a folder is what logs would be written to
    monkeypatch.setenv("PULUMI_HOME", "/elsewhere")
    assert workspace(tmp_path).lean_variables() == lean()
    monkeypatch.delenv("PULUMI_HOME")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "https://api.pulumi.com")  # credentials for it lie in the home
    assert workspace(tmp_path).lean_variables() == lean()


def test_a_passphrase_that_people_set_is_theirs(tmp_path, monkeypatch):
    assert workspace(tmp_path).variables()["PULUMI_CONFIG_PASSPHRASE"] == ""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "secret.txt")
    assert "PULUMI_CONFIG_PASSPHRASE" not in workspace(tmp_path).variables()


def state_of(folder, stack, *keys, type="estate:index:Network"):
    path = folder / ".prestage/pulumi/.pulumi/stacks/prestage" / f"{stack}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    resources = [
        {
            "urn": f"urn:pulumi:{stack}::prestage::{type}::{key}",
            "type": type,
            "inputs": {"key": key, "asn": 1, "__defaults": []},
        }
        for key in keys
    ]
    resources.append({"urn": f"urn:pulumi:{stack}::prestage::pulumi:pulumi:Stack::x", "type": "pulumi:pulumi:Stack"})
    path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": {"resources": resources}}}))


def test_applied_is_read_from_every_stack_of_the_environment(tmp_path):
    state_of(tmp_path, "dev", "fra/network")
    state_of(tmp_path, "dev.ondemand-r1", "zrh/network", "fra/network")
    state_of(tmp_path, "development", "ams/network")
    found = holdings(tmp_path).applied()
    assert {key: item.root for key, item in found.items()} == {"fra/network": "fra", "zrh/network": "ondemand-r1"}
    assert dict(found["fra/network"].arguments) == {"key": "fra/network", "asn": 1}


@pytest.mark.parametrize(
    ("copies", "keys"),
    [
        ({}, []),
        ({"stacks/prestage/dev.json.bak": "a"}, ["a"]),
        ({"stacks/prestage/dev.json.bak": "", "backups/prestage/dev/dev.17.json": "b"}, ["b"]),
        ({"backups/prestage/dev/dev.16.json": "old", "backups/prestage/dev/dev.17.json": "new"}, ["new"]),
        ({"history/prestage/dev/dev-16.checkpoint.json": "c"}, ["c"]),
    ],
)
def test_of_half_a_state_the_latest_copy_that_can_be_read_counts(tmp_path, copies, keys):
    """As a full disk leaves it."""
    state_of(tmp_path, "dev", "x/network")
    folder = tmp_path / ".prestage/pulumi/.pulumi"
    state = folder / "stacks/prestage/dev.json"
    whole = state.read_text()
    for name, key in copies.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(whole.replace("x/network", key) if key else "")
    state.write_text(whole[: len(whole) // 2])
    assert list(holdings(tmp_path).applied()) == keys
    assert state.read_text() == whole[: len(whole) // 2]  # asking writes nothing
    states = workspace(tmp_path).file_states
    states.mend("dev")
    assert list(holdings(tmp_path).applied()) == keys and state.exists() is bool(keys)
    if keys:
        mended = state.read_text()
        states.mend("dev")
        assert state.read_text() == mended


@pytest.mark.parametrize(("adopted", "outlived"), [(["fra/network"], ()), (["fra/network", "a/b"], ("ondemand-r1",))])
def test_a_stack_on_demand_outlives_its_resources(tmp_path, adopted, outlived):
    state_of(tmp_path, "dev", *adopted)
    state_of(tmp_path, "dev.ondemand-r1", "fra/network", "a/b")
    assert holdings(tmp_path).outlived() == outlived


def test_a_copy_of_what_a_stack_holds_is_not_forgotten_with_the_root_of_strays(tmp_path):
    state_of(tmp_path, "dev.fra", "fra/network")
    state_of(tmp_path, f"dev.{STRAYS_ROOT}", "fra/network")
    assert holdings(tmp_path).outlived() == ()


def test_a_lock_of_another_host_is_not_ours_to_judge(tmp_path):
    lock = tmp_path / "dev" / "1.json"
    lock.parent.mkdir()
    holder = {"pid": 1, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-11-20T12:00:00Z"}
    lock.write_text(json.dumps(holder))
    with pytest.raises(ApplyBusy, match="ann on elsewhere"):
        stale_locks([lock])
    assert stale_locks([tmp_path / "gone.json"]) == ()


def test_a_lock_of_a_dead_process_is_stale(tmp_path):
    lock = tmp_path / "1.json"
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        holder = {"pid": child.pid, "username": "ann", "hostname": os.uname().nodename, "timestamp": "2026-11-20T12:00"}
        lock.write_text(json.dumps(holder))
        assert stale_locks([lock]) == (lock,)  # it waits, dead, for its parent to notice
    assert stale_locks([lock]) == (lock,)
