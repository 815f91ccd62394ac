"""Reviews in words: text for a terminal here, Markdown for a pull request in `markdown`; JSON is the document."""

from collections.abc import Iterator

from contracts.plan import Plan
from contracts.review import Finding, Review
from policies import words
from policies.markdown import as_markdown

__all__ = ["as_markdown", "as_text"]


def as_text(review: Review, plan: Plan, file: str = "") -> str:
    """Verdict, cost, findings, changes by region in numbers, what to type next about the plan's `file`."""
    return "\n".join(_lines(review, plan, file))


def _lines(review: Review, plan: Plan, file: str) -> Iterator[str]:
    cost = plan.cost
    difference = cost.after_usd_per_hour - cost.before_usd_per_hour
    yield f"{plan.environment} {words.verdict(review)}: {words.counts(plan.changes)}"
    yield f"  plan {words.short(review.plan)}, policies {words.short(review.policies)}"
    yield f"  {cost.before_usd_per_hour:,.2f} -> {cost.after_usd_per_hour:,.2f} USD/h ({difference:+,.2f})"
    if told := words.egress(plan):
        yield f"  {told}"
    yield f"  {words.gap(plan)}"
    yield from (f"  {told}" for told in words.orders(plan))
    yield ""
    if review.findings:
        yield f"{words.counted(len(review.findings), 'finding')}:"
        for finding in review.findings:
            yield from _finding(finding)
    else:
        yield f"No findings: all {len(review.rules)} rules hold."
    yield ""
    found = words.groups(plan)
    width = max((len(group.name) for group in found), default=0)
    for group in found:
        yield f"  {group.name:<{width}}  {group.usd_per_hour:>+10,.2f} USD/h  {words.counts(group.changes)}"
    if found:
        yield ""
    told, command = words.next_steps(review, plan, file)
    yield told
    if command:
        yield f"  {command}"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"  {words.standing(finding):<8}  {finding.rule}  {words.subject(finding) or 'the plan'}"
    yield f"            {finding.message}"
    if finding.exempted_by:
        yield f"            exempted by {finding.exempted_by}"
    elif finding.fix:
        yield f"            fix: {finding.fix}"
