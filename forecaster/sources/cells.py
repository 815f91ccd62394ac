"""Checks of single cells, whole columns at a time: the first bad one is named with its line and column."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contracts.names import region_name
from forecaster.errors import MalformedFile
from forecaster.sources.sheets import Sheet

_NOTHING = ("", "nan", "null", "none", "na")


def filled(sheet: Sheet, column: str) -> NDArray[np.bool_]:
    """Which rows have a value: an empty cell, NaN or null is a gap, not an error."""
    raw = sheet.frame[column]
    present = raw.notna()
    if not pd.api.types.is_numeric_dtype(raw):
        present &= ~raw.astype("str").str.strip().str.lower().isin(_NOTHING)
    found: NDArray[np.bool_] = present.to_numpy(dtype=bool)
    return found


def non_negative(sheet: Sheet, column: str, *, empty: float | None = None) -> pd.Series:
    """A column as finite numbers from 0.

    Args:
        sheet: the file.
        column: which.
        empty: what an empty cell stands for; None refuses it.

    Raises:
        MalformedFile: not a number, infinite, negative, or empty where that is not allowed.
    """
    raw = sheet.frame[column]
    numbers = pd.to_numeric(raw, errors="coerce").astype("float64")
    if empty is not None:
        numbers = numbers.where(filled(sheet, column), empty)
    bad = ~np.isfinite(numbers.to_numpy()) | (numbers < 0).to_numpy()
    if bad.any():
        row = int(bad.argmax())
        found = raw.iloc[row]
        what = f"{found} is negative" if numbers[row] < 0 else f"{found!r} is not a finite number"
        raise MalformedFile(what, where=sheet.where(row, column), expected="a number from 0")
    return numbers


def text(sheet: Sheet, column: str) -> pd.Series:
    """A column as text without surrounding spaces."""
    return sheet.frame[column].fillna("").astype("str").str.strip()


def region_names(sheet: Sheet, column: str) -> pd.Series:
    """A column of region names.

    Raises:
        MalformedFile: one is not a region name.
    """
    names = text(sheet, column)
    check_each(sheet, column, names, region_name)
    return names


def check_each(sheet: Sheet, column: str, cells: pd.Series, check: Callable[[str], object]) -> None:
    """Runs a check once for each distinct cell.

    Raises:
        MalformedFile: the check raised ValueError; the first row with that cell is named.
    """
    for cell in cells.unique():
        try:
            check(cell)
        except ValueError as error:
            row = int((cells == cell).to_numpy().argmax())
            raise MalformedFile(str(error), where=sheet.where(row, column)) from error
