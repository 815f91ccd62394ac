"""Files whose tests drive engines or kill processes go first: one of those that begins last leaves a core idle."""

import pytest

SLOW_MARKS = ("engine", "fault", "slow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = {item.path for item in items if any(item.get_closest_marker(mark) for mark in SLOW_MARKS)}
    items.sort(key=lambda item: item.path not in slow)
