"""`ForecastState`: the models that a forecast fitted, so that the next one need not fit them again.

The JSON document describes; the fits themselves (each family's own bytes, one after the other) follow it in the same
file, tied to it by digest. `StateBundle` is both together. A state is an input like the history: the same state and
history give the same forecast. It holds no code: trees in XGBoost's own form, coefficients as plain arrays.
"""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model, bytes_digest
from contracts.errors import AlteredDocument, MalformedDocument
from contracts.series import Granularity

END = b"\0"  # of the document: JSON has none


class KeptFamily(Model):
    """One family's two fits.

    Attributes:
        name: of the family.
        settings: it had, in words; with others its fits are not used.
        before: first byte and end of the fit that saw nothing after `before_until`; both 0 where nothing is kept.
        end: first byte and end of the fit that saw all up to `until`.
        loss: of the first three days ahead in held-back windows at the time of fitting, over that of families that
            learn nothing; none where nothing was held back.
    """

    name: str
    settings: str
    before: tuple[int, int]
    end: tuple[int, int]
    loss: float | None = Field(default=None, ge=0)


class KeptPanel(Model):
    """The fits of one panel, and what they were fitted on.

    Attributes:
        counts: whether it holds counts of rare events.
        steps: ahead that the fits reach.
        settings: of the engine, in words.
        series: names, in the panel's order.
        before_until, until: the first moment that the one and the other fit did not see.
        known: values that were known, of all series.
    """

    granularity: Granularity
    counts: bool
    steps: int = Field(ge=1)
    settings: str
    series: tuple[str, ...]
    before_until: AwareDatetime
    until: AwareDatetime
    known: int = Field(ge=0)
    families: tuple[KeptFamily, ...]


class ForecastState(Document):
    """The fits of every panel of an environment.

    Attributes:
        code: a digest of the code that fitted them; other code does not use them.
        counter: how many states of this environment had been kept with it; says nothing of what it holds.
        fits_digest: of their bytes.
    """

    FORMAT: ClassVar[str] = "prestage/forecast-state"
    VERSION: ClassVar[int] = 2
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"counter"})

    environment: str
    code: str
    counter: int = 0
    panels: tuple[KeptPanel, ...]
    fits_digest: str


@dataclass(frozen=True, slots=True)
class StateBundle:
    """A state and its fits."""

    document: ForecastState
    fits: bytes

    def to_bytes(self) -> bytes:
        """The sealed document and the fits, as one file."""
        return self.document.sealed().encode() + END + self.fits

    @staticmethod
    def from_bytes(payload: bytes, *, where: str) -> "StateBundle":
        """What `to_bytes` gave.

        Raises:
            DocumentError: as `Document.unseal`.
            AlteredDocument: the fits are not those that the document names.
        """
        text, _, fits = payload.partition(END)
        try:
            document = ForecastState.unseal(text.decode(), where=where)
        except UnicodeDecodeError as error:
            raise MalformedDocument(f"is not UTF-8 (byte {error.start})", where=where) from error
        if bytes_digest(fits) != document.fits_digest:
            raise AlteredDocument("its bytes are not those that were fitted", where=where)
        return StateBundle(document, fits)
