"""Holds and releases."""

import dataclasses
from typing import TYPE_CHECKING

from prestage.views.paper import bad, dim, good, moment, next_steps, plural, table, title
from prestage.views.runs import missing_text

if TYPE_CHECKING:
    from coordinator.hold import Hold, Release


def hold_document(hold: "Hold") -> dict[str, object]:
    """A hold as JSON."""
    told = dataclasses.asdict(hold)
    missing = [item.model_dump(mode="json") for item in hold.missing]
    return {**told, "until": hold.until.isoformat() if hold.until else None, "missing": missing}


def hold_text(hold: "Hold") -> str:
    """What is held until when, or what is missing."""
    head = title(f"Hold {hold.id} for {hold.customer}")
    if hold.missing:
        return f"{head}: {bad('not enough is staged')}\n{missing_text(hold.missing)}"
    until = f"until {moment(hold.until)}" if hold.until else ""
    units = table([(unit,) for unit in hold.units])
    told = f"{head}: {good(plural(len(hold.units), 'unit'))}  {dim(until)}"
    return "\n".join([told, units, next_steps(f"prestage release {hold.id}")])


def release_document(release: "Release") -> dict[str, object]:
    """A release as JSON."""
    return {**dataclasses.asdict(release), "staged_again": release.staged_again.isoformat()}


def release_text(release: "Release") -> str:
    """What was given back."""
    units = table([(unit,) for unit in release.units])
    note = dim(f"staged again {moment(release.staged_again)}")
    told = f"{title(f'Released {release.id} of {release.customer}')}: {plural(len(release.units), 'unit')}"
    return f"{told}  {note}\n{units}"
