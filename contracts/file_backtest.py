"""`FileBacktest`: how right forecasts of a file's series would have been, window by window.

Shares are from 0 to 1. `None` stands where nothing could be scored, or where a number is too large to be one.
"""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model
from contracts.forecast import Treatment
from contracts.series import LEVELS, Granularity


class LevelScore(Model):
    """One quantile: its mean pinball loss, in the unit of the values, and the share of actuals above it."""

    level: float = Field(gt=0, lt=1)
    pinball: float | None = Field(default=None, ge=0)
    exceeded: float | None = Field(default=None, ge=0, le=1)


class RowScores(Model):
    """Scores of one series or of all.

    Attributes:
        mase, scaled_crps: over the scale, the mean of |y(t) - y(t - 24 h)| up to each cutoff.
        weighted_quantile_loss: twice the pinball losses over the sum of all |y|.
        rows: actuals that were scored.
        series_windows: pairs of a series and a window that were scored.
        left_out: such pairs whose scale is 0 or unknown: they are in no score.
    """

    mase: float | None = Field(default=None, ge=0)
    scaled_crps: float | None = Field(default=None, ge=0)
    weighted_quantile_loss: float | None = Field(default=None, ge=0)
    coverage_80: float | None = Field(default=None, ge=0, le=1)
    coverage_95: float | None = Field(default=None, ge=0, le=1)
    exceeded_99: float | None = Field(default=None, ge=0, le=1)
    levels: tuple[LevelScore, ...] = ()
    rows: int = Field(default=0, ge=0)
    series_windows: int = Field(default=0, ge=0)
    left_out: int = Field(default=0, ge=0)


class SeriesScores(RowScores):
    """Scores of one series.

    Attributes:
        unique_id: its name in the file.
        models: what carried it, window by window; one name where it was always the same.
        thin: windows in which its upper quantiles rest on too few scores.
    """

    unique_id: str
    models: tuple[str, ...] = ()
    thin: int = Field(default=0, ge=0)


class FileBacktest(Document):
    """A back-test of one file.

    Attributes:
        cutoffs: the last step seen of each window.
        pit: largest distance of the randomised probability integral transform from uniform, 0 to 1; what calibration
            means for counts, most of which are 0.
        treatments: what was found in the series and done about it, each told once however many windows saw it.
        finite, ordered: whether every quantile is a number, and none lies below a lower one.
        forecasts_digest: of the bytes of the forecasts' file.
        seconds: wall time of reading, forecasting and scoring.
        peak_memory_mib: of this process and the largest of its children, added up for those that ran side by side.
    """

    FORMAT: ClassVar[str] = "prestage/file-backtest"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"seconds", "peak_memory_mib"})

    file: str
    kind: str
    granularity: Granularity
    horizon: int = Field(ge=1)
    models: tuple[str, ...] = ()
    tier: str = ""
    cutoffs: tuple[AwareDatetime, ...] = ()
    overall: RowScores
    pit: float | None = Field(default=None, ge=0, le=1)
    finite: bool = True
    ordered: bool = True
    series: tuple[SeriesScores, ...] = ()
    notes: tuple[str, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    quantiles: tuple[float, ...] = LEVELS
    forecasts_digest: str = ""
    seconds: float = Field(default=0.0, ge=0)
    peak_memory_mib: float = Field(default=0.0, ge=0)
