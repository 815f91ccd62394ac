"""docs/commands.md is what the commands say of themselves."""

from pathlib import Path

from prestage.manual import manual

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_page_is_generated():
    assert PAGE.read_text() == manual(), "run: python -m prestage.manual > docs/commands.md"
