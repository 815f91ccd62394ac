"""One moto for all tests here, with credentials that it takes and none that lead anywhere else."""

import os

import pytest

from tests.clouds.moto_server import aws_environ, moto_server


@pytest.fixture(scope="session")
def aws_url():
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(aws_environ())
    with moto_server() as url:
        yield url
    os.environ.clear()
    os.environ.update(before)
