"""Makes a project ready for a bare `pulumi up` that asks nothing: backend, stack, secrets provider, provider.

What Pulumi insists on and where it is: the backend is a folder named in Pulumi.yaml; the stack is made and selected
here; a backend of files encrypts secrets by a passphrase, which it reads from the environment. Stacks of Prestage hold
no secret, so the passphrase is empty unless people set one; `.envrc` exports it, for `source .envrc` or direnv.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import yaml

from contracts.environment import Environment
from contracts.files import write_bytes
from contracts.resources import LINKS_ROOT
from contracts.yaml_plain import plain_text
from stacks.engines.pulumi_engine.command import VARIABLES, find_pulumi
from stacks.engines.pulumi_engine.workspace import PulumiWorkspace, stack_of
from stacks.errors import EngineFailed, EngineMissing

LAUNCHER = "pulumi-resource-estate"
ENVRC = """\
# What a bare `pulumi up` wants to know, so that it asks nothing: `source .envrc`, or let direnv do it.
# The stacks of this project hold no secret. Whoever adds one sets a passphrase first.
export PULUMI_CONFIG_PASSPHRASE="${PULUMI_CONFIG_PASSPHRASE-}"
export PULUMI_SKIP_UPDATE_CHECK="${PULUMI_SKIP_UPDATE_CHECK-true}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was set up.

    Attributes:
        backend: its URL.
        stack: made (or found) and selected; None where pulumi is not installed.
        written: files that were written, relative to the project's folder.
        told: sentences for people: what was done, and what is left to them.
    """

    backend: str
    stack: str | None
    written: tuple[str, ...]
    told: tuple[str, ...]


def prepare_project(folder: Path, environment: Environment) -> Prepared:
    """Sets up what a bare `pulumi up` needs. Safe to repeat; what is there already is left as it is.

    Args:
        folder: the project's folder, with a Pulumi.yaml.
        environment: the environment whose stack is made.

    Raises:
        EngineFailed: pulumi refuses to make the stack: in its own words.
    """
    state = folder / environment.state_dir
    workspace = PulumiWorkspace(folder=folder, environment=environment, inventory=state / "estate.db", state=state)
    if backend := workspace.backend_folder:
        backend.mkdir(parents=True, exist_ok=True)
    written = [*_write_launcher(folder), *_write_settings(workspace), *_write_new(folder / ".envrc", ENVRC)]
    told = [f"state of Pulumi: {workspace.backend_url}"]
    try:
        program = find_pulumi()
        for name in reversed(_stacks(environment)):  # the one made last is selected
            _make_stack(workspace, program, name)
        stack = _stacks(environment)[0]
        told.append(f"stack {stack} is there and selected; its passphrase is empty: `source .envrc`, then `pulumi up`")
    except EngineMissing as missing:
        stack = None
        told.append(f"{missing.what}: the stack is made once it is; {missing.next_step}")
    return Prepared(backend=workspace.backend_url, stack=stack, written=tuple(written), told=tuple(told))


def _stacks(environment: Environment) -> tuple[str, ...]:
    """Every stack that people run by hand, that of the first region first."""
    roots = (*(region.name for region in environment.regions), LINKS_ROOT)
    return tuple(dict.fromkeys(stack_of(environment, root) for root in roots))


def _make_stack(workspace: PulumiWorkspace, program: Path, stack: str) -> None:
    words = ["select", workspace.named(stack), "--create"]
    given = dict(workspace.variables())
    if workspace.project_backend:  # a stack is selected for a backend as Pulumi.yaml spells it
        del given["PULUMI_BACKEND_URL"]
    made = subprocess.run(
        [program, "stack", *words, "--non-interactive"],
        cwd=workspace.folder,
        env={**os.environ, **VARIABLES, **given},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        raise EngineFailed(
            made.stderr.strip() or made.stdout.strip(),
            where=f"pulumi stack {' '.join(words)}",
            next_step=f"cd {workspace.folder} && pulumi stack {' '.join(words)}",
        )


def _write_launcher(folder: Path) -> list[str]:
    """The provider's launcher, where Pulumi.yaml looks for it; this repository has its own."""
    for provider in _providers(folder):
        path = folder / provider / LAUNCHER
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, files("stacks.estate").joinpath("plugin", LAUNCHER).read_bytes())
        path.chmod(0o755)
        return [str(path.relative_to(folder))]
    return []


def _providers(folder: Path) -> list[str]:
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    return [item["path"] for item in project.get("plugins", {}).get("providers", ()) if item["name"] == "estate"]


def _write_settings(workspace: PulumiWorkspace) -> list[str]:
    """The settings of every stack."""
    environment = workspace.environment
    config = {
        "estate:inventory": workspace.inventory_setting,
        "prestage:plan": f"plans/{environment.name}.json",
    }
    text = plain_text({"config": config}, sort_keys=True)
    return [
        name for stack in _stacks(environment) for name in _write_new(workspace.folder / f"Pulumi.{stack}.yaml", text)
    ]


def _write_new(path: Path, text: str) -> list[str]:
    if path.exists():
        return []
    write_bytes(path, text.encode())
    return [path.name]


def main() -> None:
    """`python -m stacks.engines.pulumi_engine.prepare [FOLDER [ENVIRONMENT]]`: for a checkout that was just cloned."""
    from contracts.yaml_files import read_yaml_document

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    name = sys.argv[2] if len(sys.argv) > 2 else "dev"
    environment = read_yaml_document(Environment, folder / "environments" / f"{name}.yaml")
    print("\n".join(prepare_project(folder, environment).told))


if __name__ == "__main__":
    main()
