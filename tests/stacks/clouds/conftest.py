"""One moto for all tests here, with credentials that it takes and none that lead anywhere else."""

import os

import pytest

from tests.clouds.moto_server import aws_environ, moto_server


@pytest.fixture(scope="session")
def aws_url():
    with moto_server() as url:
        yield url


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    wanted = aws_environ()
    for name in os.environ.keys() - wanted.keys():
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
