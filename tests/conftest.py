"""Files whose tests drive engines or kill processes go first: one of those that begins last leaves a core idle.

Beside that order, what tests of several rooms need, and what keeps a run of all of them short: linear algebra on one
thread, as the commands have it, because threads that wait for one another burn a core that other tests want; and no
search for garbage among thousands of tests, which are none.
"""

import gc
import subprocess

import pytest
from hypothesis import settings

from prestage.one_thread import on_one_thread

gc.disable()  # until all are collected
on_one_thread()
settings.register_profile("here", deadline=None, database=None)  # a busy machine is no finding
settings.load_profile("here")

SLOW_MARKS = ("engine", "fault", "slow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = {item.path for item in items if any(item.get_closest_marker(mark) for mark in SLOW_MARKS)}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of memory, and what gives it so many KiB in all."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", folder], capture_output=True)

    made = mount("size=64m")
    if made.returncode:
        pytest.skip(f"a small disk takes the right to mount: {made.stderr.decode().strip()}")
    yield folder, lambda kib: mount("remount", f"size={kib}k")
    subprocess.run(["umount", folder], check=True)
