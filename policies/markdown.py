"""A review as the comment of a pull request: verdict, cost, findings, changes by region, what to type next.

Forges cut or refuse long comments (GitHub: 65,536 characters). A long one is made again with fewer rows until it
fits; what is left out is counted. Findings that deny go last of all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contracts.plan import Change, Plan
from contracts.preference_wording import summary
from contracts.review import Finding, Review
from contracts.wording import held, symbol, unmet
from policies import words

LIMIT = 60_000
"""Characters. Below GitHub's 65,536, so that a pipeline can put a line of its own before it."""

_CELL = 280  # characters of one cell: longer is for the plan file


@dataclass(frozen=True, slots=True)
class _Detail:
    """How many rows are shown: changes of one group, groups, findings."""

    changes: int
    groups: int
    findings: int


_DETAILS = (
    _Detail(changes=10_000, groups=10_000, findings=10_000),
    _Detail(changes=60, groups=10_000, findings=200),
    _Detail(changes=20, groups=200, findings=100),
    _Detail(changes=5, groups=100, findings=60),
    _Detail(changes=0, groups=100, findings=40),
)


def as_markdown(review: Review, plan: Plan, file: str = "") -> str:
    """The comment, at most `LIMIT` characters. Its first line is a mark by which a pipeline finds it again.

    Args:
        review: the verdict.
        plan: what it is about.
        file: where the plan lies, for the command to type; `plans/<environment>.json` when it is left out.
    """
    text = ""
    for detail in _DETAILS:
        lines = (*_lines(review, plan, detail), *_footer(review, plan, file))
        text = "\n".join(lines) + "\n"
        if len(text) <= LIMIT:
            break
    return text


def _lines(review: Review, plan: Plan, detail: _Detail) -> Iterator[str]:
    mark = "✗" if review.denied else "✓"
    yield f"<!-- prestage review {plan.environment} -->"
    yield f"## {mark} Prestage: `{plan.environment}` {words.verdict(review)}"
    yield ""
    yield f"**{words.counts(plan.changes)}** by {plan.engine}, valid until {plan.expires_at:%Y-%m-%d %H:%M} UTC."
    yield ""
    yield from _cost(plan)
    yield from _elsewhere(plan)
    yield from _unmet(plan)
    yield from _findings(review.findings, detail)
    yield from _changes(plan, detail)
    yield from _risk(plan, detail)


def _unmet(plan: Plan) -> Iterator[str]:
    """What is not staged because nothing that is sold could be; what comes too late, and what is ordered first."""
    told = [*filter(None, map(unmet, plan.requirements)), *held(plan.requirements), *words.orders(plan)]
    yield from (f"- {text}" for text in told)
    if told:
        yield ""


def _elsewhere(plan: Plan) -> Iterator[str]:
    """Demand that is served in another region than where it is forecast."""
    told = list(summary(plan.preference, plan.cost.after_usd_per_hour)) if plan.preference else []
    yield from (f"- {text}" for text in told)
    if told:
        yield ""


def _cost(plan: Plan) -> Iterator[str]:
    before, after = plan.cost.before_usd_per_hour, plan.cost.after_usd_per_hour
    yield from _table(
        ("cost", "before", "after", "difference"),
        "lrrr",
        (
            ("USD per hour", f"{before:,.2f}", f"{after:,.2f}", f"{after - before:+,.2f}"),
            *_egress(plan),
            ("USD per 30 days", f"{before * 720:,.0f}", f"{after * 720:,.0f}", f"{(after - before) * 720:+,.0f}"),
        ),
    )
    yield f"{words.gap(plan)}." + (" **The solver was cut short.**" if plan.cut_short else "")
    yield ""


def _egress(plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    """What of it is traffic by the GB; nothing where no price of that is stated."""
    if plan.egress or plan.cost.has_egress:
        was, now = plan.cost.egress_before_usd_per_hour, plan.cost.egress_usd_per_hour
        yield "of it egress, expected", f"{was:,.2f}", f"{now:,.2f}", f"{now - was:+,.2f}"


def _findings(findings: tuple[Finding, ...], detail: _Detail) -> Iterator[str]:
    if not findings:
        yield "No findings: every rule holds."
        yield ""
        return
    yield f"### {words.counted(len(findings), 'finding')}"
    yield ""
    shown = findings[: detail.findings]
    yield from _table(("", "rule", "resource", "what", "to do"), "lllll", (_finding(finding) for finding in shown))
    if rest := findings[detail.findings :]:
        denying = sum(finding.denies for finding in rest)
        yield f"_and {len(rest)} more, {denying} of which deny: the review file has all._"
        yield ""


def _finding(finding: Finding) -> tuple[str, ...]:
    state = words.standing(finding)
    what = finding.message + (f" (exempted by {finding.exempted_by})" if finding.exempted_by else "")
    resource = f"`{words.subject(finding)}`" if words.subject(finding) else "the plan"
    return (f"**{state}**" if finding.denies else state, f"`{finding.rule}`", resource, what, finding.fix)


def _changes(plan: Plan, detail: _Detail) -> Iterator[str]:
    if not plan.changes:
        return
    yield f"### {words.counted(len(plan.changes), 'change')}"
    yield ""
    requirements = {requirement.id: requirement for requirement in plan.requirements}
    found = words.groups(plan)
    for group in found[: detail.groups]:
        shown, rest = group.changes[: detail.changes], group.changes[detail.changes :]
        yield f"<details><summary><b>{group.name}</b>: {words.counts(group.changes)}"
        yield f"({group.usd_per_hour:+,.2f} USD/h)</summary>"
        yield ""
        if shown:
            rows = (_change(change, words.why(change, requirements)) for change in shown)
            yield from _table(("", "resource", "becomes", "USD/h", "why"), "lllrl", rows)
        if rest:
            yield f"_{words.left_out(rest)}: the plan file has all._"
            yield ""
        yield "</details>"
        yield ""
    if more := found[detail.groups :]:
        changes = [change for group in more for change in group.changes]
        yield f"_and {words.counted(len(more), 'region')} more with {words.counts(changes)}._"
        yield ""


def _risk(plan: Plan, detail: _Detail) -> Iterator[str]:
    if plan.risk is None:
        return
    risk = plan.risk
    yield "### If the forecast is wrong"
    yield ""
    yield f"Shortages cost {risk.expected_usd_per_hour:,.4f} USD/h, expected over {words.counted(risk.hours, 'hour')}."
    yield ""
    head = ("all demand at", "USD per hour", "of it shortages", "short")
    yield from _table(head, "lrrl", (words.case(item) for item in risk.cases))
    if risk.together:
        yield words.together(risk.together)
        yield ""
    if not (found := words.likely_short(risk)):
        return
    yield f"<details><summary>{words.counted(len(found), 'place')} may be short</summary>"
    yield ""
    places = ("where", "has", "short", "units missing", "USD/h", "one more is worth, USD/h")
    yield from _table(places, "lrlrrr", (words.exposure(item) for item in found[: detail.findings]))
    if len(found) > detail.findings:
        yield f"_and {len(found) - detail.findings} more: the plan file has all._"
        yield ""
    yield "</details>"
    yield ""


def _change(change: Change, reason: str) -> tuple[str, ...]:
    becomes = words.becomes(change)
    if change.from_root:
        becomes += f" (from {change.from_root})"
    return (f"`{symbol(change.operation)}`", f"`{change.key}`", becomes, f"{change.usd_per_hour:+,.4f}", reason)


def _footer(review: Review, plan: Plan, file: str) -> Iterator[str]:
    told, command = words.next_steps(review, plan, file)
    yield told
    if command:
        yield from ("", "```", command, "```")
    yield ""
    inputs = plan.inputs
    pairs = [("plan", review.plan), ("policies", review.policies), ("forecast", inputs.forecast)]
    pairs += [("capacity", inputs.capacity), ("previous plan", inputs.previous_plan or "none")]
    yield "<sub>" + " · ".join(f"{name} {words.short(digest)}" for name, digest in pairs) + "</sub>"


def _table(head: Iterable[str], align: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "|".join("--:" if side == "r" else ":--" for side in align) + "|"
    for row in rows:
        yield "| " + " | ".join(_cell(text) for text in row) + " |"
    yield ""


def _cell(text: str) -> str:
    """One line, no bar that would end the cell, no tag that would begin one, not too long."""
    flat = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return flat if len(flat) <= _CELL else flat[: _CELL - 1] + "…"
