"""`watch`: looks for drift again and again, for a scheduler or a terminal.

It decides when; the caller looks and tells.
"""

from collections.abc import Callable
from dataclasses import dataclass

from contracts.drift import DriftReport
from contracts.errors import PrestageError

LONGEST_WAIT = 8
"""A look that failed doubles the wait before the next one, up to this many times the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look: what was found, or why nothing could be seen.

    Attributes:
        number: from 1.
        report: None where the look failed.
        failure: why, where it did.
        news: whether it says something other than the look before.
    """

    number: int
    report: DriftReport | None
    failure: PrestageError | None
    news: bool


def watch(
    look: Callable[[], DriftReport],
    hear: Callable[[Look], None],
    sleep: Callable[[float], object],
    *,
    every_s: float,
    looks: int | None = None,
) -> None:
    """Looks every `every_s` seconds, `looks` times or until it is interrupted.

    A look that fails is heard and tried again, later each time: a region that does not answer, an apply under way.
    """
    before, waits, number = "", 1, 0
    while looks is None or number < looks:
        if number:
            sleep(every_s * waits)
        number += 1
        report, failure = _try(look)
        said = report.digest() if report else str(failure)
        hear(Look(number=number, report=report, failure=failure, news=said != before))
        waits = 1 if report else min(waits * 2, LONGEST_WAIT)
        before = said


def _try(look: Callable[[], DriftReport]) -> tuple[DriftReport | None, PrestageError | None]:
    try:
        return look(), None
    except PrestageError as error:
        return None, error
