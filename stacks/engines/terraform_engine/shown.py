"""The text of a plan as people read it, without what only stands for what is not known yet. Pure."""

import re

from stacks.engines.terraform_engine.render import UNKNOWN

_BLOCK = re.compile(rf"  # {re.escape(UNKNOWN)} will be created\n.*?\n    }}\n\n?", re.DOTALL)
_ADDED = re.compile(r"(?<=\bPlan: )(?P<before>(?:\d+ to import, )?)(?P<count>\d+)(?= to add)")


def without_unknown(text: str) -> str:
    """A plan's text without the resource that stands for what other roots have not said."""
    shortened, found = _BLOCK.subn("", text)
    if not found:
        return text
    return _ADDED.sub(lambda match: f"{match['before']}{int(match['count']) - 1}", shortened)
