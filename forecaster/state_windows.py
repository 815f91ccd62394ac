"""What was said in held-back windows, kept from one forecast to the next (pure).

The same fit, asked at the same steps ahead of the same past, says the same to the byte. So what it said is kept under a
digest of all of that: a window that was looked at before is looked up, one of which anything differs (a late
measurement, a repair, another fit, another setting) is not found and said again. What is kept can therefore never
change a forecast, only how long it takes.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from forecaster.models.model import Family, Fitted, KeptFit
from forecaster.panel import Panel, Steps

HOUSE = "forecaster."  # whose code is in the digest that what is kept is bound to

Kept = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.uint8]


class KeptWindows(Protocol):
    """Where an earlier forecast left what was said."""

    def found(self, key: str) -> Kept | None:
        """What was kept under a digest; None where there is nothing, or it is not what was written."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class InMemory:
    """What was kept, as a mapping."""

    said: Mapping[str, Kept]

    def found(self, key: str) -> Kept | None:
        return self.said.get(key)


NOTHING_KEPT = InMemory({})


@runtime_checkable
class Carrying(Protocol):
    """What predicts by one of several fits."""

    def at(self, panel: Panel) -> Fitted:
        """The fit that predicts from the end of a panel."""
        ...

    def fit_at(self, panel: Panel) -> str:
        """A digest of that fit."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class WindowKeys:
    """Under what the windows of a panel are kept.

    Attributes:
        seen: of each window a digest of the panel until its origin.
        ahead: the steps ahead, as bytes.
    """

    seen: tuple[str, ...]
    ahead: bytes

    def of(self, family: Family, fitted: Fitted, pasts: Iterable[Panel]) -> tuple[str, ...]:
        """Of each window of a family; empty where what it learned has no bytes to be told by."""
        if isinstance(fitted, Carrying):
            said_by = [fitted.fit_at(past) for past in pasts]
        else:
            said_by = [fit_of(family, fitted)] * len(self.seen)
        return tuple(
            digest_of(fit, seen, self.ahead) if fit else "" for fit, seen in zip(said_by, self.seen, strict=True)
        )

    def of_all(self, window: int, keys: tuple[tuple[str, ...], ...], cutoffs: tuple[int, ...]) -> str:
        """Of what is made of all that families said, as could be known at a window; empty where one has no key."""
        every = [key for family in keys for key in family]
        if not all(every):
            return ""
        origins = " ".join(str(cutoff - cutoffs[window]) for cutoff in cutoffs)
        return digest_of("all", self.seen[window], origins, *every, self.ahead)


NO_KEYS = WindowKeys((), b"")


def window_keys(panel: Panel, cutoffs: tuple[int, ...], ahead: Steps) -> WindowKeys:
    """The keys of a panel's windows: what was seen is read once, however many there are."""
    head = " ".join([panel.granularity.value, *(str(key) for key in panel.keys)]).encode()
    hashers = [hashlib.sha256(head) for _ in range(2)]
    seen, read = [], 0
    for cutoff in cutoffs:
        for hasher, matrix in zip(hashers, (panel.observed, panel.filled), strict=True):
            for step in range(read, cutoff, panel.day):  # in the order of time: the same, whatever cutoffs lie before
                hasher.update(matrix[:, step : min(step + panel.day, cutoff)].T.tobytes())
        read = cutoff
        until, then = panel.until(cutoff).end.isoformat(), panel.otherwise(cutoff)
        otherwise = () if then is None else (then.observed.tobytes(), then.filled.tobytes())
        seen.append(digest_of(*(hasher.digest() for hasher in hashers), until, *otherwise))
    return WindowKeys(tuple(seen), ahead.astype(np.int64).tobytes())


def settings_of(family: Family) -> str:
    """A family's settings in words; of one that is no dataclass its name, because its words may differ each time."""
    return repr(family) if is_dataclass(family) else family.name


def fit_of(family: Family, fitted: Fitted) -> str:
    """A digest of what predicts; empty where that cannot be told.

    The code of families that other packages bring is not known here: what they said is not kept.
    """
    if not type(family).__module__.startswith(HOUSE):
        return ""
    if isinstance(fitted, KeptFit):
        return digest_of(settings_of(family), fitted.kept())
    itself: object = fitted
    return settings_of(family) if itself is family and is_dataclass(family) else ""  # a rule that learns nothing


def digest_of(*parts: str | bytes) -> str:
    """Of some parts, none of which runs into the next."""
    hasher = hashlib.sha256()
    for part in parts:
        piece = part.encode() if isinstance(part, str) else part
        hasher.update(len(piece).to_bytes(8, "big"))
        hasher.update(piece)
    return hasher.hexdigest()
