"""Entry point of the `prestage` script and of `python -m prestage`."""

import sys
from pathlib import Path

_HOME = Path(__file__).resolve().parents[1]


def main() -> None:
    """Runs the command line and leaves with an exit code of `contracts.exits`."""
    try:
        from prestage.failures import run
    except KeyboardInterrupt:
        sys.exit(130)  # 128 + SIGINT; nothing was begun
    sys.exit(run(sys.argv[1:]))


def _forget_the_current_folder() -> None:
    """`python -m` looks for packages in the current folder first: a user's own `policies` or `stacks` is not ours."""
    if not sys.flags.safe_path and Path(sys.path[0]).resolve() != _HOME:
        del sys.path[0]


if __name__ == "__main__":
    _forget_the_current_folder()
    main()
