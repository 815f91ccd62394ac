"""`review_plan`: every rule over one plan, findings in one order. Same input, same review."""

from collections.abc import Iterator
from datetime import datetime

from contracts.limits import Level
from contracts.plan import Plan
from contracts.review import Exemption, Finding, Review
from policies.bundle import PolicyBundle
from policies.case import Breach, Case, Facts
from policies.registry import CODES, RULES, Rule

EXEMPTIONS = "exemptions"
"""The rule that findings about exemptions themselves are filed under."""

_SEVERITY = {Level.MANDATORY: 0, Level.OVERRIDABLE: 1, Level.ADVISORY: 2}


def review_plan(plan: Plan, facts: Facts, bundle: PolicyBundle, *, now: datetime) -> Review:
    """Judges a plan.

    Args:
        plan: what is wanted, and the changes to reach it.
        facts: what is there now.
        bundle: the rules' numbers, levels and exemptions.
        now: exemptions and the plan are held against this moment.

    Returns:
        The review, findings sorted: those that deny first, then by rule and resource.
    """
    case = Case(plan, facts, bundle.rules, now)
    findings = [_finding(rule, breach, bundle, now) for rule in RULES for breach in rule.check(case)]
    findings += _about_exemptions(bundle, now)
    return Review(
        environment=plan.environment,
        plan=plan.digest(),
        policies=bundle.digest(),
        reviewed_at=now,
        rules=CODES,
        findings=tuple(sorted(findings, key=_order)),
    )


def _finding(rule: Rule, breach: Breach, bundle: PolicyBundle, now: datetime) -> Finding:
    level = bundle.level(rule) if breach.worsened else Level.ADVISORY
    exemption = bundle.exemption(rule, breach.resource, now) if level is Level.OVERRIDABLE else None
    return Finding(
        rule=rule.code,
        level=level,
        resource=breach.resource,
        message=breach.message if breach.worsened else f"{breach.message}; was so before, and gets no worse",
        fix=breach.fix,
        exempted_by=f"{exemption.owner} until {exemption.expires.isoformat()}" if exemption else None,
    )


def _about_exemptions(bundle: PolicyBundle, now: datetime) -> Iterator[Finding]:
    """Exemptions that have no effect: expired, or of a rule that cannot be exempted here."""
    levels = {rule.code: bundle.level(rule) for rule in RULES}
    for exemption in bundle.exemptions:
        if exemption.expires <= now:
            fix = "remove it from the exemptions file, or renew it"
            yield _told(exemption, f"expired at {exemption.expires.isoformat()}", fix)
        elif levels[exemption.rule] is Level.MANDATORY:
            fix = f"remove it, or set rules.levels.{exemption.rule} to overridable"
            yield _told(exemption, "has no effect, the rule is mandatory here", fix)


def _told(exemption: Exemption, what: str, fix: str) -> Finding:
    message = f"the exemption from {exemption.rule} by {exemption.owner} {what} ({exemption.reason})"
    return Finding(rule=EXEMPTIONS, level=Level.ADVISORY, resource=exemption.resource, message=message, fix=fix)


def _order(finding: Finding) -> tuple[bool, int, str, str, str]:
    return (not finding.denies, _SEVERITY[finding.level], finding.rule, finding.resource, finding.message)
