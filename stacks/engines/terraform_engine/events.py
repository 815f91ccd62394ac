"""The machine-readable output of `plan -json` and `apply -json`, a line an event, gathered while it comes."""

import json
from collections import Counter
from collections.abc import Callable, Mapping

from stacks.engines.engine import Action
from stacks.engines.terraform_engine.labels import key_at
from stacks.engines.terraform_engine.render import UNKNOWN

_PLANNED = {
    "create": Action.CREATE,
    "update": Action.UPDATE,
    "replace": Action.REPLACE,
    "delete": Action.DELETE,
    "import": Action.ADOPT,
}
_DONE = {"create": Action.CREATE, "update": Action.UPDATE, "delete": Action.DELETE}
_NO_RESOURCE = ("provider[", "data.")
_IGNORED = frozenset({"noop", "no-op", "read"})


class Events:
    """What one root's run said.

    Attributes:
        planned: action by key.
        unwritten: whether the state is to be written though nothing may be planned: what is live is not what it says,
            a resource has another key, or what the root exports is another.
        done: how many resources met each action.
        failures: messages by key, or by "" where no resource is named.
        said: the errors in full, by which their cause is known.
    """

    def __init__(self, keys: Mapping[str, str], on_done: Callable[[int, str], None]) -> None:
        self._keys = keys
        self._on_done = on_done
        self.planned: dict[str, Action] = {}
        self.unwritten = False
        self.done: Counter[Action] = Counter()
        self.failures: dict[str, list[str]] = {}
        self.said: list[str] = []

    def __call__(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:  # a crash of the program prints no JSON; its exit code tells
            return
        match event.get("type") if isinstance(event, dict) else None:
            case "planned_change":
                self._plan(event["change"])
            case "resource_drift":
                self.unwritten = True
            case "outputs":
                self.unwritten |= any(
                    output.get("action", "noop") != "noop" for output in event.get("outputs", {}).values()
                )
            case "apply_complete":
                self._complete(event["hook"])
            case "diagnostic":
                self._diagnose(event["diagnostic"])

    @property
    def told(self) -> str:
        """All failures as one line."""
        named = ((key, message) for key, messages in sorted(self.failures.items()) for message in messages)
        return "; ".join(f"{key}: {message}" if key and key not in message else message for key, message in named)

    def _plan(self, change: "Mapping[str, dict[str, str]]") -> None:
        word = str(change["action"])
        key = self._key(change["resource"]["addr"])
        self.unwritten |= word == "move"
        if change["resource"]["addr"] == UNKNOWN:
            return
        if word in _PLANNED:
            self.planned[key] = _PLANNED[word]
        elif "importing" in change and word in _IGNORED:
            self.planned[key] = Action.ADOPT

    def _complete(self, hook: "Mapping[str, dict[str, str]]") -> None:
        action = _DONE.get(str(hook["action"]))
        if action is not None:
            self.done[action] += 1
            self._on_done(self.done.total(), self._key(hook["resource"]["addr"]))

    def _diagnose(self, diagnostic: Mapping[str, str]) -> None:
        if diagnostic.get("severity") == "error":
            address = diagnostic.get("address", "")
            key = self._key(address) if address and not address.startswith(_NO_RESOURCE) else ""
            self.said.append(f"{diagnostic['summary']}\n{diagnostic.get('detail', '')}")
            words = _words(diagnostic["summary"], diagnostic.get("detail", ""))
            self.failures.setdefault(key, []).append("; ".join(line.strip() for line in words.splitlines() if line))

    def _key(self, address: str) -> str:
        return self._keys.get(address) or key_at(address)


def _words(summary: str, detail: str) -> str:
    """What an error says, each thing once."""
    if not detail or summary in detail:
        return detail or summary
    return f"{summary}: {detail.strip()}"
