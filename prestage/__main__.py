"""Entry point of the `prestage` script and of `python -m prestage`."""

import sys

from prestage.failures import run


def main() -> None:
    """Runs the command line and leaves with an exit code of `contracts.exits`."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
