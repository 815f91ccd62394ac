"""A plan as Pulumi: a folder a stack, each with a program in Python that registers what the stack holds. Pure."""

from collections.abc import Iterator, Mapping

from contracts.environment import Environment
from contracts.yaml_plain import plain_text
from stacks.declaration import ESTATE_PROVIDER, Declaration
from stacks.engines.engine import Job
from stacks.engines.pulumi_engine.resources import SECRETS, Surroundings
from stacks.engines.pulumi_engine.workspace import PROJECT, stack_of
from stacks.render.pulumi_program import Program
from stacks.render.written import Written, count, page, shell, table

DISTRIBUTIONS = {"aws": "pulumi-aws>=7", "gcp": "pulumi-gcp>=9"}


def write_pulumi(job: Job, environment: Environment) -> Written:
    """A folder for each stack that holds something, and how to go through them."""
    programs = [
        Program(
            stack=stack,
            declarations=tuple(sorted(items, key=lambda item: item.key)),
            adopt={item.key: item for item in job.adopt},
            surroundings=_surroundings(job, environment),
        )
        for stack, items in _stacks(job, environment).items()
    ]
    files = {name: text for program in programs for name, text in _files(program, environment)}
    return Written(
        files={"README.md": _readme(programs, environment), **files},
        resources=sum(len(program.declarations) for program in programs),
    )


def _stacks(job: Job, environment: Environment) -> Mapping[str, list[Declaration]]:
    found: dict[str, list[Declaration]] = {}
    for root, items in job.roots.items():
        if items:
            found.setdefault(stack_of(environment, root), []).extend(items)
    return found


def _surroundings(job: Job, environment: Environment) -> Surroundings:
    accounts = {region.name: region.cloud.account for region in environment.regions if region.cloud}
    stacks = {root: f"organization/{PROJECT}/{stack_of(environment, root)}" for root in job.roots}
    return Surroundings(providers=job.providers, accounts=accounts, stacks=stacks)


def _files(program: Program, environment: Environment) -> Iterator[tuple[str, str]]:
    project = {
        "name": PROJECT,
        "description": f"Environment {environment.name}, written by prestage render.",
        "runtime": "python",
    }
    needed = ["pulumi>=3.220", *(DISTRIBUTIONS[name] for name in program.packages)]
    yield f"{program.stack}/Pulumi.yaml", plain_text(project)
    yield f"{program.stack}/__main__.py", program.text()
    yield f"{program.stack}/requirements.txt", "".join(f"{line}\n" for line in needed)


def _readme(programs: list[Program], environment: Environment) -> str:
    rows = [
        (f"`{program.stack}`", count(len(program.declarations), "resource"), ", ".join(program.packages) or "estate")
        for program in programs
    ]
    return page(
        f"# Environment {environment.name} as Pulumi",
        "Written by `prestage render`: a project a stack, with a program that registers what `prestage apply` would. "
        "That one goes through the gate and keeps the journal; what is applied by hand does neither.",
        table(["stack", "resources", "packages"], rows),
        "In this order, because later stacks read outputs of earlier ones. Log in to a backend of your own first "
        "(`pulumi login`): in that of `prestage apply` the stacks are the same ones.",
        shell(*(line for program in programs for line in _commands(program))),
        _secrets(programs),
        _estate(programs),
    )


def _commands(program: Program) -> Iterator[str]:
    yield f"cd {program.stack} && pip install -r requirements.txt && pulumi stack select --create {program.stack}"
    yield "pulumi preview && pulumi up && cd .."


def _secrets(programs: list[Program]) -> str:
    rows = [
        (f"`{program.stack}`", f"`pulumi config set --secret {SECRETS}:{name}`")
        for program in programs
        for name in program.secrets
    ]
    return page("Set before the first preview:", table(["stack", "secret"], rows)) if rows else ""


def _estate(programs: list[Program]) -> str:
    if not any(item.provider == ESTATE_PROVIDER for program in programs for item in program.declarations):
        return ""
    return (
        "Resources on premises need the plugin `pulumi-resource-estate` on PATH, from the project's folder, and "
        "`pulumi config set estate:inventory FILE`: see docs/engines/pulumi.md."
    )
