"""What can go wrong between a telemetry file and a forecast.

ForecasterError
├── FileRefused              ask the person: nothing of the file was imported
│   ├── MalformedFile            a row, cell or header that cannot be read; a file cut off
│   ├── UnknownColumn            a column that the table does not have
│   ├── UnitUnclear              no unit, an unknown one, or more than one for the same thing
│   ├── TimeUnclear              a naive time without a zone, or an hour that the clock skipped
│   ├── ConflictingRows          the same series and time twice with different values
│   └── UnknownPlace             an event, profile or country of a region that is not among the environment's
├── ExtraMissing             ask the person: an optional part of Prestage is not installed
├── SourceFailed             a source of telemetry gave nothing that is kept
│   ├── SourceUnreachable        retry: down, too slow, cut off, overloaded (429, 5xx)
│   ├── SourceRefused            ask the person: credentials, permission, a query that the source refuses
│   ├── FormChanged              ask the person: an answer that is not of the form expected
│   └── NothingMeasured          ask the person: the source answers and knows none of what was asked for
├── HistoryDamaged           stop: a file of the history is missing or not what was written
│   └── HistoryRolledBack        it is older than what was last seen here, or another stands in its place
├── KeyRefused               ask the person: the history is encrypted and its key does not open it
│   ├── KeyUnavailable           no key, out of reach, or kept where others can read it
│   └── WrongKey                 another key than the one that wrapped the history's keys
├── SealRefused              go on without: what a forecast kept is altered, foreign or under another key
├── HistoryUnwritable        ask the person: disk full or no permission; the history is as it was before
├── HistoryBusy              try again: another process gives it another key (exit 9)
├── UnknownModel             ask the person: a model of that name does not exist
├── FamilyNotInstalled       ask the person: a model was named whose package is not installed
└── NothingToForecast        ask the person: the history holds no series of these regions
"""

from contracts.errors import PrestageError
from contracts.exits import ExitCode


class ForecasterError(PrestageError):
    """The root of this room's errors."""


class FileRefused(ForecasterError):
    """A telemetry file cannot be imported; nothing of it was."""

    def __init__(self, what: str, *, where: str = "", expected: str = "", next_step: str = "") -> None:
        again = "correct the file and run the same command again: nothing of it was kept"
        super().__init__(what, where=where, expected=expected, next_step=next_step or again)


class MalformedFile(FileRefused):
    """A row, a cell or the header cannot be read, or the file is cut off."""


class UnknownColumn(FileRefused):
    """A column that the table does not have, or one that it needs is not there."""


class UnitUnclear(FileRefused):
    """No unit stated, an unknown one, or several for the same thing."""


class TimeUnclear(FileRefused):
    """A local time without a zone, or one that the clock skipped."""


class ConflictingRows(FileRefused):
    """The same series and time occur twice with different values."""


class UnknownPlace(FileRefused):
    """A region, country or series that nobody knows; the likely one is named."""


class ExtraMissing(ForecasterError):
    """A package that only some need is not installed."""


class SourceFailed(ForecasterError):
    """A source of telemetry gave nothing that is kept; the others are read all the same."""


class SourceUnreachable(SourceFailed):
    """Down, too slow, cut off or overloaded. Trying again may help.

    Attributes:
        wait_s: how long the source asked to be left alone, seconds; 0 where it did not say.
    """

    def __init__(
        self, what: str, *, where: str = "", expected: str = "", next_step: str = "", wait_s: float = 0.0
    ) -> None:
        self.wait_s = wait_s
        super().__init__(what, where=where, expected=expected, next_step=next_step)


class SourceRefused(SourceFailed):
    """The source answers, and refuses: credentials, permission, a query that it does not take."""


class FormChanged(SourceFailed):
    """An answer is not of the form expected: another version, another service, a page of a login."""


class NothingMeasured(SourceFailed):
    """The source answers, and has nothing of what was asked for: a misspelt metric, a label that is never set."""


class HistoryDamaged(ForecasterError):
    """A file of the history is missing or is not what was written."""


class HistoryRolledBack(HistoryDamaged):
    """The history is whole, but older than what was last seen here, or another one."""


class KeyRefused(ForecasterError):
    """The history is encrypted, and its key does not open it."""


class KeyUnavailable(KeyRefused):
    """There is no key, it cannot be reached, or it lies where others can read it."""


class WrongKey(KeyRefused):
    """This is not the key that wrapped the history's keys."""


class SealRefused(ForecasterError):
    """What a forecast kept is not what was written here under this key; all of it can be made again."""


class HistoryUnwritable(ForecasterError):
    """The disk is full or the folder cannot be written; the history is as it was before."""


class HistoryBusy(ForecasterError):
    """Another process encrypts the history or rotates its key; nothing was changed here."""

    exit_code = ExitCode.BUSY


class UnknownModel(ForecasterError):
    """There is no model of that name."""


class FamilyNotInstalled(ForecasterError):
    """A model was asked for by name whose package is an extra that is not installed."""


class NothingToForecast(ForecasterError):
    """The history holds nothing that was asked for."""
