"""What charts show, before anything draws it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from contracts.errors import PrestageError
from contracts.exits import ExitCode
from contracts.series import LEVELS

Line = NDArray[np.float64]

BLOCKS = "▁▂▃▄▅▆▇█"
BANDS = ((0.01, 0.99), (0.025, 0.975), (0.1, 0.9), (0.3, 0.7))
"""Pairs of levels that a fan shades, outermost first."""


class ChartUnwanted(PrestageError):
    """A chart of a kind that is not drawn."""

    exit_code = ExitCode.USAGE


class ChartFormat(StrEnum):
    """Kinds of files that charts are written as."""

    PNG = "png"
    SVG = "svg"
    HTML = "html"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fan:
    """One series: what was seen, what is said of what comes, and what came where that is known.

    Attributes:
        title, unit: for people.
        begins: when the first step of `quantiles` begins.
        step: length of a step.
        quantiles: (steps, levels).
        past: values of the steps before `begins`, NaN where there is none.
        came: values of the steps from `begins` on, as far as they are known.
    """

    title: str
    unit: str
    begins: datetime
    step: timedelta
    quantiles: Line
    past: Line
    came: Line

    def at(self, level: float) -> Line:
        """The quantile of every step."""
        curve: Line = self.quantiles[:, LEVELS.index(level)]
        return curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """For each level the share of actuals that lay at or below its quantile: what was kept of what was said."""

    levels: tuple[float, ...]
    below: tuple[float, ...]


def format_of(name: str) -> ChartFormat:
    """The format that a file's name asks for.

    Raises:
        ChartUnwanted: it asks for none that is drawn.
    """
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    if suffix not in set(ChartFormat):
        raise ChartUnwanted(
            f"ends in .{suffix}" if suffix else "has no ending",
            where=name,
            expected=", ".join(f".{one}" for one in ChartFormat),
            next_step="--plot forecast.svg",
        )
    return ChartFormat(suffix)


def sparkline(values: Iterable[float], width: int = 28) -> str:
    """A line of blocks from the lowest to the highest value; each block is the mean of its share of the steps."""
    line = np.asarray(list(values), dtype=np.float64)
    if not len(line):
        return ""
    parts = [float(part.mean()) for part in np.array_split(line, min(width, len(line)))]
    low, high = min(parts), max(parts)
    span = high - low
    if not span > 0 or not np.isfinite(span):
        return BLOCKS[0] * len(parts)
    return "".join(BLOCKS[min(len(BLOCKS) - 1, int((part - low) / span * len(BLOCKS)))] for part in parts)
