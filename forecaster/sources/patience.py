"""When a source is asked again: only after an answer, or a silence, that promises better."""

from collections.abc import Callable
from typing import TypeAlias, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from forecaster.errors import SourceUnreachable

ATTEMPTS = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
"""Full jitter, doubling; longer where the source asks for it, up to a minute."""
ASKED_WAIT_S = 60.0

Sleep: TypeAlias = Callable[[float], None]
Answer = TypeVar("Answer")

_jitter = wait_random_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)


def patiently(act: Callable[[], Answer], sleep: Sleep) -> Answer:
    """The answer of something that may be asked again.

    Raises:
        SourceUnreachable: still so after the last attempt.
    """
    again = Retrying(
        retry=retry_if_exception_type(SourceUnreachable),
        stop=stop_after_attempt(ATTEMPTS),
        wait=_wait,
        sleep=sleep,
        reraise=True,
    )
    return again(act)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, SourceUnreachable) else 0.0
    return max(_jitter(state), min(asked, ASKED_WAIT_S))
