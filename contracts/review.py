"""`Review`: what the policies say of a plan, bound to the plan's digest and to that of the policy bundle."""

from typing import ClassVar

from pydantic import AwareDatetime, Field

from contracts.document import Document, Model
from contracts.limits import Level


class Exemption(Model):
    """A rule does not deny resources that match a pattern, until a day, by the word of an owner."""

    rule: str
    resource: str  # fnmatch pattern over resource keys; `*` for findings of the whole plan
    reason: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    expires: AwareDatetime


class Exemptions(Document):
    """The exemptions file."""

    FORMAT: ClassVar[str] = "prestage/exemptions"

    exemptions: tuple[Exemption, ...] = ()


class Finding(Model):
    """One thing that one rule found.

    Attributes:
        rule: the rule's code, e.g. `budget`.
        resource: the key of the resource, or `*` for the plan as a whole.
        message: what, with the numbers.
        fix: what to do about it.
        exempted_by: owner and expiry of the exemption that covers it.
    """

    rule: str
    level: Level
    resource: str
    message: str
    fix: str = ""
    exempted_by: str | None = None

    @property
    def denies(self) -> bool:
        """Advisory findings never deny; mandatory ones always; overridable ones unless exempted."""
        match self.level:
            case Level.ADVISORY:
                return False
            case Level.MANDATORY:
                return True
            case Level.OVERRIDABLE:
                return self.exempted_by is None


class Review(Document):
    """The verdict on one plan."""

    FORMAT: ClassVar[str] = "prestage/review"
    VOLATILE: ClassVar[frozenset[str]] = frozenset({"reviewed_at"})

    environment: str
    plan: str  # digest
    policies: str  # digest of the policy bundle
    reviewed_at: AwareDatetime
    rules: tuple[str, ...]  # codes of all rules that ran
    findings: tuple[Finding, ...] = ()

    @property
    def denied(self) -> bool:
        return any(finding.denies for finding in self.findings)
