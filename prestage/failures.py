"""What ends a command: its result, an error, a key press or a closed pipe, each as message and exit code.

- usage error (Click): 64, on stderr with the command's usage; with --json, as every error, one document on stdout too
- `PrestageError`: its own exit code
- full disk: 1, says that nothing was left half written
- Ctrl-C: 130, says how to go on
- closed pipe: Click leaves quietly
"""

import errno
import json
import os
import shlex
import sys
from collections.abc import Sequence

import click

from contracts.errors import PrestageError
from contracts.exits import ExitCode
from prestage.cli import prestage

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code."""
    paint = _wants_colour()
    try:
        result = prestage.main(args=arguments, prog_name="prestage", standalone_mode=False, color=paint)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE if isinstance(error, click.UsageError) else ExitCode.ERROR
        if "--json" in arguments:
            _tell_in_json(PrestageError(error.format_message(), next_step=_help_of(error)), code)
        return code
    except (click.Abort, KeyboardInterrupt):
        return _interrupted(arguments)
    except PrestageError as error:
        return _failed(error, as_json="--json" in arguments)
    except OSError as error:
        return _failed(_disk_error(error), as_json="--json" in arguments)
    return int(result or 0)


def _failed(error: PrestageError, *, as_json: bool) -> int:
    click.echo(
        f"{click.style('error', fg='red', bold=True)}: {error.render()}", err=True, color=_wants_colour(err=True)
    )
    if as_json:
        _tell_in_json(error, error.exit_code)
    return error.exit_code


def _tell_in_json(error: PrestageError, code: ExitCode) -> None:
    parts = {"what": error.what, "where": error.where, "expected": error.expected, "next_step": error.next_step}
    click.echo(json.dumps({"error": {**parts, "exit_code": int(code)}}))


def _help_of(error: click.ClickException) -> str:
    """What shows how a command is used."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path if context else 'prestage'} --help"


def _interrupted(arguments: Sequence[str]) -> int:
    again = shlex.join(["prestage", *arguments])
    click.echo(f"stopped: what was finished is kept, nothing is half written\n  to go on: {again}", err=True)
    return INTERRUPTED


def _disk_error(error: OSError) -> PrestageError:
    """A full disk and its like in words; any other `OSError` keeps its own."""
    where = str(error.filename or "")
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return PrestageError(
                f"no space is left to write to ({error.strerror})",
                where=where,
                expected="files are written whole or not at all: those that were there are as they were",
                next_step="make room and run the same command again",
            )
        case _:
            return PrestageError(error.strerror or str(error), where=where)


def _wants_colour(*, err: bool = False) -> bool | None:
    """Colour only for a terminal, and never with NO_COLOR (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return (sys.stderr if err else sys.stdout).isatty()
