"""Something done again and again until it is asked to end: by count, Ctrl-C or SIGTERM."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


def again_and_again(
    act: Callable[[], bool], sleep: Callable[[float], object], *, every_s: float, times: int | None = None
) -> bool:
    """Acts every `every_s` seconds, `times` times or until it is interrupted; whether the last act went well.

    What an act keeps is kept whole or not at all, so that it can be ended at any moment.
    """
    well, number = True, 0
    with sigterm_as_interrupt():
        try:
            while times is None or number < times:
                if number:
                    sleep(every_s)
                well = act()
                number += 1
        except KeyboardInterrupt:
            return well
    return well


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Within the block a SIGTERM is what Ctrl-C is: a service manager ends what a person would."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
