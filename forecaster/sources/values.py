"""Values of a sheet to canonical units: one stated unit for each kind of series in a file."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.series import SeriesKind
from forecaster.errors import UnitUnclear
from forecaster.sources.cells import non_negative, text
from forecaster.sources.sheets import Sheet
from forecaster.sources.tables import DEFAULT_UNITS
from forecaster.units import Gather, is_of, measure_of


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Numbers in canonical units, and which of them are sums over their interval."""

    numbers: pd.Series
    summed: NDArray[np.bool_]


def canonical_values(sheet: Sheet, column: str, kinds: pd.Series, stated: str | None) -> Values:
    """The values of a column in canonical units.

    Args:
        sheet: the file.
        column: the column with values.
        kinds: the kind of each row.
        stated: the unit from the options; it concerns the kinds that can be measured in it.

    Raises:
        MalformedFile: not a number from 0.
        UnitUnclear: no unit, an unknown one, or several for one kind.
    """
    numbers = non_negative(sheet, column)
    summed = np.zeros(len(numbers), dtype=bool)
    present = [SeriesKind(name) for name in kinds.unique()]
    if present and stated is not None and not any(is_of(kind, stated) for kind in present):
        measure_of(present[0], stated, where=sheet.name)  # raises: it is the unit of none of them
    for kind in present:
        rows = (kinds == kind.value).to_numpy(dtype=bool)
        unit = _unit(sheet, kind, rows, stated)
        measure = measure_of(kind, unit, where=sheet.where(int(rows.argmax()), column))
        numbers = numbers.where(~rows, numbers * measure.factor)
        summed |= rows & (measure.gather is Gather.SUM)
    return Values(numbers, summed)


def _unit(sheet: Sheet, kind: SeriesKind, rows: NDArray[np.bool_], stated: str | None) -> str:
    """The unit of a kind: its column, else the option, else the kind's own where that is beyond doubt."""
    if "unit" in sheet.frame:
        return _column_unit(sheet, kind, rows, stated)
    if stated is not None and is_of(kind, stated):
        return stated
    if kind in DEFAULT_UNITS:
        return DEFAULT_UNITS[kind]
    raise UnitUnclear(
        f"no unit is stated for {kind.value}",
        where=sheet.name,
        expected="a column unit, or --unit with one of bps, kbps, mbps, gbps, Bps, kBps, MBps, GBps, bytes/15min",
        next_step="state it: --unit mbps",
    )


def _column_unit(sheet: Sheet, kind: SeriesKind, rows: NDArray[np.bool_], stated: str | None) -> str:
    units = text(sheet, "unit")[rows]
    first = int(rows.argmax())
    unit = str(units.iloc[0])
    if not unit:
        raise UnitUnclear(f"no unit for {kind.value}", where=sheet.where(first, "unit"), expected="a unit such as mbps")
    if stated is not None and is_of(kind, stated) and stated != unit:
        raise UnitUnclear(
            f"the file says {unit!r} and the option says {stated!r}",
            where=sheet.where(first, "unit"),
            expected="one of them",
            next_step="leave the option out if the file is right",
        )
    other = (units != unit).to_numpy()
    if other.any():
        row = int(units.index[int(other.argmax())])
        raise UnitUnclear(
            f"mixed units: {units[row]!r} here and {unit!r} in {sheet.unit_of_place} {sheet.lines[first]}",
            where=sheet.where(row, "unit"),
            expected=f"one unit for {kind.value} in a file",
            next_step="import a file for each unit",
        )
    return unit
