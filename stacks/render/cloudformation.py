"""A plan as CloudFormation: a template a region and account, and one a side of what joins regions. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping

from contracts.accounts import TargetName
from contracts.environment import Environment
from stacks.engines.cloudformation.entries import Unexpressed
from stacks.engines.cloudformation.template import Source, Template
from stacks.engines.cloudformation.templates import render_templates, unexpressed
from stacks.engines.engine import Job
from stacks.errors import InvalidArgument
from stacks.render.written import Written, page, shell, table

DIRECT_BYTES = 51_200
"""A body that is sent with the call; a larger one goes through a bucket (AWS CloudFormation User Guide, quotas)."""


def write_cloudformation(job: Job, environment: Environment) -> Written:
    """A template a file, where their parameters come from, and how to make the stacks.

    Raises:
        InvalidArgument: nothing of the plan lies in AWS.
    """
    declared = [item for items in job.roots.values() for item in items]
    ours = [item for item in declared if environment.target_of(item.provider) is TargetName.AWS]
    if not ours:
        raise InvalidArgument(
            "nothing of the plan lies in AWS, and CloudFormation knows no other place",
            where=f"environment {environment.name}",
            next_step="prestage render --engine terraform, or --engine pulumi",
        )
    templates, left = render_templates(ours, environment), unexpressed(ours, environment)
    files = {f"{template.name}.json": template.text() for template in templates.values()}
    parameters = {name: _sources(item) for name, item in templates.items() if item.parameters}
    if parameters:
        files["parameters.json"] = json.dumps(parameters, indent=2) + "\n"
    elsewhere = len(declared) - len(ours)
    files["README.md"] = _readme(templates, left, elsewhere, environment)
    return Written(files=files, resources=len(ours) - len(left), unexpressed=left)


def _sources(template: Template) -> Mapping[str, Mapping[str, str]]:
    return {name: _source(source) for name, source in template.parameters.items()}


def _source(source: Source) -> Mapping[str, str]:
    named = {"template": source.template, "output": source.output} if source.template else {}
    return {**named, "description": source.described}


def _readme(
    templates: Mapping[str, Template], left: tuple[Unexpressed, ...], elsewhere: int, environment: Environment
) -> str:
    rows = [(f"`{item.name}`", item.location, item.account, str(len(item.resources))) for item in templates.values()]
    return page(
        f"# Environment {environment.name} as CloudFormation",
        "Written by `prestage render`. CloudFormation is no engine of Prestage: nothing here is known to its state, "
        "its journal or its drift reports. Do not make by hand what `prestage apply` made.",
        table(["template", "region", "account", "resources"], rows),
        "In this order, each line with the credentials of its account. A value of another region's or account's "
        "stack is a parameter, because exports do not leave theirs: `parameters.json` says where each comes from.",
        shell(*_commands(templates, environment)),
        _by_hand(templates),
        _left(left),
        f"{elsewhere} more of the plan's resources lie outside of AWS." if elsewhere else "",
    )


def _commands(templates: Mapping[str, Template], environment: Environment) -> Iterator[str]:
    if any(source.template for item in templates.values() for source in item.parameters.values()):
        yield "output() {  # region, stack, output"
        yield "  aws cloudformation describe-stacks --region $1 --stack-name $2 --output text \\"
        yield "    --query \"Stacks[0].Outputs[?OutputKey=='$3'].OutputValue\""
        yield "}"
    for template in templates.values():
        values = [f'"{name}={_value(source, templates, environment)}"' for name, source in template.parameters.items()]
        bucket = ["--s3-bucket $BUCKET"] if len(template.text().encode()) > DIRECT_BYTES else []
        words = [
            f"aws cloudformation deploy --region {template.location}",
            f"--stack-name {environment.name}-{template.name} --template-file {template.name}.json",
            *bucket,
            "--capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset",
            *([f"--parameter-overrides {' '.join(values)}"] if values else []),
        ]
        yield " \\\n  ".join(words)


def _value(source: Source, templates: Mapping[str, Template], environment: Environment) -> str:
    if not source.template:
        return f"${{{_variable(source)}:?{source.described}}}"
    home = templates[source.template]
    return f"$(output {home.location} {environment.name}-{home.name} {source.output})"


def _variable(source: Source) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in source.named).upper()


def _by_hand(templates: Mapping[str, Template]) -> str:
    given = {
        _variable(source): source.described
        for item in templates.values()
        for source in item.parameters.values()
        if not source.template
    }
    if not given:
        return ""
    rows = [(f"`{name}`", described) for name, described in sorted(given.items())]
    return page("Set first, because no template's output says it:", table(["variable", "what"], rows))


def _left(left: Iterable[Unexpressed]) -> str:
    rows = [(f"`{item.key}`", f"`{item.type}`", item.reason) for item in left]
    if not rows:
        return ""
    return page("## Not in any template", table(["resource", "type", "why"], rows))
