"""Is the history what was written? Every byte is read; and what was restored on purpose can be accepted."""

from dataclasses import dataclass
from pathlib import Path

from forecaster.errors import ForecasterError, HistoryDamaged
from forecaster.history.manifest import read_manifest
from forecaster.history.memory import recall
from forecaster.history.store import History
from forecaster.history.upkeep import changing, no_key


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written."""

    where: str
    what: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was looked at, and what was found.

    Attributes:
        encrypted: whether it is.
        counter: how often it was changed.
        files: files that were read whole.
    """

    encrypted: bool
    counter: int
    files: int
    findings: tuple[Finding, ...]


def verify(history: History) -> Verified:
    """Reads every byte: signature, last state seen, each file's digest and decryption, files that nobody wrote."""
    vault = history.vault
    try:
        contents = vault.look()
    except ForecasterError as error:
        return Verified(encrypted=True, counter=0, files=0, findings=(_finding(error),))
    findings: list[Finding] = []
    for part in contents.parts:
        try:
            if vault.read(contents, part).num_rows != part.rows:
                findings.append(Finding(part.file, f"does not hold {part.rows} rows", "restore it from a backup"))
        except ForecasterError as error:
            findings.append(_finding(error))
    for path in vault.strays(contents.manifest):
        findings.append(Finding(str(path), "is named by no manifest; it is not read", "prestage history compact"))
    manifest = contents.manifest
    return Verified(
        encrypted=contents.envelope is not None,
        counter=manifest.counter,
        files=len(manifest.parts),
        findings=tuple(findings),
    )


def accept(history: History) -> int:
    """Takes what is there for the last state, after a restore: signed anew, so that what it replaces stays refused.

    Returns:
        The change that it is now at; 0 where there is no encrypted history any more.

    Raises:
        HistoryDamaged: its signature does not hold.
        KeyRefused: its key does not open it.
    """
    vault = history.vault
    if vault.keys is None:
        raise no_key(vault)
    with changing(vault):
        contents = vault.opened(read_manifest(vault.folder))
        _forget_damaged(vault.keys.memory)
        if contents.envelope is None:
            vault.keys.memory.unlink(missing_ok=True)
            return 0
        return vault.commit(contents, contents.parts, again=True).counter


def _finding(error: ForecasterError) -> Finding:
    return Finding(error.where, error.what, error.next_step)


def _forget_damaged(memory: Path) -> None:
    try:
        recall(memory)
    except HistoryDamaged:
        memory.unlink()
