"""Plan files, as they are read before they are acted on: those that are not what was sealed are altered, all alike."""

from pathlib import Path

from contracts.errors import AlteredDocument, MalformedDocument
from contracts.files import read_document
from contracts.plan import Plan


def read_plan(path: Path) -> Plan:
    """The plan of a file, exactly as Prestage sealed it.

    Raises:
        AlteredDocument: another content, cut off, or no plan at all any more; one refusal, whichever byte it was.
        NewerDocument: written by a later version.
    """
    try:
        return read_document(Plan, path)
    except MalformedDocument as error:
        raise AlteredDocument(
            f"altered: {error.what}",
            where=error.where,
            expected=error.expected or "the plan as Prestage sealed it",
            next_step=error.next_step or "restore the file from version control, or make it again: prestage plan",
        ) from error
