"""Patience with an inventory that another process is writing. Each call is one transaction: repeating it is safe."""

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from stacks.errors import EstateBusy

ATTEMPTS = 5

Answer = TypeVar("Answer")


def patiently(call: Callable[[], Answer]) -> Answer:
    """Calls the inventory, and again while it is busy.

    Raises:
        EstateBusy: it still is.
    """
    try:
        return call()
    except EstateBusy:  # seldom: what waits is made only then, for a provider answers thousands of calls
        waiting = Retrying(
            retry=retry_if_exception_type(EstateBusy),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=0.1, max=2),
            reraise=True,
        )
        return waiting(call)
