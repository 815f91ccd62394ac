"""A plan as Terraform: a folder a root, each with the `main.tf.json` that the engine itself would run. Pure."""

from collections.abc import Iterator, Mapping

from contracts.engines import BackendKind
from contracts.environment import Environment
from stacks.declaration import ESTATE_PROVIDER, Declaration
from stacks.engines.engine import Job
from stacks.engines.terraform_engine.backends import StatePlace
from stacks.engines.terraform_engine.labels import variable_of
from stacks.engines.terraform_engine.render import render_roots
from stacks.engines.terraform_engine.roots import MAIN
from stacks.render.written import Written, count, page, shell, table


def write_terraform(job: Job, environment: Environment) -> Written:
    """A folder for each root that holds something, and how to go through them."""
    roots = {root: items for root, items in job.roots.items() if items}
    place = StatePlace(backend=environment.backend, environment=environment.name)
    texts = {root: text for root, text in render_roots(job, place).items() if root in roots}
    files = {f"{root}/{MAIN}": text for root, text in texts.items()}
    return Written(
        files={"README.md": _readme(roots, environment), **files},
        resources=sum(len(items) for items in roots.values()),
    )


def _readme(roots: Mapping[str, tuple[Declaration, ...]], environment: Environment) -> str:
    return page(
        f"# Environment {environment.name} as Terraform",
        "Written by `prestage render`, as Terraform and OpenTofu read it. `prestage apply` goes through the gate and "
        "keeps the journal; what is applied by hand does neither.",
        table(["root", "resources", "providers"], [(f"`{root}`", *_about(items)) for root, items in roots.items()]),
        "In this order, because later roots read what earlier ones say of themselves (`terraform` or `tofu`):",
        shell(*_commands(roots)),
        _state(environment),
        _secrets(roots),
        _estate(roots),
    )


def _about(items: tuple[Declaration, ...]) -> tuple[str, str]:
    return count(len(items), "resource"), ", ".join(sorted({item.provider for item in items}))


def _commands(roots: Mapping[str, tuple[Declaration, ...]]) -> Iterator[str]:
    for root in roots:
        yield f"terraform -chdir={root} init"
        yield f"terraform -chdir={root} plan -out=plan.bin"
        yield f"terraform -chdir={root} apply plan.bin"


def _state(environment: Environment) -> str:
    if environment.backend.kind is BackendKind.LOCAL:
        return (
            "State lies in each root's folder: a state of its own, which knows nothing of what `prestage apply` made. "
            "Do not apply both."
        )
    return f"State lies in the bucket `{environment.backend.bucket}`, where `prestage apply` keeps it too."


def _secrets(roots: Mapping[str, tuple[Declaration, ...]]) -> str:
    names = sorted({name for items in roots.values() for item in items for name in item.secrets()})
    return f"Set first, to secrets: {', '.join(f'`TF_VAR_{variable_of(name)}`' for name in names)}." if names else ""


def _estate(roots: Mapping[str, tuple[Declaration, ...]]) -> str:
    mixed = [f"`{root}`" for root, items in roots.items() if any(item.provider == ESTATE_PROVIDER for item in items)]
    if not mixed:
        return ""
    return (
        f"{', '.join(mixed)}: resources on premises are served by Prestage itself while it runs the engine, so that "
        "these roots are to be read and compared here, and applied by `prestage apply`."
    )
