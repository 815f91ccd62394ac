"""The architecture page names files and functions that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
FILES = sorted(set(re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", PAGE)))
FUNCTIONS = sorted(set(re.findall(r"`([a-z_]+/[a-z_/]+\.py)`:\s+`(\w+)`", PAGE)))


def test_the_page_names_files_and_functions():
    assert len(FILES) > 10 and len(FUNCTIONS) > 8


@pytest.mark.parametrize("path", FILES)
def test_the_file_is_there(path):
    assert (ROOT / path).is_file()


@pytest.mark.parametrize(("path", "function"), FUNCTIONS)
def test_the_function_is_in_the_file(path, function):
    assert re.search(rf"^def {function}\b", (ROOT / path).read_text(), re.MULTILINE)
