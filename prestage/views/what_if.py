"""The answer to a what-if as people read it: what would differ, what nobody would serve, what would have to give."""

from collections.abc import Iterable
from textwrap import wrap

from contracts.resources import Purchase
from contracts.what_if import BudgetAnswer, Concession, Unserved, WhatIf, WhatIfAnswer
from prestage.views.compare import comparison_text
from prestage.views.paper import WIDTH, bad, dim, good, number, signed_usd, table, title, usd, warn
from prestage.views.plan import infeasible_text


def what_if_text(answer: WhatIfAnswer) -> str:
    """What was asked, then the difference that it makes, or why there would be no plan."""
    lines = [title(f"What if, in {answer.environment}", "; ".join(_asked(answer.asked)) or "nothing is otherwise")]
    lines += [warn(line) for note in answer.notes for line in wrap(f"  note: {note}", WIDTH, subsequent_indent="    ")]
    if not answer.feasible_before:
        lines.append(warn("  as it is there is no plan either: prestage plan says why"))
    if answer.comparison is not None:
        lines.append(comparison_text(answer.comparison))
    if answer.infeasible is not None:
        lines.append(infeasible_text(answer.infeasible))
    lines += _unserved(answer.unserved)
    if answer.budget is not None:
        lines += _budget(answer.budget)
    return "\n".join([*lines, dim("  nothing was written")])


def _asked(asked: WhatIf) -> Iterable[str]:
    if asked.demand != 1:
        yield f"demand x {asked.demand:g}"
    for event in asked.events:
        yield f"{event.series} x {event.uplift:g} from {event.start:%m-%d %H:%M}"
    if asked.lost:
        yield f"without {', '.join(asked.lost)}"
    for quota in asked.quotas:
        yield f"quota {quota.place} {quota.kind} {_change(quota.total, quota.times)}"
    for price in asked.prices:
        way = "" if price.purchase is Purchase.ON_DEMAND else f" {price.purchase}"
        yield f"price {price.place} {price.item}{way} {_change(price.usd_per_hour, price.times)}"
    if asked.budget_usd_per_hour is not None:
        yield f"budget {usd(asked.budget_usd_per_hour)} USD/h"


def _change(value: float | None, times: float | None) -> str:
    return f"= {value:g}" if value is not None else f"x {times:g}"


def _unserved(items: tuple[Unserved, ...]) -> Iterable[str]:
    if items:
        rows = [
            (
                item.region,
                item.kind,
                number(item.demand),
                number(item.unmet),
                ", ".join(f"{region} {number(amount)}" for region, amount in item.carried.items()) or "nobody",
            )
            for item in items
        ]
        yield f"  {title('what is lost')}"
        yield table(rows, head=("region", "what", "demand", "unmet", "carried by"), right=(2, 3), indent=4)


def _budget(answer: BudgetAnswer) -> Iterable[str]:
    told = f"{usd(answer.usd_per_hour)} USD/h against a budget of {usd(answer.budget_usd_per_hour)}"
    if answer.over_usd_per_hour <= 0:
        yield good(f"  within the budget: {told}, {usd(-answer.over_usd_per_hour)} to spare")
        return
    yield bad(f"  over the budget by {usd(answer.over_usd_per_hour)} USD/h: {told}")
    if answer.gives:
        yield f"  {title('what would have to give, in this order')}"
        yield table([_gives(item) for item in answer.gives], right=(1, 3, 4), indent=4)
        yield from (f"    {item.what}: {item.told}" for item in answer.gives)
    reached = f"  with that it costs {usd(answer.reached_usd_per_hour)} USD/h"
    enough = answer.reached_usd_per_hour <= answer.budget_usd_per_hour
    yield good(reached) if enough else bad(f"{reached}: still over: demand itself, and what is given")


def _gives(item: Concession) -> tuple[str, ...]:
    return item.what, f"{item.before:g}", "->", f"{item.after:g}", f"{signed_usd(-item.saves_usd_per_hour)} USD/h"
