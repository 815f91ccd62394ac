"""`BacktestReport`: how right each model would have been, over windows that were held back."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model
from contracts.forecast import Scores
from contracts.series import Granularity, SeriesKind

CHOSEN = "chosen"


class BacktestRow(Model):
    """One model on the series of one kind, or on all (`kind` is None).

    `chosen` marks the model that would forecast this kind; the row `model="chosen"` has the scores of all kinds, each
    by its chosen model.
    """

    model: str
    granularity: Granularity
    kind: SeriesKind | None = None
    series: int = Field(ge=0)
    scores: Scores
    chosen: bool = False


class BacktestReport(Document):
    """Scores by model, granularity and kind. `origins` are the first moments not seen of the scored windows."""

    FORMAT: ClassVar[str] = "prestage/backtest"

    environment: str
    history_digest: str
    origins: tuple[AwareDatetime, ...] = ()
    steps: dict[Granularity, int] = Field(default={})
    rows: tuple[BacktestRow, ...] = ()

    def best(self, granularity: Granularity = Granularity.HOURLY) -> BacktestRow | None:
        """The row of all kinds, each by its chosen model; None where nothing could be scored."""
        rows = (row for row in self.rows if row.model == CHOSEN and row.granularity == granularity)
        return next(rows, None)
