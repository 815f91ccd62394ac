"""What an engine did, what drifted, and how a request was answered."""

from collections.abc import Sequence
from datetime import datetime

from contracts.drift import Difference, DriftClass, DriftReport
from contracts.requests import Decision, Missing, Outcome
from contracts.run import RootRun, RunReport, RunStatus
from coordinator.watch import Look
from prestage.views.paper import bad, dim, good, moment, number, plural, table, title, warn


def run_text(report: RunReport) -> str:
    """A line a root, and how it ended as a whole."""
    head = ("root", "status", "created", "updated", "deleted", "s", "")
    verdict = good("applied") if report.complete else bad("partly applied")
    note = f"{report.program} {report.program_version}, {report.seconds:.1f} s{', resumed' if report.resumed else ''}"
    rows = [_root(root) for root in report.roots]
    return "\n".join(
        [f"{title(f'Run {report.run}')}: {verdict}  {dim(note)}", table(rows, head=head, right=(2, 3, 4, 5))]
    )


def drift_text(report: DriftReport) -> str:
    """Drift first, each difference in three views; then what is expected, a line a resource."""
    found, expected = report.found, report.expected
    verdict = warn(plural(len(found), "difference")) if found else good("no drift")
    note = dim(f"{len(expected)} expected, read {moment(report.read_at)}")
    lines = [f"{title(f'Drift of {report.environment}')}: {verdict}  {note}"]
    lines += [line for item in found for line in _difference(item)]
    if expected:
        told = {item.key: item.why for item in expected}  # the last word on each
        lines.append(table(told.items(), head=("expected", "")))
    return "\n".join(lines)


def look_text(look: Look, now: datetime) -> str:
    """One look of a watch: everything where it has news, else a line."""
    if look.report is None:
        return f"{moment(now)}  {bad('could not look')}: {look.failure}"
    if look.news and look.report.found:
        return drift_text(look.report)
    found = plural(len(look.report.found), "difference") + ", as before" if look.report.found else "no drift"
    return f"{moment(look.report.read_at)}  {found}"


def decision_text(decision: Decision) -> str:
    """Outcome and what was handed out, or what is missing in numbers."""
    lines = [
        f"{title(f'{decision.kind} request {decision.request}')}: {_outcome(decision)}  {dim(f'{decision.ms:.1f} ms')}"
    ]
    if decision.units:
        lines.append(table([("unit", unit) for unit in decision.units]))
    if decision.prefixes:
        lines.append(table([("addresses", ", ".join(decision.prefixes))]))
    if decision.until:
        lines.append(table([("grant", f"{decision.grant} until {moment(decision.until)}")]))
    if decision.score is not None:
        lines.append(f"  score {decision.score:.3f}")
        lines.append(
            table([(p.name, f"{p.value:.3f}", f"x {p.weight:g}", p.why) for p in decision.score_parts], indent=4)
        )
    if decision.missing:
        lines.append(missing_text(decision.missing))
    return "\n".join(lines)


def missing_text(missing: Sequence[Missing]) -> str:
    """What a refused request lacks, in numbers."""
    head = ("missing", "at", "wanted", "there is", "why")
    rows = [(item.kind, item.place, number(item.wanted, 3), number(item.available, 3), item.why) for item in missing]
    return table(rows, head=head, right=(2, 3))


def _outcome(decision: Decision) -> str:
    if decision.outcome is Outcome.REFUSED:
        return bad("refused")
    latency = f", latency {decision.latency}" if decision.latency else ""
    return good(decision.outcome.replace("_", " ")) + latency


def _root(root: RootRun) -> tuple[str, ...]:
    paint = good if root.status in (RunStatus.DONE, RunStatus.CLEAN) else bad
    counts = (str(root.created), str(root.updated), str(root.deleted))
    return (
        root.root,
        paint(root.status),
        *counts,
        f"{root.seconds:.1f}",
        root.message.splitlines()[0] if root.message else "",
    )


def _difference(item: Difference) -> tuple[str, str]:
    paint = bad if item.drift_class is DriftClass.HARMFUL else warn
    applied, live, wanted = (
        value if value is not None else "nothing" for value in (item.last_applied, item.live, item.wanted)
    )
    return (
        f"  {paint(item.drift_class)}  {item.key}  {item.field}: {item.why}",
        dim(f"    applied {applied}, live {live}, wanted {wanted}{f'; by {item.by}' if item.by else ''}"),
    )
