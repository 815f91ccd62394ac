"""What Google's providers know of our declarations: pulumi_gcp all, the Terraform provider of 2021 all but a list.

The list is `tests/clouds/gcp_newer.py`; it is held to both providers here, and docs/targets/gcp.md to it.
"""

import json
import re
import subprocess

import pytest
from pulumi import _types as input_types

from stacks.declaration import Ref, SecretRef
from stacks.engines.pulumi_engine import classes
from tests.clouds.gcp_newer import ARGUMENTS, TYPES, older
from tests.clouds.mirror import cli_config, google_mirror
from tests.stacks.targets.gcp_world import ENVIRONMENT, buying, declared, touching_google
from tools.engines import find_engine
from tools.environment import ROOT

# Of pulumi_gcp, when a module of it is imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:gcp\..*has been deprecated:DeprecationWarning")
DECLARED = tuple(declared(touching_google(), buying(ENVIRONMENT)).values())
PAGE = ROOT / "docs" / "targets" / "gcp.md"


def unknown_to(inputs, bridge, arguments, where=""):
    """Paths of arguments that an inputs class of Pulumi does not take, however deep."""
    names, types = input_types.input_type_py_to_pulumi_names(inputs), input_types.input_type_types(inputs)
    for name, value in arguments.items():
        python = bridge.renamed.get(name, name)
        if python not in names:
            yield f"{where}{name}"
            continue
        hint = types[names[python]]
        block = classes.block_of(classes.element_of(hint) or hint)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, dict) and block is not None:
                yield from unknown_to(block, bridge, item, f"{where}{name}.")


@pytest.mark.parametrize("type", sorted({item.type for item in DECLARED}))
def test_the_current_provider_takes_every_argument(type):
    found = classes.class_of(type)
    items = [item for item in DECLARED if item.type == type]
    assert not [path for item in items for path in unknown_to(found.inputs, found.bridge, item.arguments)]


def test_an_argument_that_nobody_takes_is_found_however_deep():
    found = classes.class_of("google_dns_record_set")
    (record,) = (item for item in DECLARED if item.key == "bel/failover/ams/record")
    policy = {**record.arguments["routing_policy"], "healthy_check": "x"}
    unknown = unknown_to(found.inputs, found.bridge, {**record.arguments, "routing_policy": policy, "names": "x"})
    assert sorted(unknown) == ["names", "routing_policy.healthy_check"]


@pytest.fixture(scope="module")
def schemas(tmp_path_factory):
    """The schemas of the provider of 2021, by type."""
    tofu, folder = find_engine("tofu"), tmp_path_factory.mktemp("schemas")
    if tofu is None:
        pytest.skip("no tofu: `python3 run.py engines` builds it")
    config = cli_config(folder, google_mirror())
    required = {"google": {"source": "registry.terraform.io/hashicorp/google", "version": "3.60.0"}}
    (folder / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": required}}))
    for command in (("init",), ("providers", "schema", "-json")):
        environ = {"TF_CLI_CONFIG_FILE": str(config), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
        done = subprocess.run([tofu, *command], cwd=folder, env=environ, capture_output=True, text=True, check=True)
    (provider,) = json.loads(done.stdout)["provider_schemas"].values()
    return provider["resource_schemas"]


def unknown_in(block, arguments, where=""):
    """Paths of arguments that a block of a Terraform schema does not take."""
    for name, value in arguments.items():
        nested = block.get("block_types", {}).get(name)
        if nested is not None:
            for item in value if isinstance(value, tuple) else (value,):
                yield from unknown_in(nested["block"], item, f"{where}{name}.")
        elif name not in block.get("attributes", {}):
            yield f"{where}{name}"


@pytest.mark.engine
def test_the_list_is_what_the_old_provider_does_not_know_no_more_no_less(schemas):
    found: dict[str, set[str]] = {}
    for item in DECLARED:
        if item.type not in TYPES:
            found.setdefault(item.type, set()).update(unknown_in(schemas[item.type]["block"], item.arguments))
    assert not set(TYPES) & set(schemas)
    # Bridged by another argument of the same name; two regions on one continent and regional replicas are not declared.
    listed = {type: set(paths) for type, paths in ARGUMENTS.items()}
    listed["google_storage_bucket"] -= {"custom_placement_config"}
    listed["google_compute_region_disk"] -= {"async_primary_disk"}
    assert {type: paths for type, paths in found.items() if paths} == {t: p for t, p in listed.items() if p}


@pytest.mark.engine
def test_the_old_provider_takes_what_is_left(schemas):
    for item in DECLARED:
        if item.type not in TYPES:
            assert not list(unknown_in(schemas[item.type]["block"], older(item).arguments)), item.key


def test_taking_out_what_is_newer_leaves_references_and_secrets():
    for item in DECLARED:
        if item.type in ARGUMENTS and item.type != "google_dns_record_set":
            assert set(older(item).refs()) == set(item.refs()) or "async_primary_disk" in item.arguments
    assert any(isinstance(value, Ref | SecretRef) for item in DECLARED for value in older(item).arguments.values())


def test_the_page_lists_the_same():
    section = PAGE.read_text(encoding="utf-8").split("## Newer than the provider that tests build")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(google_\w+)` \| (.+?) \|", section, re.MULTILINE)
    listed = {type: set(re.findall(r"`([\w.]+)`", cell)) for type, cell in rows if cell != "all of it"}
    whole = {type for type, cell in rows if cell == "all of it"}
    assert whole == set(TYPES)
    assert listed == {type: set(paths) for type, paths in ARGUMENTS.items()}
