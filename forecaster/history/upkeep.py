"""What is done to a history in the long run: encrypt, rotate keys, compact, forget. Nothing changes a value.

Each of them holds the history's lock, and ends in one rename of the manifest: killed before, nothing happened.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from forecaster.errors import HistoryUnwritable, KeyUnavailable
from forecaster.history.envelope import Envelope
from forecaster.history.keyring import Keyring, Kms
from forecaster.history.manifest import Part, Span
from forecaster.history.parquet import frame
from forecaster.history.store import History, key_of
from forecaster.history.vault import Contents, Vault

ROWS_A_FILE = 4_000_000
"""Rows that compaction puts into one file at most: about 30 MB compressed, 200 MB while they are merged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What compaction does.

    Attributes:
        now: the time that ages are counted from.
        days: how long rows of a kind (or `requests`) are kept; other kinds are kept for ever.
        rows_a_file: at most so many rows become one file.
    """

    now: datetime
    days: Mapping[str, int] = field(default_factory=dict)
    rows_a_file: int = ROWS_A_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """Files before and after, and the rows that were too old, by kind."""

    files_before: int
    files_after: int
    forgotten: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """Files whose keys were wrapped anew, and the master key that opens them now, or None where there is no history."""

    files: int
    version: str | None


def encrypt(history: History) -> int:
    """Encrypts a history that is not; the number of files that were.

    Raises:
        KeyUnavailable: no key is named.
        HistoryError: see `History.load`.
    """
    vault = history.vault
    with changing(vault):
        before = vault.look()
        if before.envelope is not None or not before.parts:
            return 0
        if vault.keys is None:
            raise no_key(vault)
        after = vault.for_writing(before)
        vault.commit(after, [vault.write(after, part.span, frame([vault.read(before, part)])) for part in before.parts])
    return len(before.parts)


def rotate(history: History, *, previous: Kms | None = None, renew: bool = True) -> Rotated:
    """Gives the history a new key under the current master key, and wraps every file's key with it. No file is read.

    Args:
        history: encrypted.
        previous: the master key that it is under until now, when it moves to that of its keyring.
        renew: makes a new version of the master key first.

    Raises:
        KeyUnavailable: no key is named, or the history is not encrypted.
        KeyRefused: a master key does not open or wrap.
    """
    vault = history.vault
    if vault.keys is None:
        raise no_key(vault)
    kms = vault.keys.kms
    with changing(vault):
        before = opener_of(history, previous).look()
        if before.envelope is None:
            return Rotated(files=0, version=None)
        if renew:
            kms.renew()
        envelope = Envelope.new(kms, before.envelope.history)
        after = Contents(manifest=before.manifest, envelope=envelope)
        vault.commit(after, [_rewrapped(part, before.envelope, envelope) for part in before.parts])
    return Rotated(files=len(before.parts), version=envelope.wrapped.version)


def opener_of(history: History, previous: Kms | None) -> Vault:
    """The vault of a history as the key that it was under until now opens it."""
    vault = history.vault
    if vault.keys is None:
        raise no_key(vault)
    return Vault(vault.folder, Keyring(kms=previous or vault.keys.kms, memory=vault.keys.memory))


def _rewrapped(part: Part, before: Envelope, after: Envelope) -> Part:
    return part.model_copy(update={"key": after.wrap(part.file, before.file_key(part.file, part.key).key)})


def compact(history: History, keeping: Keeping, forget: Callable[[], None] = lambda: None) -> Compacted:
    """Puts months together into fewer files, all but each kind's latest month, and forgets rows that are too old.

    Args:
        history: plain or encrypted.
        keeping: what stays.
        forget: removes what was learned of the history, before rows are forgotten; killed in between, it is made again.

    Raises:
        HistoryDamaged: as `History.load`; nothing was changed.
    """
    vault = history.vault
    with changing(vault):
        before = vault.look()
        after = vault.for_writing(before) if before.parts else before
        forgotten: dict[str, int] = {}
        parts: list[Part] = []
        for group in _groups(before.parts, keeping.rows_a_file):
            kept, dropped = _merged(vault, before, after, group, keeping)
            parts.extend(kept)
            if dropped:
                forgotten[group[0].kind] = forgotten.get(group[0].kind, 0) + dropped
        if forgotten:
            forget()
        vault.commit(after, parts, forgot=bool(forgotten))
    return Compacted(files_before=len(before.parts), files_after=len(parts), forgotten=tuple(sorted(forgotten.items())))


def _groups(parts: tuple[Part, ...], rows: int) -> Iterator[list[Part]]:
    """Neighbouring parts of a kind that become one file; its last part stays by itself: imports go on changing it."""
    group: list[Part] = []
    last = {part.kind: part for part in parts}
    for part in parts:
        fits = group and group[0].kind == part.kind and sum(item.rows for item in group) + part.rows <= rows
        if group and (not fits or part is last[part.kind]):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _merged(
    vault: Vault, before: Contents, after: Contents, group: list[Part], keeping: Keeping
) -> tuple[list[Part], int]:
    """The parts that take a group's place, and how many of its rows were too old."""
    kind = group[0].kind
    oldest = keeping.now - timedelta(days=keeping.days[kind]) if kind in keeping.days else None
    unchanged = len(group) == 1 and before.envelope is after.envelope
    if unchanged and (oldest is None or not _reaches_before(group[0], oldest)):
        return group, 0
    rows = frame([vault.read(before, part) for part in group])
    young = rows[rows["time"] >= pd.Timestamp(oldest)] if oldest else rows
    dropped = len(rows) - len(young)
    if unchanged and not dropped:
        return group, 0
    if young.empty:
        return [], dropped
    span = Span(kind, f"{young['time'].min():%Y-%m}", f"{young['time'].max():%Y-%m}")
    return [vault.write(after, span, young.sort_values(key_of(kind), ignore_index=True))], dropped


def _reaches_before(part: Part, time: datetime) -> bool:
    return part.first <= f"{time:%Y-%m}"


@contextmanager
def changing(vault: Vault) -> Iterator[None]:
    """Holds a history's lock; a full disk is told as such.

    Raises:
        HistoryUnwritable: disk full or no permission.
    """
    try:
        with vault.locked():
            yield
    except OSError as error:
        raise HistoryUnwritable(
            f"cannot be written ({error.strerror}); it is as it was",
            where=str(vault.folder),
            next_step="free some space or change the permissions, then run it again",
        ) from error


def no_key(vault: Vault) -> KeyUnavailable:
    """What is said where a key is needed and the environment names none."""
    return KeyUnavailable(
        "no key is named",
        where=str(vault.folder),
        expected="history: {key: local} in the environment's file",
        next_step="add it, then: prestage history encrypt",
    )
