"""`prestage init`: a project of one's own that runs at once."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import click

from contracts.exits import ExitCode
from prestage.scope import Scope, examples


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """Where the project is made, its name (by default the folder's), the engine in charge, where its regions lie."""

    folder: Path
    name: str
    engine: str
    target: str


@click.command(
    epilog=examples(
        "prestage init my-network          # in the new folder my-network",
        "prestage init . --name my-network # here; files of other names do not matter",
        "prestage init clouds --target aws # regions on AWS; the account is yours to put in",
    )
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--name", help="Name of the project; the folder's by default.")
@click.option("--engine", type=click.Choice(["terraform", "pulumi"]), help="Who applies; pulumi where it is on PATH.")
@click.option(
    "--target",
    type=click.Choice(["estate", "aws", "gcp"]),
    default="estate",
    show_default=True,
    help="Where its regions lie to begin with.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
def command(folder: Path, name: str | None, engine: str | None, target: str, as_json: bool) -> int:
    """Make a project: environment, sample inventory, Pulumi.yaml, pipeline, README."""
    from contracts.accounts import TargetName
    from contracts.engines import EngineName
    from contracts.environment import Environment
    from contracts.yaml_files import read_yaml_document
    from prestage.projects import now
    from prestage.scaffold import ENVIRONMENT, project_files, write_project
    from prestage.views.paper import next_steps
    from stacks.engines.pulumi_engine.prepare import prepare_project

    chosen = engine or _engine_at_hand()
    options = InitOptions(folder=folder, name=name or folder.resolve().name, engine=chosen, target=target)
    scope = Scope(asked_folder=folder, asked_environment=ENVIRONMENT, as_json=as_json)
    files = project_files(options.name, now=now(), engine=EngineName(options.engine), target=TargetName(options.target))
    made = write_project(options.folder, files)
    environment = read_yaml_document(Environment, made.folder / "environments" / f"{ENVIRONMENT}.yaml")
    ready = prepare_project(made.folder, environment)
    written = (*made.written, *ready.written)
    document = {
        "folder": str(made.folder),
        "engine": options.engine,
        "target": options.target,
        "written": written,
        "pulumi": {"backend": ready.backend, "stack": ready.stack, "told": ready.told},
    }
    first = "prestage history import history/traffic.csv --table traffic"
    steps = next_steps(f"cd {folder}", first) if folder != Path() else next_steps(first)
    told = "\n".join(f"  {line}" for line in (*written, *ready.told, _KEY, *_MISSING[options.target]))
    scope.answer(
        document, lambda: f"{len(written)} files written to {made.folder}, engine {options.engine}\n{told}\n{steps}"
    )
    return ExitCode.CLEAN


_KEY = "telemetry is kept encrypted, under a key that the first import makes: keep a copy of .prestage/dev/keys"
_MISSING = {
    "estate": (),
    "aws": ("put your account's id and its regions into environments/dev.yaml; plans need credentials: aws sso login",),
    "gcp": (
        "put your project's id and its regions into environments/dev.yaml; plans need credentials:"
        " gcloud auth application-default login",
    ),
}
"""What a new project cannot know."""


def _engine_at_hand() -> str:
    """Pulumi where people can type `pulumi up`; Terraform has a fallback that every environment holds."""
    return "pulumi" if shutil.which("pulumi") else "terraform"
