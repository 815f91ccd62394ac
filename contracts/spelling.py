"""The likely spelling of a mistyped name. Messages everywhere suggest it in the same words."""

import difflib
from collections.abc import Iterable


def likely(name: str, candidates: Iterable[str]) -> str:
    """`did you mean 'x'?` for the candidate nearest to a mistyped name, else nothing."""
    near = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""
