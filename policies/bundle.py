"""`PolicyBundle`: which rules with which numbers, levels and exemptions judge a plan. One digest for all of it."""

import json
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from contracts.document import text_digest
from contracts.limits import Level, Rules
from contracts.review import Exemption
from contracts.spelling import likely
from policies.errors import UnknownRule
from policies.registry import CODES, RULES, Rule


@dataclass(frozen=True, slots=True)
class PolicyBundle:
    """The rules of an environment.

    Raises:
        UnknownRule: a level or an exemption names a rule that there is not.
    """

    rules: Rules
    exemptions: tuple[Exemption, ...] = ()

    def __post_init__(self) -> None:
        for code in self.rules.levels:
            _known(code, "rules.levels")
        for exemption in self.exemptions:
            _known(exemption.rule, f"exemption by {exemption.owner}")

    def digest(self) -> str:
        """Changes when any rule, number, level or exemption does; not with the order of exemptions."""
        content = {
            "rules": [[rule.code, rule.version, rule.level] for rule in RULES],
            "settings": self.rules.model_dump(mode="json", exclude={"exemptions"}),
            "exemptions": sorted(exemption.model_dump_json() for exemption in self.exemptions),
        }
        return text_digest(json.dumps(content, sort_keys=True, separators=(",", ":")))

    def level(self, rule: Rule) -> Level:
        """What a breach of a rule does here."""
        return self.rules.levels.get(rule.code, rule.level)

    def exemption(self, rule: Rule, resource: str, now: datetime) -> Exemption | None:
        """The exemption that covers a resource now; of several, the one that lasts longest."""
        covering = [
            exemption
            for exemption in self.exemptions
            if exemption.rule == rule.code and now < exemption.expires and fnmatchcase(resource, exemption.resource)
        ]
        return max(covering, key=lambda exemption: (exemption.expires, exemption.owner), default=None)


def _known(code: str, where: str) -> None:
    if code not in CODES:
        raise UnknownRule(
            f"there is no rule {code!r}; {likely(code, CODES)}".rstrip("; "),
            where=where,
            expected=f"one of {', '.join(CODES)}",
        )
