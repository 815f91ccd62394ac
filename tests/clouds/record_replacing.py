"""Records on which arguments the real Terraform provider for AWS replaces a resource: `replacing.json`.

    python -m tests.clouds.record_replacing

Each type that the target declares is planned once, without any cloud: its configuration is what is declared, its state
has every argument altered, and the plan names the paths that cannot change in place (`replace_paths`).
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from stacks.declaration import Argument, Declaration, Ref, SecretRef
from stacks.engines.pulumi_engine.classes import class_of
from stacks.engines.terraform_engine.program import find_program
from tests.clouds.mirror import cli_config, find_mirror
from tests.clouds.recording_provider import REPLACING

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
SOURCE = "registry.terraform.io/hashicorp/aws"
LEFT_ALONE = frozenset({"tags", "labels"})
SETTINGS: dict[str, Json] = {
    "region": "eu-central-1",
    "access_key": "x",
    "secret_key": "x",
    "skip_credentials_validation": True,
    "skip_metadata_api_check": True,
    "skip_requesting_account_id": True,
    "skip_region_validation": True,
}


def recorded(declarations: tuple[Declaration, ...], mirror: Path) -> Mapping[str, list[str]]:
    """By token, Pulumi's names of the arguments that replace."""
    first = {item.type: item for item in reversed(declarations) if item.type.startswith("aws_")}
    with tempfile.TemporaryDirectory() as folder:
        planned = _plan(Path(folder), first, mirror)
    found: dict[str, list[str]] = {}
    for change in planned["resource_changes"]:
        cloud = class_of(change["type"])
        paths = change["change"].get("replace_paths") or []
        names = {cloud.property_name(path[0]) for path in paths if cloud.takes(cloud.python_name(path[0]))}
        found[cloud.bridge.token] = sorted(names)
    return found


def _plan(folder: Path, items: Mapping[str, Declaration], mirror: Path):
    program = find_program().command
    environment = {**os.environ, "TF_CLI_CONFIG_FILE": str(cli_config(folder, mirror))}

    def run(*words: str) -> str:
        done = subprocess.run([*program, *words], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    content = {
        "terraform": {"required_providers": {"aws": {"source": SOURCE}}},
        "provider": {"aws": SETTINGS},
        "resource": {type: {"it": _known(item.arguments)} for type, item in items.items()},
    }
    (folder / "main.tf.json").write_text(json.dumps(content))
    run("init", "-input=false")
    schemas = json.loads(run("providers", "schema", "-json"))["provider_schemas"][SOURCE]["resource_schemas"]
    (folder / "terraform.tfstate").write_text(json.dumps(_state(items, schemas)))
    run("plan", "-refresh=false", "-no-color", "-out=planned")
    return json.loads(run("show", "-json", "planned"))


def _state(items: Mapping[str, Declaration], schemas) -> Json:
    resources: list[Json] = []
    for type, item in items.items():
        block = schemas[type]["block"]
        known = _known(item.arguments)
        attributes = dict.fromkeys(block.get("attributes", {})) | {
            name: None if its["nesting_mode"] == "single" else [] for name, its in block.get("block_types", {}).items()
        }
        attributes |= {name: _altered(name, value, block) for name, value in known.items()} | {"id": "it-1"}
        resources.append({
            "mode": "managed", "type": type, "name": "it", "provider": f'provider["{SOURCE}"]',
            "instances": [{"schema_version": schemas[type]["version"], "attributes": attributes}],
        })  # fmt: skip
    return {"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": "x", "resources": resources}


def _known(arguments: Mapping[str, Argument]) -> dict[str, Json]:
    return {name: _plain(value, name) for name, value in arguments.items()}


def _plain(value: Argument, name: str = "") -> Json:
    if isinstance(value, Ref):
        last = value.attribute.rpartition(".")[2]
        stands_for = {"arn": "arn:aws:sns:eu-central-1:123456789012:x", "cidr_block": "10.0.0.0/16"}
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
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return f"{value}0" if value.isdigit() else f"other-{value}"
    return [_other(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    from stacks.targets.declare import declare
    from tests.clouds.clouds_world import every_kind_of, mixed_environment

    mirror = find_mirror("aws")
    assert mirror, "no mirror holds hashicorp/aws"
    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1")
    table = {
        "source": f"plans of {SOURCE} 5.100.0, made by tests/clouds/record_replacing.py",
        "replacing": recorded(declare(every_kind_of(environment), environment), mirror),
    }
    REPLACING.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
