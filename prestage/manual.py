"""The page `docs/commands.md`: the help of every command, as `prestage ... --help` prints it.

    python -m prestage.manual > docs/commands.md

A test holds that the page is what this prints.
"""

from collections.abc import Iterator

import click

from prestage.cli import prestage

WIDTH = 96
PREFACE = """# Commands

Made by `python -m prestage.manual > docs/commands.md` from the commands themselves; a test keeps it so.

Results go to stdout, messages and progress to stderr; `--json` prints exactly one document instead of text. Exit codes
(what a pipeline can branch on):

| code | meaning |
| --- | --- |
| 0 | clean, or done |
| 1 | error |
| 2 | `plan`: there are changes |
| 3 | `drift`: there is drift |
| 4 | `plan`: changes, and what is live also drifted |
| 5 | a policy denies |
| 6 | plan refused: altered, stale, expired, superseded, not reviewed |
| 7 | demand cannot be met: a plan, or a request refused |
| 8 | partly applied, can be resumed |
| 9 | busy: another holds the lock |
| 64 | wrong usage |
| 130 | stopped by Ctrl-C; the message says how to go on |
"""


def manual() -> str:
    """The whole page."""
    sections = [f"## `{name}`\n\n```text\n{text}\n```\n" for name, text in _helps(prestage, None, "prestage")]
    return "\n".join([PREFACE, *sections])


def _helps(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, str]]:
    """Help texts of a command and of all below it."""
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    path = context.command_path
    yield path, click.unstyle(command.get_help(context)).rstrip()
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            assert child is not None
            yield from _helps(child, context, child_name)


if __name__ == "__main__":
    print(manual(), end="")
