"""Records on which arguments the clouds' real Terraform providers replace a resource: `replacing.json`.

    python -m tests.clouds.record_replacing

Each type that a target declares is planned once, without any cloud: its configuration is what is declared, its state
has every argument altered, and the plan names the paths that cannot change in place (`replace_paths`). The Google
provider that can be built here is that of 2021: what came later (`gcp_newer.py`) is not recorded.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from stacks.declaration import Argument, Declaration, Ref, SecretRef
from stacks.engines.pulumi_engine.classes import class_of
from stacks.engines.terraform_engine.program import find_program
from tests.clouds import gcp_newer
from tests.clouds.mirror import cli_config, find_mirror
from tests.clouds.recording_provider import REPLACING

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
LEFT_ALONE = frozenset({"tags", "labels", "user_labels"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider that plans without any cloud."""

    name: str
    version: str
    settings: Mapping[str, Json]

    @property
    def source(self) -> str:
        return f"registry.terraform.io/hashicorp/{self.name}"


AWS = Provider(
    name="aws",
    version="5.100.0",
    settings={
        "region": "eu-central-1",
        "access_key": "x",
        "secret_key": "x",
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_requesting_account_id": True,
        "skip_region_validation": True,
    },
)
GOOGLE = Provider(
    name="google",
    version="3.60.0",
    settings={"project": "prestage-test", "region": "europe-west1", "access_token": "x"},
)


def recorded(declarations: Iterable[Declaration], provider: Provider, mirror: Path) -> Mapping[str, list[str]]:
    """By token, Pulumi's names of the arguments that replace."""
    first: dict[str, Declaration] = {}
    for item in _known_to(provider, declarations):
        first.setdefault(item.type, item)
    with tempfile.TemporaryDirectory() as folder:
        planned = _plan(Path(folder), first, provider, mirror)
    found: dict[str, list[str]] = {}
    for change in planned["resource_changes"]:
        cloud = class_of(change["type"])
        paths = change["change"].get("replace_paths") or []
        names = {cloud.property_name(path[0]) for path in paths if cloud.takes(cloud.python_name(path[0]))}
        found[cloud.bridge.token] = sorted(names)
    return found


def _known_to(provider: Provider, declarations: Iterable[Declaration]) -> Iterator[Declaration]:
    for item in declarations:
        if item.type.startswith(f"{provider.name}_") and item.type not in gcp_newer.TYPES:
            yield gcp_newer.older(item) if provider is GOOGLE else item


def _plan(folder: Path, items: Mapping[str, Declaration], provider: Provider, mirror: Path):
    program = find_program().command
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": str(cli_config(folder, mirror))}

    def run(*words: str) -> str:
        done = subprocess.run([*program, *words], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    content = {
        "terraform": {"required_providers": {provider.name: {"source": provider.source}}},
        "provider": {provider.name: dict(provider.settings)},
        "resource": {type: {"it": _known(item.arguments)} for type, item in items.items()},
    }
    (folder / "main.tf.json").write_text(json.dumps(content))
    run("init", "-input=false")
    schemas = json.loads(run("providers", "schema", "-json"))["provider_schemas"][provider.source]
    state = _state(items, provider, schemas["resource_schemas"])
    (folder / "terraform.tfstate").write_text(json.dumps(state))
    run("plan", "-refresh=false", "-no-color", "-out=planned")
    return json.loads(run("show", "-json", "planned"))


def _state(items: Mapping[str, Declaration], provider: Provider, schemas) -> Json:
    resources: list[Json] = []
    for type, item in items.items():
        block = schemas[type]["block"]
        known = _known(item.arguments)
        attributes = dict.fromkeys(block.get("attributes", {})) | {
            name: None if its["nesting_mode"] == "single" else [] for name, its in block.get("block_types", {}).items()
        }
        attributes |= {name: _altered(name, value, block) for name, value in known.items()} | {"id": "it-1"}
        resources.append({
            "mode": "managed", "type": type, "name": "it", "provider": f'provider["{provider.source}"]',
            "instances": [{"schema_version": schemas[type]["version"], "attributes": attributes}],
        })  # fmt: skip
    return {"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x", "resources": resources}


def _known(arguments: Mapping[str, Argument]) -> dict[str, Json]:
    return {name: _plain(value, name) for name, value in arguments.items()}


def _plain(value: Argument, name: str = "") -> Json:
    if isinstance(value, Ref):
        last = value.attribute.rpartition(".")[2]
        stands_for = {
            "arn": "arn:aws:sns:eu-central-1:123456789012:x",
            "cidr_block": "10.0.0.0/16",
            "self_link": "projects/prestage-test/global/networks/x",
        }
        return "203.0.113.1" if last.endswith(("ip", "address")) else stands_for.get(last, f"{name}-1")
    if isinstance(value, SecretRef):
        return "secret12345"
    if isinstance(value, Mapping):
        return {key: _plain(item, key) for key, item in value.items()}
    return [_plain(item, name) for item in value] if isinstance(value, tuple) else value


def _altered(name: str, value: Json, block) -> Json:
    """Another value of the same kind, in the shape of a state."""
    if name in LEFT_ALONE:
        return value
    if name in block.get("block_types", {}):
        return []
    return _other(value)


def _other(value: Json) -> Json:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):  # what is smaller grows: disks do so in place
        return value - 1 if value > 1 else value + 1
    if isinstance(value, str):
        # Of links the provider compares where they lead.
        return f"{value}0" if value.isdigit() or value.startswith("projects/") else f"other-{value}"
    return [_other(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    from stacks.targets.declare import declare
    from tests.clouds.clouds_world import every_kind_of, mixed_environment

    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1")
    declared = declare(every_kind_of(environment), environment)
    found: dict[str, list[str]] = {}
    for provider in (AWS, GOOGLE):
        mirror = find_mirror(provider.name)
        assert mirror, f"no mirror holds hashicorp/{provider.name}"
        found |= recorded(declared, provider, mirror)
    sources = " and ".join(f"{provider.source} {provider.version}" for provider in (AWS, GOOGLE))
    table = {"source": f"plans of {sources}, made by tests/clouds/record_replacing.py", "replacing": found}
    REPLACING.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
