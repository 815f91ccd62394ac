"""Rows that are kept and rows that come: one row for each identity (pure)."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Counts:
    """What an import did to rows: new ones, other values for known ones, and what changed nothing."""

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    kept: int = 0  # a known hour that the new rows cover less of

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.added + other.added,
            self.replaced + other.replaced,
            self.unchanged + other.unchanged,
            self.kept + other.kept,
        )


def merge(kept: pd.DataFrame, new: pd.DataFrame, key: list[str]) -> tuple[pd.DataFrame, Counts]:
    """Both together, sorted by key; of the same key the later import counts, unless it covers less of its hour.

    Args:
        kept: rows of the history, each key once.
        new: rows of an import, each key once, same columns.
        key: the identity of a row.
    """
    values = [column for column in kept.columns if column not in key]
    both = new.merge(kept, on=key, how="left", suffixes=("", "_old"), indicator="known", validate="one_to_one")
    known = (both["known"] == "both").to_numpy()
    less = known & (both["covered"] < both["covered_old"]).to_numpy() if "covered" in values else known & False
    same = known & (both[values].to_numpy() == both[[f"{column}_old" for column in values]].to_numpy()).all(axis=1)
    counts = Counts(
        added=int((~known).sum()),
        replaced=int((known & ~same & ~less).sum()),
        unchanged=int((same & ~less).sum()),
        kept=int(less.sum()),
    )
    winners = new.loc[~less, list(kept.columns)]
    merged = pd.concat([winners, kept], ignore_index=True) if len(kept) else winners
    merged = merged.drop_duplicates(key, keep="first").sort_values(key, ignore_index=True)
    return merged, counts
