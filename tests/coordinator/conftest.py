"""A prepared estate, applied once, that each test gets a copy of."""

from __future__ import annotations

import shutil

import pytest

from tests.coordinator.factory import Hands
from tests.coordinator.world import open_project, plan_review_apply, write_project
from tests.solved_here import solved_here

__all__ = ["solved_here"]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    folder = write_project(tmp_path_factory.mktemp("prepared") / "project")
    with open_project(folder) as project:
        plan_review_apply(project)
    return folder


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def folder(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "project")


@pytest.fixture
def project(folder, hands):
    with open_project(folder, hands) as opened:
        yield opened
