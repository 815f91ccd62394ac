"""The findings of `prestage doctor`."""

import textwrap
from collections.abc import Sequence

from prestage.doctor import Finding, Health
from prestage.views.paper import WIDTH, bad, dim, good, warn

_MARKS = {Health.GOOD: good("✓"), Health.NOTE: warn("!"), Health.BAD: bad("✗")}


def doctor_text(findings: Sequence[Finding]) -> str:
    """A line a finding, and what to do about those that are not good."""
    width = max(len(finding.check) for finding in findings)
    lines = []
    for finding in findings:
        first, *rest = textwrap.wrap(finding.found, WIDTH - width - 4) or [""]
        lines.append(f"{_MARKS[finding.health]} {finding.check:<{width}}  {first}")
        lines += [f"  {'':<{width}}  {line}" for line in rest]
        if finding.next_step:
            lines.append(f"  {'':<{width}}  {dim('next:')} {finding.next_step}")
    worst = sum(finding.health is Health.BAD for finding in findings)
    lines.append("")
    lines.append(bad(f"{worst} to mend") if worst else good("all is well"))
    return "\n".join(lines)
