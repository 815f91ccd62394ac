"""The table of commands. A command's module is imported only when that command runs or shows its own help."""

import difflib
import importlib
from pathlib import Path
from typing import NamedTuple

import click


class Entry(NamedTuple):
    """Where a command is (`prestage.commands.<module>`, its object `command`) and its line in the overview."""

    module: str
    summary: str


SECTIONS: dict[str, dict[str, Entry]] = {
    "Look ahead": {
        "history": Entry("history", "Import telemetry; show what is kept."),
        "events": Entry("events", "Import events that move demand; show what is known of them."),
        "forecast": Entry("forecast", "Forecast every series, hourly and daily, with 15 quantiles."),
        "backtest": Entry("backtest", "Score every model on windows that it has not seen, from rolling origins."),
    },
    "Decide": {
        "capacity": Entry("capacity", "Show totals, use, what is staged and what is free, read live."),
        "plan": Entry("plan", "Build the plan out of forecast, live capacity, prices and rules."),
        "explain": Entry(
            "explain", "Show why a resource is planned: forecast, requirement, price, alternatives refused."
        ),
        "review": Entry("review", "Review a plan against the policies and write the verdict beside it."),
        "render": Entry(
            "render", "Write a plan as Terraform, Pulumi or CloudFormation, to read, diff and apply by hand."
        ),
    },
    "Act": {
        "apply": Entry("apply", "Apply a reviewed plan file, exactly as it was reviewed."),
        "destroy": Entry("destroy", "Destroy what the environment made, links first, as far as nobody leans on it."),
        "drift": Entry("drift", "Show what differs from what was applied, and whether that is expected."),
        "adopt": Entry("adopt", "Propose what exists in the clouds for a place here; take it in, unchanged."),
        "reconcile": Entry("reconcile", "Plan, review and apply until nothing is left to change."),
    },
    "Answer": {
        "request": Entry("request", "Ask for a peering or for addresses."),
        "hold": Entry("hold", "Reserve staged units for a customer until a time."),
        "release": Entry("release", "Give a hold or a grant back."),
        "status": Entry("status", "Show the last plan, units by state, what is handed out, open runs, counters."),
    },
    "Set up": {
        "doctor": Entry("doctor", "Check the installation, the engines, the project's files and its state."),
        "demo": Entry("demo", "Play one day: telemetry, forecast, plan, review, apply, requests, drift, reconcile."),
        "init": Entry("init", "Make a project: environment, sample inventory, Pulumi.yaml, pipeline, README."),
        "completion": Entry("completion", "Print the completion script of a shell."),
        "schema": Entry("schema", "Print the JSON schema of a document."),
    },
}
"""Commands by section, in the order of the work."""


class Overview(click.Group):
    """A group whose overview needs none of its commands' modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the sections."""
        return [name for section in SECTIONS.values() for name in section]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command; a name that is none is answered with the likely one."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"there is no command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one command's module."""
        entry = next((section[cmd_name] for section in SECTIONS.values() if cmd_name in section), None)
        if entry is None:
            return None
        command = importlib.import_module(f"prestage.commands.{entry.module}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the sections."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.summary) for name, entry in section.items()])


EPILOG = """\b
A first round in a project's folder:
  prestage history import traffic.csv --table traffic --unit gbps
  prestage forecast --env dev
  prestage plan --env dev --out plans/dev.json      # exit 2: it has changes
  prestage review plans/dev.json --format markdown
  prestage apply plans/dev.json --yes"""


@click.group(
    cls=Overview, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="prestage")
@click.option("--project", type=click.Path(path_type=Path), help="The project's folder, for the command that follows.")
@click.pass_context
def prestage(ctx: click.Context, project: Path | None) -> None:
    """Stages network capacity, addresses and peering before the request for them arrives."""
    ctx.obj = project
