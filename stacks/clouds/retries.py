"""When a call to a cloud is made again: one policy for all clouds.

Only what reads, or does the same thing twice without harm, is tried again, and only after an answer that promises
better: throttled, unavailable, no answer. A create is never tried again here: it may have succeeded unseen.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from stacks.errors import CloudUnreachable, Throttled

ATTEMPTS = 6
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 8.0
"""Full jitter, doubling: at most about 14 s in all."""

Answer = TypeVar("Answer")


def patiently(act: Callable[[], Answer], sleep: Callable[[float], None] = time.sleep) -> Answer:
    """The answer of a call that may be made again.

    Raises:
        Throttled, CloudUnreachable: still so after the last attempt.
    """
    again = Retrying(
        retry=retry_if_exception_type((Throttled, CloudUnreachable)),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S),
        sleep=sleep,
        reraise=True,
    )
    return again(act)
