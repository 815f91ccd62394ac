"""The history at rest: its key, what was rotated, compacted, verified."""

import dataclasses
from typing import TYPE_CHECKING

from prestage.views.paper import bad, dim, good, next_steps, number, plural, table, title, warn

if TYPE_CHECKING:
    from forecaster.history.keyring import Keyring
    from forecaster.history.manifest import Manifest
    from forecaster.history.upkeep import Compacted, Rotated
    from forecaster.history.verify import Verified

LONGEST = 40
"""Findings listed for people; `--json` has all."""


def keys_document(manifest: "Manifest", keyring: "Keyring | None") -> dict[str, object]:
    """The key's name as JSON; nothing secret."""
    return {
        "encrypted": manifest.key is not None,
        "key": {"kind": manifest.key.by, "version": manifest.key.version} if manifest.key else None,
        "named": keyring.kms.where if keyring else None,
        "history": manifest.history,
        "changes": manifest.counter,
        "files": len(manifest.parts),
    }


def keys_text(manifest: "Manifest", keyring: "Keyring | None") -> str:
    """Which key, where it is, how many files it opens."""
    files = plural(len(manifest.parts), "file")
    if manifest.key is not None:
        where = keyring.kms.where if keyring else ""
        rows = [
            ("key", f"{manifest.key.by} {manifest.key.version}"),
            ("kept by", where),
            ("opens", f"{files}, each under a key of its own"),
            ("history", f"{manifest.history}, change {number(manifest.counter)}"),
        ]
        return "\n".join([title("History", "encrypted"), table(rows)])
    if keyring is None:
        lines = [title("History", f"{files}, not encrypted"), "no key is named in the environment's file"]
        return "\n".join([*lines, next_steps("add to it: history: {key: local}", "prestage history encrypt")])
    if manifest.parts:
        return "\n".join([title("History", warn(f"{files}, not encrypted")), next_steps("prestage history encrypt")])
    return f"No history yet; the first import encrypts it under {keyring.kms.where}"


def rotated_text(report: "Rotated") -> str:
    """How many keys were wrapped anew, under which."""
    if report.version is None:
        return "nothing is encrypted: nothing to rotate\n" + next_steps("prestage history encrypt")
    return f"{plural(report.files, 'file')}: keys wrapped anew, under {report.version}"


def compacted_document(report: "Compacted") -> dict[str, object]:
    """Files and rows as JSON."""
    return {
        "files_before": report.files_before,
        "files_after": report.files_after,
        "forgotten": dict(report.forgotten),
    }


def compacted_text(report: "Compacted") -> str:
    """Files before and after; what was too old."""
    lines = [f"{plural(report.files_before, 'file')} before, {report.files_after:,} now"]
    lines += [f"  {kind}: {plural(rows, 'row')} too old, forgotten" for kind, rows in report.forgotten]
    return "\n".join(lines)


def verified_document(report: "Verified") -> dict[str, object]:
    """The findings as JSON."""
    return dataclasses.asdict(report)


def verified_text(report: "Verified") -> str:
    """All is well, or a line for each finding."""
    kind = "encrypted" if report.encrypted else "not encrypted"
    if not report.findings:
        return good("as it was written") + f": {plural(report.files, 'file')}, {kind}, change {report.counter:,}"
    lines = [title("History", bad(plural(len(report.findings), "finding")))]
    for finding in report.findings[:LONGEST]:
        lines.append(f"  {finding.where}: {finding.what}")
        lines += [dim(f"    next: {finding.next_step}")] if finding.next_step else []
    if len(report.findings) > LONGEST:
        lines.append(dim(f"  and {len(report.findings) - LONGEST} more: --json has them all"))
    return "\n".join(lines)
