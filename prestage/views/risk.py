"""The cost of being wrong, as people read it beneath a plan."""

from collections.abc import Iterable, Sequence

from contracts.risk import DemandCase, Exposure, Risk, Scarce, Together
from prestage.views.paper import dim, moment, number, plural, signed_usd, table, title, usd

ROWS = 5
"""Places shown; `--json` and the plan file have all."""

LIKELY = 0.005
"""Less likely than in one of 200 days is not told."""


def risk_lines(risk: Risk) -> Iterable[str]:
    """Cost if demand comes higher than expected, what is likeliest short, and what one unit more is worth there."""
    told = f"shortages cost {usd(risk.expected_usd_per_hour)} USD/h, expected over {plural(risk.hours, 'hour')}"
    yield title("  if the forecast is wrong", told)
    yield table([_case(item) for item in risk.cases], head=("all demand at", "USD/h", "short"), right=(1,), indent=4)
    if risk.together:
        yield f"    {_together(risk.together)}"
    if likely := [item for item in risk.exposures if item.short >= LIKELY]:
        head = ("may be short", "has", "chance", "when", "one more is worth")
        yield table([_exposure(item) for item in likely[:ROWS]], head=head, right=(1, 2, 4), indent=4)
        if len(likely) > ROWS:
            yield dim(f"    and {len(likely) - ROWS} more")
    yield ""


def _case(item: DemandCase) -> tuple[str, str, str]:
    short = ", ".join(f"{number(one.units)} {one.kind} in {one.place}" for one in item.short[:2])
    more = f" and {item.places - 2} more" if item.places > 2 else ""
    return f"{item.level:.0%}", usd(item.usd_per_hour), f"{short or 'nothing'}{more}"


def _together(item: Together) -> str:
    bad = item.cases[-1]
    told = f"shortages cost {usd(bad.shortage_usd_per_hour)} USD/h or less on {bad.level:.0%} of them"
    return f"everywhere together, on {plural(item.paths, 'path')}: something is short on {item.chance:.1%}, {told}"


def _exposure(item: Exposure) -> tuple[str, str, str, str, str]:
    worth = f"{signed_usd(item.next_unit_usd_per_hour)} USD/h"
    return f"{item.place} {item.kind}", number(item.available), f"{item.short:.1%}", moment(item.at), worth


def scarce_lines(scarce: Sequence[Scarce]) -> Iterable[str]:
    """What quotas cost: where room for one more would save something."""
    if scarce:
        places = len({item.place for item in scarce})
        yield title("  what is scarce", f"limits of {plural(places, 'place')} cost something")
        yield from (f"    {item.place}: {item.told()}" for item in scarce[:ROWS])
        if len(scarce) > ROWS:
            yield dim(f"    and {len(scarce) - ROWS} more")
        yield ""
