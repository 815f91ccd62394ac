"""What a forecast found in the history and did about it: a line for each kind of finding, the rarest first."""

import re
from collections import defaultdict
from textwrap import wrap

from contracts.forecast import Forecast, Treatment
from prestage.views.paper import dim

KINDS = 12
"""Of findings, with a line each: what is told once of one series is never behind what is told of a hundred."""

WIDTH = 116
NUMBER = re.compile(r"\d[\w.,:+-]*")


def treatment_lines(document: Forecast) -> list[str]:
    """Nothing where nothing was treated."""
    kinds: dict[str, list[Treatment]] = defaultdict(list)
    for one in document.treatments:
        kinds[NUMBER.sub("#", one.what)].append(one)
    if not kinds:
        return []
    rarest = sorted(kinds.values(), key=len)
    lines = [line for found in rarest[:KINDS] for line in _lines(found)]
    left = sum(len(found) for found in rarest[KINDS:])
    more = [f"    and {left:,} more, of {len(rarest) - KINDS} other kinds"] if left else []
    told = f"  treated: {len(document.treatments):,} (all of them: prestage forecast show --json)"
    return ["", *(dim(line) for line in (told, *lines, *more))]


def _lines(found: list[Treatment]) -> list[str]:
    first = found[0]
    more = f" (and {len(found) - 1:,} more like it)" if len(found) > 1 else ""
    return wrap(f"{first.series}: {first.what}{more}", WIDTH, initial_indent="    ", subsequent_indent="      ")
