"""Finds the engines that apply plans, and builds the missing ones from Go modules.

Where it stands: `python3 run.py engines` calls `main`; tests call `find_engine`. Standard library only, so that it runs
before there is an environment.

Layout, which the distribution reads too: `$XDG_CACHE_HOME` or `~/.cache`, then

    prestage/engines/tofu-1.11.5/tofu
    prestage/engines/pulumi-3.259.0/pulumi
                                   /pulumi-language-python       launcher of the next
                                   /pulumi_language_host.py
                                   /pulumi-language-python-exec  from the Go module of the CLI's version
    prestage/engines/google-3.60.0/registry.terraform.io/hashicorp/google/3.60.0/linux_amd64/
                                   terraform-provider-google_v3.60.0

The last is no engine but a Terraform provider, and its folder a filesystem mirror: tests run it against a stand-in of
Google's APIs. It is the newest that Go modules serve (March 2021); whoever has an account takes it from a registry.

A folder appears whole or not at all: it is built aside, under a lock, and renamed. What is on PATH comes before the
cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.cache import cache_dir, locked, say

HERE = Path(__file__).resolve().parent
PROGRESS_S = 10.0  # seconds between two lines of progress; CI logs go quiet otherwise
LANGUAGE_HOST = "pulumi-language-python"
SCRATCH = ".build-"
PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
PROVIDERS = "registry.terraform.io/hashicorp"


class EngineBuildError(Exception):
    """An engine could not be built: the message says which, why, and what to type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one engine is built: `tools/NAME/go.mod` pins `module`, whose `package` is the command.

    `linker_flags` may hold `{version}`, which go.mod decides.

    Attributes:
        skips: what is not tested without it.
        instead: what to do where it cannot be built.
        mirrored: the release that it is, where it is a Terraform provider: it goes into a filesystem mirror then.
    """

    name: str
    module: str
    package: str
    linker_flags: str
    skips: str
    instead: str
    mirrored: str = ""

    @property
    def version(self) -> str:
        """The release: as mirrored, else the pinned version, without the `v`."""
        return self.mirrored or self.pinned

    @property
    def executable(self) -> str:
        """Where it lies in its folder; a glob for a provider, whose folder is named for a platform."""
        if not self.mirrored:
            return self.name
        return f"{PROVIDERS}/{self.name}/{self.mirrored}/*/terraform-provider-{self.name}_v{self.mirrored}"

    @property
    def pinned(self) -> str:
        """The version that go.mod pins, without the `v`."""
        text = (HERE / self.name / "go.mod").read_text(encoding="utf-8")
        match = re.search(rf"^(?:require )?\s*{re.escape(self.module)} v(\S+)", text, re.MULTILINE)
        if match is None:
            raise EngineBuildError(f"tools/{self.name}/go.mod does not require {self.module}")
        return match.group(1)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="tofu",
            module="github.com/opentofu/opentofu",
            package="github.com/opentofu/opentofu/cmd/tofu",
            linker_flags="-s -w -X github.com/opentofu/opentofu/version.dev=no",
            skips="tests of OpenTofu",
            instead="Install tofu, or Go 1.25.11 or later",
        ),
        Recipe(
            name="pulumi",
            module="github.com/pulumi/pulumi/pkg/v3",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            linker_flags="-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}",
            skips="tests of Pulumi",
            instead="Install pulumi, or Go 1.25.11 or later",
        ),
        Recipe(
            name="google",
            module="github.com/hashicorp/terraform-provider-google-beta",
            package="github.com/hashicorp/terraform-provider-google-beta",
            linker_flags="-s -w",
            skips="tests of Google's Terraform provider",
            instead="Name a filesystem mirror that has hashicorp/google in PRESTAGE_PROVIDER_MIRROR, or install Go",
            mirrored="3.60.0",
        ),
    )
}


def engines_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that built engines are kept in, shared by all checkouts of this user."""
    return cache_dir(environ) / "engines"


def find_engine(name: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The executable of engine `name` (a key of `RECIPES`): on PATH, else built before, else None.

    A `pulumi` without its Python language host can run no program, so it does not count.
    """
    path = environ.get("PATH", os.defpath)
    recipe = RECIPES[name]
    on_path = None if recipe.mirrored else shutil.which(name, path=path)
    if on_path is not None and (name != "pulumi" or _has_language_host(Path(on_path), path)):
        return Path(on_path)
    return next((engines_dir(environ) / f"{name}-{recipe.version}").glob(recipe.executable), None)


def ensure_engine(name: str) -> Path | None:
    """The executable of engine `name`, built now if need be; None where there is no Go to build it with.

    Raises:
        EngineBuildError: Go is there and the build failed.
    """
    recipe, cache = RECIPES[name], engines_dir()
    found = find_engine(name)
    if found is None:
        if shutil.which("go") is None:
            return None
        with locked(cache / ".lock", doing="building engines"):
            found = find_engine(name) or _build(recipe, cache)
    if found.is_relative_to(cache) and name == "pulumi":
        _copy_language_host(found.parent)  # it belongs to this checkout, and may be newer than the CLI
    return found


def main() -> int:
    """Makes sure of every engine and says where each is; 0 unless a build failed."""
    for name, recipe in RECIPES.items():
        try:
            executable = ensure_engine(name)
        except EngineBuildError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        if executable is None:
            print(
                f"{name}: missing, and no Go to build {recipe.version} with: {recipe.skips} will skip. "
                f"{recipe.instead}, and run `python3 run.py engines` again."
            )
        else:
            print(f"{name}: {executable}")
    return 0


def _has_language_host(cli: Path, path: str) -> bool:
    return cli.resolve().with_name(LANGUAGE_HOST).exists() or shutil.which(LANGUAGE_HOST, path=path) is not None


def _build(recipe: Recipe, cache: Path) -> Path:
    target = cache / f"{recipe.name}-{recipe.version}"
    for abandoned in cache.glob(f"{SCRATCH}*"):  # by a build that was killed; the lock is ours
        shutil.rmtree(abandoned)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=cache) as scratch:
        module, result = Path(scratch, "module"), Path(scratch, "result")
        shutil.copytree(HERE / recipe.name, module)
        result.mkdir()
        _go_build(recipe, module, result)
        if recipe.mirrored:
            _mirror(recipe, result)
        if recipe.name == "pulumi":
            _copy_language_exec(module, result)
            _copy_language_host(result)
        shutil.rmtree(target, ignore_errors=True)
        result.rename(target)
    return next(target.glob(recipe.executable))


def _mirror(recipe: Recipe, result: Path) -> None:
    """Moves a provider to where a filesystem mirror has it for this platform."""
    listed = subprocess.run(["go", "env", "GOOS", "GOARCH"], capture_output=True, text=True, check=True)
    place = result / recipe.executable.replace("*", "_".join(listed.stdout.split()))
    place.parent.mkdir(parents=True)
    (result / recipe.package.rpartition("/")[2]).rename(place)


def _go_build(recipe: Recipe, module: Path, result: Path) -> None:
    flags = recipe.linker_flags.format(version=recipe.version)
    command = ["go", "build", "-v", "-mod=readonly", "-trimpath", "-ldflags", flags, "-o", str(result), recipe.package]
    title, started, log = f"{recipe.name} {recipe.version}", time.monotonic(), module / "build.log"
    say(f"building {title} from Go modules: 1 to 3 minutes on 2 cores, once")
    with log.open("wb") as output:
        build = subprocess.Popen(
            command, cwd=module, stdin=subprocess.DEVNULL, stdout=output, stderr=output, close_fds=False
        )
        while _still_runs(build):
            packages = log.read_bytes().count(b"\n")
            say(f"building {title}: {packages} packages, {time.monotonic() - started:.0f} s")
    if build.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise EngineBuildError(
            f"building {title} failed (`go build` exit {build.returncode}):\n{last}\n"
            f"Run `python3 run.py engines` again. Instead: {recipe.instead}."
        )
    say(f"built {title} in {time.monotonic() - started:.0f} s")


def _still_runs(build: subprocess.Popen[bytes]) -> bool:
    try:
        build.wait(PROGRESS_S)
    except subprocess.TimeoutExpired:
        return True
    except BaseException:
        build.terminate()
        build.wait()
        raise
    return False


def _copy_language_exec(module: Path, result: Path) -> None:
    """Takes the program runner out of the SDK module that the build has just verified against go.sum."""
    command = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", PULUMI_SDK]
    listed = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False)
    source = Path(listed.stdout.strip()) / "python" / "cmd" / f"{LANGUAGE_HOST}-exec"
    if listed.returncode or not source.exists():
        raise EngineBuildError(f"{LANGUAGE_HOST}-exec is not in the module {PULUMI_SDK}: {listed.stderr.strip()}")
    _install(source, result / source.name)


def _copy_language_host(folder: Path) -> None:
    _install(HERE / "pulumi_language_host.py", folder / "pulumi_language_host.py")
    _install(HERE / "pulumi_language_host.sh", folder / LANGUAGE_HOST)


def _install(source: Path, target: Path) -> None:
    """Makes `target` an executable copy of `source`; readers see the old or the new one, whole."""
    content = source.read_bytes()
    if target.exists() and target.read_bytes() == content:
        return
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    scratch.write_bytes(content)
    scratch.chmod(0o755)
    scratch.replace(target)
