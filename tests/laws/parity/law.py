"""The law: whatever a plan is, the engines are told of the same resources with the same references."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from contracts.environment import Environment
from stacks.declaration import Declaration
from stacks.engines.cloudformation.templates import render_templates, unexpressed
from stacks.engines.engine import Job
from stacks.engines.pulumi_engine.resources import Surroundings, register
from stacks.engines.terraform_engine.backends import StatePlace
from stacks.engines.terraform_engine.render import render_roots
from tests.laws.parity import cloudformation_view, pulumi_view
from tests.laws.parity.alterations import argument_names
from tests.laws.parity.cloudformation_view import Templates
from tests.laws.parity.compare import differing, injective
from tests.laws.parity.differences import CLOUDFORMATION, IMPLIED, PULUMI, UNTOLD
from tests.laws.parity.folded import folded
from tests.laws.parity.registrations import registered
from tests.laws.parity.terraform_view import Exports, configured, exported
from tests.laws.parity.words import View, told


def terraform(job: Job) -> tuple[View, Exports]:
    """What Terraform is told of a job, and what its roots export."""
    texts = render_roots(job, StatePlace())
    return configured(texts), exported(texts)


def pulumi_breaches(view: View, job: Job, environment: Environment) -> list[str]:
    """Where what Pulumi is told of a job is not what Terraform is."""
    declared = [item for items in job.roots.values() for item in items]
    accounts = {region.name: region.cloud.account for region in environment.regions if region.cloud}
    surroundings = Surroundings(providers=job.providers, accounts=accounts)
    secrets = {name for item in declared for name in item.secrets()}
    lines = registered(lambda: register(declared, surroundings=surroundings), secrets)
    return against_pulumi(view, pulumi_view.received(lines))


def against_pulumi(view: View, other: View) -> list[str]:
    """Where what Pulumi was told is not what Terraform is."""
    return [*differing(told(view), other, PULUMI), *_types(view, other, pulumi_view.names_type)]


def cloudformation_breaches(view: View, exports: Exports, job: Job, environment: Environment) -> list[str]:
    """Where what CloudFormation is told of what lies in AWS is not what Terraform is."""
    declared = [item for items in job.roots.values() for item in items]
    templates = Templates(render_templates(declared, environment))
    left = frozenset(item.key for item in unexpressed(declared, environment))
    aws = {key: seen for key, seen in view.items() if seen.type.startswith("aws_")}
    here, there = folded(aws, templates.parts(), left), templates.view()
    found = [*templates.unknown(), *differing(here, there, CLOUDFORMATION)]
    found += _types(here, there, cloudformation_view.names_type)
    found += [
        f"{key}: {name} is {there[key].facts.get((name,))}, not {value}"
        for (type, name), value in IMPLIED.items()
        for key, seen in here.items()
        if seen.type == type and there[key].facts.get((name,)) != value
    ]
    wanted = {item for item in exports if item[0] in here and not _untold(here[item[0]].type, item[1])}
    return [*found, *(f"{key} does not export {name}" for key, name in sorted(wanted - templates.exported()))]


def around(job: Job, type: str) -> Job:
    """The part of a job that declarations of a type need and that needs them, with all arguments that occur in it."""
    items = {item.key: item for found in job.roots.values() for item in found}
    kept: set[str] = set()
    said: set[str] = set()
    for item in items.values():
        if item.type == type and not (len(kept) > 1 and argument_names(item) <= said):
            kept.add(item.key)
            said |= argument_names(item)
    kept |= {item.key for item in items.values() if kept & _needs(item)}
    while more := {need for key in kept for need in _needs(items[key])} - kept:
        kept |= more
    roots = {root: tuple(item for item in found if item.key in kept) for root, found in job.roots.items()}
    return replace(job, roots={root: found for root, found in roots.items() if found})


def _needs(item: Declaration) -> set[str]:
    return {*(ref.key for ref in item.refs()), *item.depends_on}


def _types(view: View, other: View, names: object) -> Iterable[str]:
    assert callable(names)
    types = {(view[key].type, other[key].type) for key in view.keys() & other.keys()}
    called: Mapping[str, str] = dict(sorted(types))
    return [
        *injective(called),
        *(f"{mine} is called {theirs}" for mine, theirs in sorted(types) if not names(mine, theirs)),
    ]


def _untold(type: str, attribute: str) -> bool:
    return any(type == untold and attribute.startswith(name) for untold, name in UNTOLD)
