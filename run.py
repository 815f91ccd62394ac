"""The one command of a checkout: makes what is missing, then does what was asked. Standard library only.

python3 run.py demo [...]       plays one day of an on-premises estate, forecast to reconcile
python3 run.py test [...]       lint, format, types, layers, tests; arguments go to pytest (-m long: those of minutes)
python3 run.py engines          makes sure of tofu and pulumi, building what is not there; readies `pulumi up`
python3 run.py prestage ...     the command line itself
python3 run.py env              only makes or refreshes the developer's environment, .venv
"""

import sys

if sys.version_info < (3, 11):  # before anything that an older Python cannot read
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.stderr.write(
        "error: Prestage needs Python 3.11 or later, and this is " + found + " at " + sys.executable + ".\n"
    )
    sys.stderr.write("Run it by a newer one, for example: python3.11 run.py demo\n")
    sys.exit(64)

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import NoReturn

from tools import engines
from tools.cache import say
from tools.environment import ROOT, Level, SetupError, ensure_environment

WRONG_USAGE = 64
PARALLEL = ("-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder")  # a file's tests share what is dear to make
CHECKS = (
    ("lint", ("ruff", "check", ".")),
    ("format", ("ruff", "format", "--check", ".")),
    ("types", ("mypy",)),
    ("layers", ("lint-imports",)),
)


def main(arguments: list[str]) -> int:
    """Does one verb and returns its exit code; `demo`, `prestage` and the tests take this process over."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "demo":
        run_prestage(["demo", *rest])
    if verb == "prestage":
        run_prestage(rest)
    if verb == "test":
        return run_checks(rest)
    if verb == "engines" and not rest:
        return engines.main() or ready_for_pulumi_up()
    if verb == "env" and not rest:
        print(ensure_environment(Level.DEVELOPER))
        return 0
    if verb in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    sys.stderr.write(f"error: no such verb or arguments: {' '.join(arguments) or 'none given'}\n\n{__doc__}")
    return WRONG_USAGE


def run_prestage(arguments: list[str]) -> NoReturn:
    """Becomes the command line, so that its signals and exit codes are its own; the working directory stays."""
    python = ensure_environment(Level.RUNTIME)
    # -P: a folder of the user's own called `policies` or `stacks` must not shadow ours.
    os.execve(python, [str(python), "-P", "-m", "prestage", *arguments], environ_of(python))


def ready_for_pulumi_up() -> int:
    """Makes the stack and the settings that a `pulumi up` in this checkout wants, and says what to type."""
    pulumi = engines.find_engine("pulumi")
    if pulumi is None:
        return 0
    python = ensure_environment(Level.RUNTIME)
    prepare = [str(python), "-P", "-m", "stacks.engines.pulumi_engine.prepare", "."]
    code = subprocess.run(prepare, cwd=ROOT, env=environ_of(python), stdout=sys.stderr, check=False).returncode
    if not code and shutil.which("pulumi") is None:
        say(f'to type `pulumi up` here: export PATH="{pulumi.parent}:$PATH"; source .envrc')
    return code


def run_checks(pytest_arguments: list[str]) -> int:
    """Runs the checks, each until the first that fails, then becomes pytest, whose lines come last."""
    python = ensure_environment(Level.DEVELOPER)
    environ, started = environ_of(python), time.monotonic()
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start hundreds of Pythons, each of which would compile it all
    for title, command in CHECKS:
        say(f"== {title}: {' '.join(command)}")
        code = subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode
        if code:
            say(f"== {title} failed (exit {code}) after {time.monotonic() - started:.0f} s")
            return code
    say(f"== tests: pytest {' '.join(pytest_arguments)} (the checks before took {time.monotonic() - started:.0f} s)")
    os.chdir(ROOT)
    os.execve(python, [str(python), "-m", "pytest", *PARALLEL, *pytest_arguments], environ)


def environ_of(python: Path) -> dict[str, str]:
    """This process's variables with the environment's programs first on PATH, where the engines look for Python."""
    return {**os.environ, "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)])}


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted: nothing half made is used; run the same command again\n")
        sys.exit(130)
