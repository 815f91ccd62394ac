"""Exit codes: what a pipeline can branch on. One enum, used by every command."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Codes of the `prestage` command, in the order of their numbers."""

    CLEAN = 0  # clean, or done
    ERROR = 1
    CHANGES = 2  # `plan`: there are changes
    DRIFT = 3  # `drift`: there is drift
    CHANGES_AND_DRIFT = 4  # `plan`: changes, and what is live also drifted
    DENIED = 5  # a policy denies
    REFUSED = 6  # plan refused: altered, stale, expired, superseded, not reviewed
    UNMET = 7  # demand cannot be met: a plan, or a request refused
    PARTIAL = 8  # partly applied, can be resumed
    BUSY = 9  # another holds the lock
    USAGE = 64  # wrong usage (Click's 2 is remapped)
