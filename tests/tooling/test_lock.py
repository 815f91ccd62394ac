"""The lock files install the same bytes everywhere, from whichever registry the user has."""

import re
import tomllib

import pytest

from tools.environment import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock", "tools/uv.lock")


def text_of(lock):
    return (ROOT / lock).read_text(encoding="utf-8")


def pins(lock):
    """The (name, version) pairs of a lock file; a name comes twice where platforms or Pythons want two versions."""
    return set(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text_of(lock), re.MULTILINE))


def names(lock):
    return {name for name, _ in pins(lock)}


def normalised(requirement):
    return re.sub(r"[-_.]+", "-", re.split(r"[<>=!~;\[ ]", requirement)[0]).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock):
    entries = re.split(r"\n(?=[A-Za-z0-9])", text_of(lock))
    pinned = [entry for entry in entries if re.match(r"[A-Za-z0-9._-]+==", entry)]
    assert len(pinned) == len(pins(lock)) > 0
    assert not [entry.split("==")[0] for entry in pinned if "--hash=sha256:" not in entry]


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_address_or_a_folder(lock):
    assert not re.findall(r"://|file:|--(?:extra-)?index-url|--find-links|^-f |@ ", text_of(lock), re.MULTILINE)


def test_the_developer_lock_holds_the_runtime_lock():
    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_the_locks_hold_what_pyproject_asks_for():
    document = tomllib.loads(text_of("pyproject.toml"))
    project, groups = document["project"], document["dependency-groups"]
    runtime = project["dependencies"] + project["optional-dependencies"]["terraform"] + groups["build"]
    assert {normalised(name) for name in runtime} <= names("requirements.lock")
    clouds = project["optional-dependencies"]["aws"] + project["optional-dependencies"]["gcp"]
    assert {normalised(name) for name in [*groups["dev"], *clouds]} <= names("requirements-dev.lock")


def test_large_and_doubled_packages_stay_out():
    """The clouds' packages are extras; `xgboost` beside `xgboost-cpu` would be the same module twice."""
    assert not {"boto3", "moto", "pulumi-aws", "pulumi-gcp"} & names("requirements.lock")
    assert not {"xgboost", "nvidia-nccl-cu12"} & names("requirements-dev.lock")
