"""The end of a command that was asked to end and does not: SIGTERM, then SIGKILL, for all of the session it leads.

Pulumi that could not write its state was seen to wait for ever, deaf to SIGINT. What it starts (providers, language
hosts) has process groups of its own and stays in its session, which is ours: commands begin with `start_new_session`.
"""

import contextlib
import os
import signal
import threading
from subprocess import Popen

from pulumi.automation.errors import CommandError

from stacks.supervisor import processes

# Pulumi tries each write of a state for half a minute, and what is under way has a write to come.
PATIENCE_S = 120.0
"""From SIGINT, because no state can be written any more, to SIGTERM."""
TERM_PATIENCE_S = 5.0
"""From SIGTERM to SIGKILL."""


class EndedByForce(CommandError):
    """A command was ended by force: what it did since its last state was written is not known."""


class UnderWay:
    """One command that runs. Thread-safe.

    Args:
        process: leads a session of its own.
    """

    def __init__(self, process: Popen[str]) -> None:
        self._process = process
        self._over = threading.Event()
        self._asked = threading.Event()
        self.forced = False

    def over(self) -> None:
        """It has ended, and all that it said is read."""
        self._over.set()

    def interrupt(self) -> None:
        """Asks it to end: what is under way is finished and written down."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGINT)

    def halt(self) -> None:
        """Asks it to end, and ends it by force when patience is over."""
        self.interrupt()
        if not self._asked.is_set():
            self._asked.set()
            threading.Thread(target=self._insist, name="hard end", daemon=True).start()

    def _insist(self) -> None:
        patience_s = PATIENCE_S
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self._over.wait(patience_s):
                return
            self.forced = True
            _signal_session(self._process.pid, sign)
            patience_s = TERM_PATIENCE_S


def _signal_session(leader: int, sign: signal.Signals) -> None:
    """Every process of a session; the number cannot be another's by now, for its leader is still to be waited for."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, sign)
    for item in processes():
        if item.session == leader:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(item.pid, sign)
