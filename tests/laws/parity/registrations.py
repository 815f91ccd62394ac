"""What a program registers with Pulumi, without an engine: each registration as a line, as a provider would record it.

The lines have the form of `tests/clouds/recording_provider.py`, so that either can be judged.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any  # lines are JSON

import pulumi
from pulumi.runtime import mocks

from stacks.engines.pulumi_engine.resources import SECRETS
from tests.clouds.recording_provider import computed

Line = Mapping[str, Any]


class Recorder(mocks.Mocks):
    """Remembers what was registered, and answers with made-up values that occur once."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def new_resource(self, args):
        in_cloud = args.typ.startswith(("aws:", "gcp:"))
        made = computed(args.typ, f"urn:pulumi:s::p::{args.typ}::{args.name}") if in_cloud else {}
        outputs = {**made, **args.inputs}
        id = f"<{args.typ} {args.name}>"
        line = {
            "action": "register",
            "type": args.typ,
            "name": args.name,
            "inputs": args.inputs,
            "outputs": outputs,
            "id": id,
            "provider": _provider_name(args.provider),
        }
        self.lines.append(line)
        return id, outputs

    def call(self, args):
        return {}, None


def registered(program: Callable[[], object], secrets: Iterable[str] = ()) -> list[Line]:
    """The lines of all resources that a program registers, in any order; providers are left out."""
    recorder = Recorder()
    asyncio.set_event_loop(asyncio.new_event_loop())  # whoever ran before may have taken his away
    pulumi.runtime.set_all_config({f"{SECRETS}:{name}": f"<secret {name}>" for name in secrets})
    mocks.set_mocks(recorder, project="law", stack="law")

    @pulumi.runtime.test
    def run() -> None:
        program()

    run()
    regions = {line["name"]: line["inputs"].get("region", "") for line in recorder.lines if _is_provider(line)}
    return [{**line, "region": regions.get(line["provider"], "")} for line in recorder.lines if not _is_pulumis(line)]


def _provider_name(reference: str) -> str:
    """The name in `<urn>::<id>`: what a URN ends in."""
    return reference.rpartition("::")[0].rpartition("::")[2]


def _is_provider(line: Line) -> bool:
    return str(line["type"]).startswith("pulumi:providers:")


def _is_pulumis(line: Line) -> bool:
    return str(line["type"]).startswith("pulumi:")
