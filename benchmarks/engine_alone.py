"""The engines without Prestage: the same declarations, by the programs' own commands, two roots at a time.

OpenTofu or Terraform, `stock`: per root `init` (the provider, a Python script, from a filesystem mirror), `plan -out`,
`apply` of that plan, and the `apply -refresh-only` that people are advised to run after it; the program starts the
provider for each command. `served`: the same roots without `init` and refresh, and with one provider for all of them
(TF_REATTACH_PROVIDERS): the least that the program can be asked for. A clean plan is one `plan` a root.

Pulumi: per stack `stack init`, then `up --yes --skip-preview --refresh` with a Python program that registers the
declarations, and the provider's executable from Pulumi.yaml. A clean plan is `preview --refresh`.
"""

import os
import pickle
import platform
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from contracts.resources import LINKS_ROOT
from stacks.declaration import Declaration
from stacks.engines.terraform_engine.program import QUIET, find_program
from stacks.engines.terraform_engine.roots import MAIN, render_root
from stacks.estate.terraform_source import SOURCE

AT_ONCE = 2
Roots = Mapping[str, tuple[Declaration, ...]]
PROVIDER = """#!{python}
import sys
from pathlib import Path
from tf.runner import run_provider
from stacks.estate.inventory import Inventory
from stacks.estate.terraform_provider import EstateProvider
run_provider(EstateProvider(Inventory(Path({inventory!r}))), sys.argv)
"""
PROJECT = """name: alone
runtime: {{name: python}}
main: program/
backend: {{url: "file://{folder}/state?metadata=skip"}}
plugins: {{providers: [{{name: estate, path: program}}]}}
"""
PROGRAM = """import pickle, pulumi
from pathlib import Path
from stacks.engines.pulumi_engine.resources import register
register(pickle.loads((Path(__file__).parent / f"{pulumi.get_stack()}.pickle").read_bytes()))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """How long an apply of everything took, and then a plan that changes nothing."""

    apply: float
    clean: float


def terraform_alone(folder: Path, roots: Roots, inventory: Path, *, served: bool) -> Seconds:
    """Applies and plans with the program that Prestage would take."""
    from stacks.estate.terraform_provider import serve

    program = find_program().command
    for root, declarations in roots.items():
        (folder / root).mkdir(parents=True)
        (folder / root / MAIN).write_text(render_root(declarations))
    mirror = {} if served else {"TF_CLI_CONFIG_FILE": str(_write_mirror(folder, inventory))}
    started = time.monotonic()
    provider: AbstractContextManager[Mapping[str, str]] = serve(inventory) if served else nullcontext({})
    with provider as variables:
        environment = {**os.environ, **QUIET, **mirror, **variables}

        def run(*commands: Sequence[str]) -> Callable[[str], None]:
            return lambda root: _run_all([[*program, *words] for words in commands], folder / root, environment)

        before = [] if served else [["init", "-no-color"]]
        after = [] if served else [["apply", "-refresh-only", "-auto-approve"]]
        _each(roots, run(*before, ["plan", "-out=plan.bin"], ["apply", "plan.bin"], *after))
        applied = time.monotonic()
        _each(roots, run(["plan", "-detailed-exitcode"]))  # ends with 2 if anything would change
        return Seconds(apply=applied - started, clean=time.monotonic() - applied)


def pulumi_alone(folder: Path, roots: Roots, inventory: Path) -> Seconds:
    """Applies and plans with the CLI, a stack a root."""
    from stacks.engines.pulumi_engine.command import VARIABLES, find_pulumi

    program = find_pulumi()
    _write_project(folder, roots, inventory)
    path = f"{program.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **VARIABLES, "PULUMI_CONFIG_PASSPHRASE": "", "PATH": path}

    def run(*commands: Sequence[str]) -> Callable[[str], None]:
        return lambda root: _run_all(
            [[str(program), *words, "--stack", root, "--non-interactive"] for words in commands], folder, environment
        )

    started = time.monotonic()
    _each(roots, run(["stack", "init", "--no-select"], ["up", "--yes", "--skip-preview", "--refresh"]))
    applied = time.monotonic()
    _each(roots, run(["preview", "--refresh", "--expect-no-changes"]))
    return Seconds(apply=applied - started, clean=time.monotonic() - applied)


def _each(roots: Roots, act: Callable[[str], None]) -> None:
    """All regions two at a time, then the links."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        list(pool.map(act, [root for root in roots if root != LINKS_ROOT]))
    act(LINKS_ROOT)


def _run_all(commands: Sequence[Sequence[str]], folder: Path, environment: Mapping[str, str]) -> None:
    for command in commands:
        ended = subprocess.run(command, cwd=folder, env=dict(environment), capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")


def _write_mirror(folder: Path, inventory: Path) -> Path:
    """A filesystem mirror that holds the provider, and the configuration that names it."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    place = folder / "mirror" / SOURCE / "0.1.0" / f"{platform.system().lower()}_{machine}"
    place.mkdir(parents=True)
    script = place / "terraform-provider-estate_v0.1.0"
    script.write_text(PROVIDER.format(python=sys.executable, inventory=str(inventory)))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    configuration = folder / "mirror.tfrc"
    configuration.write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder / "mirror"}"\n  }}\n}}\n'
    )
    return configuration


def _write_project(folder: Path, roots: Roots, inventory: Path) -> None:
    (folder / "program").mkdir(parents=True)
    (folder / "state").mkdir()
    (folder / "Pulumi.yaml").write_text(PROJECT.format(folder=folder))
    (folder / "program" / "__main__.py").write_text(PROGRAM)
    launcher = folder / "program" / "pulumi-resource-estate"
    launcher.write_bytes(files("stacks.estate").joinpath("plugin", launcher.name).read_bytes())
    launcher.chmod(0o755)
    for root, declarations in roots.items():
        (folder / f"Pulumi.{root}.yaml").write_text(f"config: {{estate:inventory: {inventory}}}\n")
        (folder / "program" / f"{root}.pickle").write_bytes(pickle.dumps(declarations))
