"""What OpenTofu and Terraform say when they fail, as errors that a person can act on. Pure.

Their own words are those of 1.11; what they have in common with Pulumi is in `stacks.engines.causes`.
"""

import re

from stacks.engines.causes import failed
from stacks.errors import ApplyBusy, StacksError

LOCKED = "Error acquiring the state lock"
_LOCK = ("ID", "Who", "Created")


def engine_failed(text: str, words: str, *, where: str) -> StacksError:
    """The error of a command that failed.

    Args:
        text: everything that it said.
        words: what it said in short.
        where: which root.
    """
    return _locked(text, where) if LOCKED in text else failed(text, words, where=where)


def _locked(text: str, where: str) -> ApplyBusy:
    """The lock as the engine describes it: its id, who holds it, since when."""
    said = {
        name: match[1]
        for name, match in ((name, re.search(rf"^\s*{name}:\s+(.+)", text, re.MULTILINE)) for name in _LOCK)
        if match
    }
    id = said.get("ID", "unknown").strip()
    since = f" since {said['Created'].strip()}" if "Created" in said else ""
    return ApplyBusy(
        f"its state is locked by {said.get('Who', 'somebody').strip()}{since} (lock {id})",
        where=where,
        next_step=f"wait for them; if they are gone for good: force-unlock {id} in the root's folder",
    )
