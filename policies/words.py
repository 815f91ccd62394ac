"""What text and Markdown say alike: the verdict, the counts, why a change is made, what to type next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contracts.names import is_link
from contracts.plan import Change, Operation, Plan, ReasonCode, Requirement
from contracts.resources import LINKS_ROOT
from contracts.review import Finding, Review
from contracts.risk import DemandCase, Exposure, Risk, Together
from contracts.wording import describe, lacking
from policies.case import WHOLE_PLAN

_PLAIN = {
    ReasonCode.SUPPORT: "the others need it",
    ReasonCode.SURPLUS: "no longer needed",
    ReasonCode.RELEASED: "released",
    ReasonCode.REPAIR: "puts back what was changed from outside",
    ReasonCode.PINNED: "pinned",
    ReasonCode.PAUSED: "its region is paused",
    ReasonCode.GRANT: "handed out",
    ReasonCode.CONTENT: "holds what nothing else holds",
}

SHORT_NAMED = 3
"""Of what is short in a case, so many are named."""

LIKELY = 0.005
"""Less likely than in one of 200 days is not told."""


@dataclass(frozen=True, slots=True)
class Group:
    """The changes of one region, or of all links."""

    name: str
    changes: tuple[Change, ...]

    @property
    def usd_per_hour(self) -> float:
        return sum(change.usd_per_hour for change in self.changes)


def groups(plan: Plan) -> tuple[Group, ...]:
    """Changes by region, sorted, then those of links; in each the order of the plan."""
    found: dict[str, list[Change]] = {}
    for change in plan.changes:
        found.setdefault(LINKS_ROOT if is_link(change.place) else change.place, []).append(change)
    names = sorted(found, key=lambda name: (name == LINKS_ROOT, name))
    return tuple(Group(name, tuple(found[name])) for name in names)


def verdict(review: Review) -> str:
    """`passes`, `is denied by 2 findings`."""
    denying = sum(finding.denies for finding in review.findings)
    return f"is denied by {counted(denying, 'finding')}" if denying else "passes"


def standing(finding: Finding) -> str:
    """What a finding does: `denies`, `exempted`, `told`."""
    if finding.denies:
        return "denies"
    return "exempted" if finding.exempted_by else "told"


def subject(finding: Finding) -> str:
    """What a finding is about; empty when it is about the plan as a whole."""
    return "" if finding.resource == WHOLE_PLAN else finding.resource


def counts(changes: Iterable[Change]) -> str:
    """`10 create, 2 update`; `no changes`."""
    operations = [change.operation for change in changes]
    told = [f"{operations.count(operation)} {operation}" for operation in Operation if operation in operations]
    return ", ".join(told) or "no changes"


def becomes(change: Change) -> str:
    """`3 x m8`, `3 x m8 → 5 x m8`: what the change makes of the resource, or what it takes away."""
    before = describe(change.before.spec) if change.before else ""
    after = describe(change.after.spec) if change.after else ""
    return f"{before} → {after}" if before and after and before != after else after or before


def why(change: Change, requirements: dict[str, Requirement]) -> str:
    """The chain behind a change: requirement, and the forecast number that it rests on; when it has to be ordered."""
    return _chain(change, requirements) + (f"; {change.lead.told()}" if change.lead else "")


def _chain(change: Change, requirements: dict[str, Requirement]) -> str:
    behind = [requirements[name] for name in change.reason.requirements if name in requirements]
    if change.reason.code is ReasonCode.UNFIT:
        lacks = "; ".join(map(lacking, change.reason.alternatives)) or "its class cannot be what is asked of storage"
        return f"{lacks}, and it cannot become another in place"
    if not behind:
        return _PLAIN.get(change.reason.code, str(change.reason.code))
    first = behind[0]
    told = f"{change.reason.code}: {first.quantity:.6g} {first.kind}"
    if first.forecast is not None:
        forecast = first.forecast
        told += f"; {forecast.series} {forecast.value:.6g} at quantile {forecast.level:.3g}, {forecast.at:%d %b %H:%M}"
    return told + (f" (and {len(behind) - 1} more)" if len(behind) > 1 else "")


def next_steps(review: Review, plan: Plan, file: str) -> tuple[str, str]:
    """What to do, and the command to type; no command where there is nothing to do."""
    file = file or f"plans/{plan.environment}.json"
    if review.denied:
        return (
            "Settle the findings, or exempt what may be so, then:",
            f"prestage plan --env {plan.environment} --out {file}",
        )
    if not plan.changes:
        return "Nothing to apply.", ""
    confirm = f" --confirm-destroy {plan.destroyed}" if plan.destroyed else ""
    return "Merging approves exactly this plan; merged, it is applied by:", f"prestage apply {file} --yes{confirm}"


def gap(plan: Plan) -> str:
    """How far the cost may be from the least possible."""
    cost, waits = plan.cost, ""
    if cost.waiting_usd_per_hour:
        done = f"{cost.done_usd_per_hour:,.2f} USD/h once what waits is done"
        waits = f"; {done}, then at most {cost.done_gap:.2%} above it"
    return (
        f"{cost.optimised_usd_per_hour:,.2f} USD/h of it was optimised, at most {cost.gap:.2%} above the least possible"
        f" ({cost.lower_bound_usd_per_hour:,.2f}){waits}"
    )


def orders(plan: Plan) -> tuple[str, ...]:
    """What is late though it is ordered at once, and what has to be ordered next, where anything takes long to come."""
    timed = [(change.lead, change.key) for change in plan.changes if change.lead]
    late = [lead for lead, _ in timed if lead.late_hours]
    dated = sorted((lead.order_by, key, lead) for lead, key in timed if lead.order_by and not lead.late_hours)
    found = []
    if late:
        most = max(lead.late_hours for lead in late)
        found.append(
            f"{counted(len(late), 'change')} will be there too late though ordered at once, by up to {most:.4g} h"
        )
    if dated:
        found.append(f"order first: {dated[0][1]}, {dated[0][2].told()}")
    return tuple(found)


def egress(plan: Plan) -> str:
    """What of the cost is traffic by the GB; nothing where no price of that is stated."""
    if not plan.egress and not plan.cost.has_egress:
        return ""
    was, now = plan.cost.egress_before_usd_per_hour, plan.cost.egress_usd_per_hour
    return f"{now:,.2f} USD/h of it is expected egress, paid by the GB ({now - was:+,.2f})"


def counted(number: int, noun: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short(digest: str) -> str:
    """The first 12 digits of a digest."""
    return digest.removeprefix("sha256:")[:12]


def left_out(rest: Sequence[Change]) -> str:
    """`and 123 more: 100 create, 23 delete`."""
    return f"and {len(rest)} more: {counts(rest)}"


def together(item: Together) -> str:
    """What shortages cost on samples of whole paths."""
    costs = ", ".join(f"{one.shortage_usd_per_hour:,.4f} USD/h at {one.level:.0%}" for one in item.cases)
    return (
        f"Everywhere together, on {counted(item.paths, 'path')} of demand: something is short on {item.chance:.1%} of "
        f"them; shortages cost {costs}."
    )


def case(item: DemandCase) -> tuple[str, str, str, str]:
    """How high demand comes, what an hour then costs, the part of it that shortages cost, and what is short."""
    named = ", ".join(f"{short.units:,.3g} {short.kind} in {short.place}" for short in item.short[:SHORT_NAMED])
    more = item.places - SHORT_NAMED
    told = named + (f" and {more} more" if more > 0 else "")
    return f"{item.level:.0%}", f"{item.usd_per_hour:,.2f}", f"{item.shortage_usd_per_hour:,.2f}", told or "nothing"


def exposure(item: Exposure) -> tuple[str, str, str, str, str, str]:
    """Where, what there is, how likely it is short and when, units missing, what it costs, what one more is worth."""
    return (
        f"{item.place} {item.kind}",
        f"{item.available:,.6g}",
        f"{item.short:.1%} at {item.at:%d %b %H:%M}",
        f"{item.expected_units:,.3g}",
        f"{item.expected_usd_per_hour:,.4f}",
        f"{item.next_unit_usd_per_hour:+,.4f}",
    )


def likely_short(risk: Risk) -> tuple[Exposure, ...]:
    """What may well be short, the most expected cost first."""
    return tuple(item for item in risk.exposures if item.short >= LIKELY)
