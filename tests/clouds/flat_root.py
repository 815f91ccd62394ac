"""Declarations of all roots as the JSON of one, with nothing of the engines' own renderers: what a provider is asked.

What is declared elsewhere (a peer's gateway in another cloud) stands there as a value of the test's.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stacks.declaration import Declaration, ProviderConfig, Ref, Value

ELSEWHERE = "203.0.113.10"
BLOCKS = frozenset({"assume_role", "endpoints"})  # of provider settings


def label(key: str) -> str:
    """A label of a key: `fra/network/subnet-a` -> `fra__network__subnet-a`."""
    return key.replace("/", "__").replace(".", "_")


def address(item: Declaration) -> str:
    """Where a declaration stands in the flat root."""
    return f"{item.type}.{label(item.key)}"


def flat_root(declarations: Iterable[Declaration], providers: Iterable[ProviderConfig], **more: object) -> str:
    """One root with a provider block each configuration, all with aliases; `more` is added at the top level.

    A declaration whose provider is not among them is made by the first: each start of the real one takes seconds.
    """
    items = {item.key: item for item in declarations}
    configs = {config.name: config for config in providers if config.provider == "aws"}
    content: dict[str, object] = {
        "terraform": {"required_providers": {"aws": {"source": "registry.terraform.io/hashicorp/aws"}}},
        "provider": {"aws": [_provider(config) for config in configs.values()]},
        **more,
    }
    resources: dict[str, dict[str, object]] = {}
    for item in items.values():
        config = item.provider if item.provider in configs else next(iter(configs))
        resources.setdefault(item.type, {})[label(item.key)] = {
            "provider": f"aws.{label(config)}",
            **_block(item, items),
        }
    return json.dumps(content | ({"resource": resources} if resources else {}), indent=1, sort_keys=True)


def _provider(config: ProviderConfig) -> Mapping[str, object]:
    settings = {name: [value] if name in BLOCKS else value for name, value in config.settings.items()}
    return {**settings, "alias": label(config.name)}


def _block(item: Declaration, items: Mapping[str, Declaration]) -> Mapping[str, object]:
    def value_of(ref: object) -> Value:
        assert isinstance(ref, Ref)  # AWS needs no secret
        return f"${{{address(items[ref.key])}.{_path(ref.attribute)}}}" if ref.key in items else ELSEWHERE

    block: dict[str, object] = dict(item.resolved(value_of))
    if item.depends_on:
        block["depends_on"] = [address(items[key]) for key in item.depends_on]
    if item.lifecycle.ignore:
        block["lifecycle"] = {"ignore_changes": list(item.lifecycle.ignore)}
    return block


def _path(attribute: str) -> str:
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in attribute.split("."))[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """A program in a folder of its own."""

    program: str
    folder: Path
    environ: Mapping[str, str]

    def write(self, text: str) -> None:
        (self.folder / "main.tf.json").write_text(text, encoding="utf-8")

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Its output; an exit code that is not expected shows it."""
        done = subprocess.run(
            [self.program, f"-chdir={self.folder}", *arguments],
            env=dict(self.environ),
            capture_output=True,
            text=True,
            timeout=900,  # a busy machine
            check=False,
        )
        assert done.returncode in codes, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def planned(self, plan: str = "plan.bin") -> Mapping[str, tuple[str, ...]]:
        """What a plan file would do, by address: only where it would do something."""
        shown = json.loads(self.run("show", "-json", plan))
        changes = {change["address"]: tuple(change["change"]["actions"]) for change in shown["resource_changes"]}
        return {where: actions for where, actions in changes.items() if actions != ("no-op",)}

    def attributes(self) -> Mapping[str, Mapping[str, Value]]:
        """What the state holds, by address."""
        shown = json.loads(self.run("show", "-json"))
        resources = shown.get("values", {}).get("root_module", {}).get("resources", [])
        return {item["address"]: item["values"] for item in resources}
