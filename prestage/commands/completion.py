"""`prestage completion`: the script that a shell evaluates."""

from dataclasses import dataclass

import click

from prestage.scope import examples


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionOptions:
    """Which shell."""

    shell: str


@click.command(
    epilog=examples(
        'eval "$(prestage completion bash)"              # in ~/.bashrc',
        'eval "$(prestage completion zsh)"               # in ~/.zshrc',
        "prestage completion fish > ~/.config/fish/completions/prestage.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script of a shell."""
    from click.shell_completion import get_completion_class

    from prestage.cli import prestage

    kind = get_completion_class(CompletionOptions(shell=shell).shell)
    assert kind is not None
    click.echo(kind(prestage, {}, "prestage", "_PRESTAGE_COMPLETE").source())
    return 0
