"""A project's folder to try commands in."""

import shutil
from pathlib import Path

import pytest

from tests.solved_here import solved_here

__all__ = ["solved_here"]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The sample project, and the current folder in it."""
    for name in ("environments", "estate"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "exemptions.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def kept(tmp_path_factory) -> Path:
    """What a project keeps after its first forecast."""
    from tests.prestage.test_forecast_state import kept_after

    return kept_after(tmp_path_factory.mktemp("learned"), 80)


@pytest.fixture
def learned(project, kept):
    """The sample project after its first forecast."""
    shutil.copytree(kept, project / ".prestage")
    return project
