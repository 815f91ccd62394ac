"""The program behind `pulumi preview --policy-pack policies/pack`. `PolicyPack` serves until Pulumi is done.

One mandatory policy a rule reports what denies, one advisory policy tells the rest: the level of a finding is the
environment's to set, the level of a policy is fixed when the pack starts. A stack that cannot be judged is denied.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pulumi_policy import EnforcementLevel, Policy, PolicyPack, ReportViolation, StackValidationArgs
from pulumi_policy import StackValidationPolicy as StackPolicy

from contracts.errors import PrestageError
from contracts.review import Finding, Review
from policies.pack.declared import Declared, declared
from policies.pack.ground import project_folder, read_ground
from policies.pack.judge import PACK_RULES, advice, denials, judge
from policies.registry import RULES

Select = Callable[[Review], Iterable[Finding]]


@cache
def reviews(stack: tuple[Declared, ...]) -> tuple[Review, ...]:
    """A review for each environment that the stack's resources are tagged with; made once for all policies."""
    folder, now = project_folder(Path.cwd()), datetime.now(UTC)
    names = sorted({item.environment for item in stack})
    return tuple(
        judge(read_ground(folder, name), tuple(item for item in stack if item.environment == name), now=now)
        for name in names
    )


def stack_of(args: StackValidationArgs) -> tuple[Declared, ...]:
    """The estate's resources among those of the stack."""
    read = (declared(item.resource_type, item.urn, item.props) for item in args.resources)
    return tuple(item for item in read if item is not None)


def readable(args: StackValidationArgs, report: ReportViolation) -> None:
    """The stack can be judged: its resources, the project's files and the plan are readable."""
    try:
        reviews(stack_of(args))
    except PrestageError as error:
        report(error.render(), None)


def policy(name: str, promise: str, level: EnforcementLevel, select: Select) -> Policy:
    """A policy that reports the findings that `select` picks, each at its resource."""

    def check(args: StackValidationArgs, report: ReportViolation) -> None:
        try:
            stack = stack_of(args)
            found = reviews(stack)
        except PrestageError:
            return  # `readable` reports it
        urns = {item.resource.key: item.urn for item in stack}
        for finding in (finding for review in found for finding in select(review)):
            report(f"{finding.resource}: {finding.message}\n{finding.fix}".strip(), urns.get(finding.resource))

    return StackPolicy(name, promise, check, enforcement_level=level)


def main() -> None:
    """Serves the pack."""
    promise = (readable.__doc__ or "").strip()
    policies: list[Policy] = [
        StackPolicy("readable", promise, readable, enforcement_level=EnforcementLevel.MANDATORY),
        policy("advice", "What the rules tell and let pass.", EnforcementLevel.ADVISORY, advice),
    ]
    for rule in RULES:
        if rule.code in PACK_RULES:
            select = _denials_of(rule.code)
            policies.append(policy(rule.code, rule.promise, EnforcementLevel.MANDATORY, select))
    PolicyPack("prestage", policies=policies)


def _denials_of(code: str) -> Select:
    return lambda review: denials(review, code)


if __name__ == "__main__":
    main()
