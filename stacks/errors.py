"""What can go wrong in `stacks`, sorted by what the caller does.

StacksError
├── EngineMissing        ask the person: a program is not installed
├── EngineFailed         ask the person: a program ended with an error
│   └── ResourceFailed       one resource could not be made so; the rest of its root may be
├── Interrupted          stop: the person did (exit 8, can be resumed)
├── EstateBusy           retry: another process holds the estate (exit 9)
├── ApplyBusy            retry: another apply runs on this environment (exit 9)
├── PartlyApplied        retry: some roots are done, the rest can be resumed (exit 8)
├── JournalAltered       stop: what was applied is no longer what the plan declares (exit 6)
├── OtherEngine          stop: the other engine is in charge of this environment (exit 6)
└── EstateRefused        the inventory refuses an operation; nothing was changed
    ├── UnknownPlace         no such region, link, pool, item or resource
    ├── InvalidArgument      an argument is missing, unknown, of another type or out of range
    ├── CapacityExceeded     more than the place has
    ├── BlockTaken           an address block overlaps another
    ├── KeyTaken             the key is another type of resource
    ├── NotInPlace           the change needs a replacement
    └── InUse                held or active: not to be deleted
"""

from typing import ClassVar

from contracts.errors import PrestageError
from contracts.exits import ExitCode


class StacksError(PrestageError):
    """The root of this room's errors."""


class EngineMissing(StacksError):
    """A program that an engine needs is not installed."""


class EngineFailed(StacksError):
    """An engine's program ended with an error."""


class ResourceFailed(EngineFailed):
    """One resource could not be made so."""


class Interrupted(StacksError):
    """The person stopped the run; what was finished is kept."""

    exit_code: ClassVar[ExitCode] = ExitCode.PARTIAL


class EstateBusy(StacksError):
    """Another process holds the estate's inventory for longer than we wait."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUSY


class ApplyBusy(StacksError):
    """Another apply runs on this environment."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUSY


class PartlyApplied(StacksError):
    """Some roots are done, others are not; the same plan resumes."""

    exit_code: ClassVar[ExitCode] = ExitCode.PARTIAL


class JournalAltered(StacksError):
    """A run cannot be resumed: what it finished is no longer what the plan declares."""

    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED


class OtherEngine(StacksError):
    """The other engine is in charge of this environment."""

    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED


class EstateRefused(StacksError):
    """The inventory refuses an operation; nothing was changed."""


class UnknownPlace(EstateRefused):
    """No such region, link, pool, item or resource."""


class InvalidArgument(EstateRefused):
    """An argument is missing, unknown, of another type or out of range."""


class CapacityExceeded(EstateRefused):
    """More is wanted than the place has left."""


class BlockTaken(EstateRefused):
    """An address block overlaps another."""


class KeyTaken(EstateRefused):
    """The key belongs to a resource of another type."""


class NotInPlace(EstateRefused):
    """The change cannot be made in place: the resource has to be replaced."""


class InUse(EstateRefused):
    """Held or active: not to be deleted."""
