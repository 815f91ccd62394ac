"""docs/commands.md is what the commands say of themselves."""

import re
from pathlib import Path

from forecaster.models.catalogue import check_names
from prestage.manual import manual

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_page_is_generated():
    assert PAGE.read_text() == manual(), "run: python -m prestage.manual > docs/commands.md"


def test_models_of_its_examples_exist():
    named = re.findall(r"prestage .*--model (\w+)", PAGE.read_text())
    assert named
    check_names(tuple(named))
