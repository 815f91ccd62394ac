"""Which limits clash, and how far they would have to give way for a plan."""

from collections.abc import Iterable
from textwrap import wrap

from contracts.clash import Clashes, LimitKind, Relaxed
from prestage.views.paper import WIDTH, number, table, title, usd, warn

_GIVEN_UP = {
    LimitKind.OFFERS: "sells all that the catalog has",
    LimitKind.STOCK: "has as many instances as are wanted",
    LimitKind.POOLS: "has further address pools",
    LimitKind.LINKS: "regions that nothing joins are joined",
    LimitKind.FAULT_DOMAINS: "partners in the same one are allowed",
    LimitKind.RESIDENCY: "what is there may be carried elsewhere",
    LimitKind.SURVIVE: "one region at a time is lost",
    LimitKind.STORAGE: "nothing but GiB is asked of it",
}


def clash_lines(found: Clashes) -> Iterable[str]:
    """Sets of limits, then the nearest plan."""
    if found.sets:
        yield title("Limits that clash", "give up any one of a set, and the others of it can be kept")
    for position, item in enumerate(found.sets, 1):
        yield from wrap(f"{position}. {item.told}", WIDTH, initial_indent="  ", subsequent_indent="     ")
    if not found.sets and not found.cut_short:
        yield warn("  no limit is in the way: the demand itself cannot be met, whatever gives way")
    if found.relaxed:
        cost = f"{usd(found.usd_per_hour)} USD/h" if found.usd_per_hour is not None else ""
        yield title("The nearest plan that there is", f"{cost}, with all of this together".removeprefix(", "))
        yield table([_row(item) for item in found.relaxed], right=(1, 3))
    if found.cut_short:
        yield warn(f"  the search ended after {found.checks} plans: there may be more, and some may give way less")


def _row(item: Relaxed) -> tuple[str, ...]:
    limit = item.limit
    if limit.value is None:
        return limit.name, "", "", "", _GIVEN_UP.get(limit.kind, "given up")
    if item.to is None:
        return limit.name, number(limit.value, 2), "->", "more", limit.unit
    return limit.name, number(limit.value, 2), "->", number(item.to, 2), f"{limit.unit} ({item.to - limit.value:+,g})"
