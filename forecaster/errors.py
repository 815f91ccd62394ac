"""What can go wrong between a telemetry file and a forecast.

ForecasterError
├── FileRefused              ask the person: nothing of the file was imported
│   ├── MalformedFile            a row, cell or header that cannot be read; a file cut off
│   ├── UnknownColumn            a column that the table does not have
│   ├── UnitUnclear              no unit, an unknown one, or more than one for the same thing
│   ├── TimeUnclear              a naive time without a zone, or an hour that the clock skipped
│   └── ConflictingRows          the same series and time twice with different values
├── HistoryDamaged           stop: a file of the history is missing or not what was written
├── HistoryUnwritable        ask the person: disk full or no permission; the history is as it was before
├── UnknownModel             ask the person: a model of that name does not exist
└── NothingToForecast        ask the person: the history holds no series of these regions
"""

from contracts.errors import PrestageError


class ForecasterError(PrestageError):
    """The root of this room's errors."""


class FileRefused(ForecasterError):
    """A telemetry file cannot be imported; nothing of it was."""

    def __init__(self, what: str, *, where: str = "", expected: str = "", next_step: str = "") -> None:
        again = "correct the file and run the same import again: nothing of it was kept"
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


class HistoryDamaged(ForecasterError):
    """A file of the history is missing or is not what was written."""


class HistoryUnwritable(ForecasterError):
    """The disk is full or the folder cannot be written; the history is as it was before."""


class UnknownModel(ForecasterError):
    """There is no model of that name."""


class NothingToForecast(ForecasterError):
    """The history holds nothing that was asked for."""
