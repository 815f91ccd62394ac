"""Windows of a back-test one after another, here or in processes of their own: the same bytes either way.

A process is handed the panel of its window and nothing else of the file.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from contracts.errors import PrestageError
from contracts.ports import Progress, Silent
from contracts.series import SeriesKind
from forecaster.long_windows import Forecaster, Said, Window, run_window, window_panel
from forecaster.longform import LongTable
from forecaster.panel import Panel
from prestage.memory import peak_mib

WORTH_A_PROCESS = 40
"""Series-windows from which on the start of processes (two seconds each) pays."""

STEP = "back-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every window has in common.

    Attributes:
        kind: of the series.
        horizon: steps.
        forecaster: has to be picklable where windows run in processes.
        jobs: processes at most; 1 runs all windows in this one.
    """

    kind: SeriesKind
    horizon: int
    forecaster: Forecaster
    jobs: int


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def said_in_windows(
    table: LongTable, windows: tuple[Window, ...], run: Run, progress: Progress
) -> Iterator[tuple[Said, float]]:
    """What is said in each window, in their order, and the memory (MiB) of the processes beside this one.

    Raises:
        PrestageError: a process was ended from outside.
    """
    jobs = min(run.jobs, len(windows))
    if jobs < 2 or sum(len(window.series) for window in windows) < WORTH_A_PROCESS:
        for window in windows:
            yield run_window(window_panel(table, window, run.kind), run.horizon, run.forecaster, progress), 0.0
        return
    spawn = multiprocessing.get_context("spawn")  # a fork would inherit the threads' locks of numerical libraries
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_leave_interrupts_to_the_parent)
    try:
        yield from _pooled(pool, table, windows, run, jobs)
    except BrokenProcessPool as error:
        raise PrestageError(
            "a process that forecast a window was ended from outside, most likely for want of memory",
            next_step="run the command again with --jobs 1, or with fewer series: --series FILE",
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        ours = [child for child in multiprocessing.active_children() if child not in others]
        for child in ours:
            child.terminate()
        for child in ours:
            child.join()


def _pooled(
    pool: ProcessPoolExecutor, table: LongTable, windows: tuple[Window, ...], run: Run, jobs: int
) -> Iterator[tuple[Said, float]]:
    """Never more windows under way than processes: each is a panel in memory."""
    under_way: deque[Future[tuple[Said, int, float]]] = deque()
    peaks: dict[int, float] = {}
    left = deque(windows)
    while left or under_way:
        while left and len(under_way) < jobs:
            panel = window_panel(table, left.popleft(), run.kind)
            under_way.append(pool.submit(_in_process, panel, run.horizon, run.forecaster))
        said, process, peak = under_way.popleft().result()
        peaks[process] = peak
        yield said, sum(peaks.values())


def _in_process(panel: Panel, horizon: int, forecaster: Forecaster) -> tuple[Said, int, float]:
    return run_window(panel, horizon, forecaster, Silent()), os.getpid(), peak_mib()


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
