"""What can go wrong in `stacks`, sorted by what the caller does.

StacksError
├── EngineMissing        ask the person: a program is not installed
├── SecretMissing        ask the person: a secret that is declared is not supplied
├── EngineFailed         ask the person: a program ended with an error
├── Interrupted          stop: the person did (exit 8, can be resumed)
├── EstateBusy           retry: another process holds the estate (exit 9)
├── ApplyBusy            retry: another apply runs on this environment (exit 9)
├── Fenced               stop: the lock was lost while this process was stalled (exit 9)
├── PartlyApplied        retry: some roots are done, the rest can be resumed (exit 8)
├── JournalAltered       stop: what was applied is no longer what the plan declares (exit 6)
├── OtherEngine          stop: the other engine is in charge of this environment (exit 6)
├── CloudError           a cloud's API does not do what was asked
│   ├── CredentialsMissing   ask the person: there are none, or they have expired
│   ├── NotPermitted         ask the person: a permission is missing
│   ├── RegionNotEnabled     ask the person: the account does not use this region
│   ├── QuotaExceeded        ask the person: a limit of the account is reached
│   ├── CloudUnreachable     retry: no answer
│   ├── Throttled            retry: asked too often
│   ├── CloudRefused         stop: any other answer that is an error
│   └── TwoOfOne             ask the person: two resources bear one key
├── ReferenceCycle       stop: what is declared waits for itself, and no order can make it
├── FolderTaken          ask the person: a folder holds what was not written by us
├── AdoptionRefused      ask the person: taking it in would change it (exit 6)
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


class SecretMissing(StacksError):
    """A secret that is declared by name is not supplied by whoever applies."""


class EngineFailed(StacksError):
    """An engine's program ended with an error."""


class Interrupted(StacksError):
    """The person stopped the run; what was finished is kept."""

    exit_code: ClassVar[ExitCode] = ExitCode.PARTIAL


class EstateBusy(StacksError):
    """Another process holds the estate's inventory for longer than we wait."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUSY


class ApplyBusy(StacksError):
    """Another apply runs on this environment."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUSY


class Fenced(StacksError):
    """This process was stalled, and another took its lock over: it writes nothing more."""

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


class ReferenceCycle(StacksError):
    """What is declared waits for itself: no order of roots or waves can make it."""


class FolderTaken(StacksError):
    """A folder that shall be written as a whole holds what was not written by us."""


class CloudError(StacksError):
    """A cloud's API does not do what was asked."""


class CredentialsMissing(CloudError):
    """There are no credentials, or they are no longer (or not yet) valid."""


class NotPermitted(CloudError):
    """The credentials are good, and lack a permission."""


class RegionNotEnabled(CloudError):
    """The account does not use this region, or the cloud has no such region."""


class QuotaExceeded(CloudError):
    """A limit of the account is reached."""


class CloudUnreachable(CloudError):
    """No answer: the network, the name, the endpoint."""


class Throttled(CloudError):
    """Asked too often, or the cloud is short of breath; the same call may succeed later."""


class CloudRefused(CloudError):
    """Any other answer that is an error."""


class TwoOfOne(CloudError):
    """Two resources bear one key: which of them is ours, no program can say."""


class AdoptionRefused(StacksError):
    """What exists is not taken in, because that would change it; nothing was changed."""

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
