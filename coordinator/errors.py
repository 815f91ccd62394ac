"""What the coordinator raises, sorted by what the caller does.

CoordinatorError
├── Busy             try again: another process holds the ledger or the estate (exit 9)
├── LedgerFull       make room: nothing was written
├── LedgerUnusable   stop: damaged, of a later version, of another environment
├── AuditBroken      stop: a row of the audit is not what was written
├── UnitTaken        decide again: the unit is no longer what was read
├── BlockOverlap     stop: an address block overlaps one that is handed out
├── RequestConflict  ask the person: the id was used with another content
├── UnknownName      ask the person: a region, environment, grant that is not there
├── Refused          plan again or review: altered, stale, expired, superseded, not reviewed, frozen (exit 6)
├── Denied           change the plan or the rules: a policy denies (exit 5)
└── Unfinished       run the named command: partly applied (exit 8)
"""

from contracts.errors import PrestageError
from contracts.exits import ExitCode


class CoordinatorError(PrestageError):
    """The root of this room's errors."""


class Busy(CoordinatorError):
    """Another process holds what is needed; nothing was changed."""

    exit_code = ExitCode.BUSY


class LedgerFull(CoordinatorError):
    """The disk or the file's limit is reached; the transaction was undone whole."""


class LedgerUnusable(CoordinatorError):
    """The ledger is damaged, was written by a later version, or belongs to another environment."""


class AuditBroken(CoordinatorError):
    """A row of the audit does not follow from the row before it."""


class UnitTaken(CoordinatorError):
    """A unit is no longer in the state or version that the decision was made on."""


class BlockOverlap(CoordinatorError):
    """An address block overlaps another one of its place."""


class RequestConflict(CoordinatorError):
    """The same request id came with another content."""


class UnknownName(CoordinatorError):
    """A region, environment, grant or hold that does not exist."""


class Refused(CoordinatorError):
    """A plan may not be applied: the message begins with which reason."""

    exit_code = ExitCode.REFUSED


class Denied(CoordinatorError):
    """A policy denies the plan."""

    exit_code = ExitCode.DENIED


class Unfinished(CoordinatorError):
    """A run stopped part of the way; what is done is recorded and can be resumed."""

    exit_code = ExitCode.PARTIAL
