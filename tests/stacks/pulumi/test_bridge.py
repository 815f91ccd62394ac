"""The tables from Terraform's types to Pulumi's classes, derived anew from the packages and from real schemas."""

import asyncio
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Mapping

import pulumi
import pytest
from pulumi import _types as input_types

from stacks.declaration import Argument, Declaration
from stacks.engines.pulumi_engine.classes import LEFT_OUT, PROVIDERS, block_of, class_of, element_of, provider_class
from stacks.engines.pulumi_engine.naming import BRIDGES, FREE_KEYS, declared_names, snake_case, type_of
from stacks.engines.terraform_engine.program import find_program
from stacks.errors import InvalidArgument
from stacks.targets.declare import declare, providers
from tests.clouds.clouds_world import every_kind_of, mixed_environment
from tests.clouds.mirror import aws_mirror, cli_config, google_mirror

CLOUD_TYPES = sorted(type for type, bridge in BRIDGES.items() if bridge.package != "estate")
NOT_ARGUMENTS = {"id", "tags_all", "timeouts"}
OTHER_CLASS_NAMES = {
    "aws_s3_bucket_replication_configuration",
    "aws_vpc_peering_connection_options",
    "google_service_account",
}
"""Types whose class is not called as they are, so that only its arguments tell."""
GONE = {
    "aws_dx_gateway_association": {"vpn_gateway_id"},
    "aws_eip": {"vpc"},
    "aws_launch_template": {"elastic_gpu_specifications", "elastic_inference_accelerator"},
    "google_storage_bucket": {"bucket_policy_only"},
}
"""Arguments that newer releases, which Pulumi's are bridged from, no longer have."""


@pytest.fixture(scope="module", autouse=True)
def loop():
    """Outputs want an event loop, whoever closed his before."""
    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    yield
    asyncio.set_event_loop(None)
    mine.close()


@pytest.fixture(scope="module")
def declared() -> tuple[Declaration, ...]:
    """Everything that targets declare for one resource of each kind, wherever it can be."""
    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1")
    return tuple(item for item in declare(every_kind_of(environment), environment) if item.provider != "estate")


@pytest.fixture(scope="module")
def schemas(tmp_path_factory) -> Mapping[str, Mapping[str, object]]:
    """What each Terraform type takes, as the real providers say."""
    folder = tmp_path_factory.mktemp("schemas")
    mirrors = (aws_mirror(), google_mirror())
    required = {name: {"source": f"registry.terraform.io/hashicorp/{name}"} for name in ("aws", "google")}
    (folder / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": required}}))
    environment = {
        "TF_CLI_CONFIG_FILE": str(cli_config(folder, *mirrors)),
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
    }
    program = find_program().command
    for words in (["init", "-input=false"], ["providers", "schema", "-json"]):
        done = subprocess.run([*program, *words], cwd=folder, env=environment, capture_output=True, check=True)
    found = json.loads(done.stdout)["provider_schemas"]
    return {type: its["block"] for provider in found.values() for type, its in provider["resource_schemas"].items()}


@pytest.mark.parametrize("type", CLOUD_TYPES)
def test_a_token_is_that_of_its_class(type):
    found = class_of(type)
    assert getattr(found.make, "pulumi_type", None) == found.bridge.token
    assert type_of(found.bridge.token) == type


@pytest.mark.parametrize("type", CLOUD_TYPES)
def test_no_other_class_of_the_module_takes_what_the_type_takes(type, schemas):
    if type not in schemas:
        pytest.skip("newer than the provider that is here")
    wanted = {_singular(name) for name in arguments_of(schemas[type])}
    mine = class_of(type).bridge
    likeness = {name: _likeness(wanted, names) for name, names in _classes(mine.module).items()}
    best = max(likeness.values())
    room = 0.06 if type.startswith("aws_") else 0.3  # the provider for Google Cloud that is here is of 2021
    equals = {name for name, likely in likeness.items() if likely > best - room}
    if type in OTHER_CLASS_NAMES:
        assert mine.name in equals
    else:
        spelt = type.partition("_")[2].replace("_", "")
        assert mine.name == max(
            equals, key=lambda name: (spelt.endswith(name.lower()), name.lower() in spelt, len(name))
        )


@pytest.mark.parametrize("type", CLOUD_TYPES)
def test_renamed_arguments_are_those_that_the_class_calls_otherwise(type, schemas):
    if type not in schemas:
        pytest.skip("newer than the provider that is here")
    found = class_of(type)
    derived = dict(_differences(schemas[type], found.inputs, GONE.get(type, set())))
    irregular = {"alarm_name": "name", "topic_arn": "topic", "and": "and_"}
    expected = {name: other or irregular.get(name) for name, other in derived.items()}
    assert None not in expected.values(), expected
    newer = {name: other for name, other in found.bridge.renamed.items() if name not in expected}
    assert found.bridge.renamed == {**expected, **newer}
    assert not newer or type.startswith("google_"), newer


@pytest.mark.parametrize("type", CLOUD_TYPES)
def test_names_of_a_state_are_read_back(type):
    found = class_of(type)
    names = input_types.input_type_py_to_pulumi_names(found.inputs)
    assert {snake_case(pulumi_name) for pulumi_name in names.values()} == names.keys()
    renamed = {python: terraform for terraform, python in found.bridge.renamed.items()}
    read = declared_names(type, dict.fromkeys(names.values(), "x"))
    assert read.keys() == {renamed.get(name, name) for name in names}


def test_every_declared_argument_is_one_of_its_class(declared):
    assert {item.type for item in declared} <= BRIDGES.keys()
    for item in declared:
        class_of(item.type).properties(item.arguments, lambda ref: pulumi.Output.from_input(""))


def test_every_attribute_that_is_referred_to_is_one_of_its_class(declared):
    types = {item.key: item.type for item in declared}
    referred = {ref for item in declared for ref in item.refs() if ref.key in types}
    assert len(referred) > 50
    for ref in referred:
        found = class_of(types[ref.key])
        first = found.python_name(ref.attribute.partition(".")[0])
        assert isinstance(inspect.getattr_static(found.make, first), property), ref
    for item in declared:
        for attribute in item.exports:
            first = class_of(item.type).python_name(attribute.partition(".")[0])
            assert isinstance(inspect.getattr_static(class_of(item.type).make, first), property), (item.key, attribute)


def test_free_keys_are_the_maps_that_are_declared(declared):
    maps = set()
    for item in declared:
        found = class_of(item.type)
        names = input_types.input_type_py_to_pulumi_names(found.inputs)
        types = input_types.input_type_types(found.inputs)
        for name, value in item.arguments.items():
            hint = types[names[found.python_name(name)]]
            if isinstance(value, Mapping) and block_of(hint) is None and element_of(hint) is None:
                maps.add(name)
    assert maps <= FREE_KEYS
    assert {"tags", "labels"} <= maps


def test_a_block_is_one_or_many_as_the_class_has_it():
    template: Argument = {"launch_template_specification": {"version": "1"}, "override": ()}
    arguments: dict[str, Argument] = {
        "min_size": 1,
        "max_size": 2,
        "tag": {"key": "a"},
        "mixed_instances_policy": ({"launch_template": template},),
    }
    group = class_of("aws_autoscaling_group")
    given = group.properties(arguments, lambda ref: pulumi.Output.from_input(""))
    assert given["tags"] == [{"key": "a"}]
    assert given["mixed_instances_policy"] == {
        "launch_template": {"launch_template_specification": {"version": "1"}, "overrides": []}
    }


@pytest.mark.parametrize("arguments", [{"cidr": "10.0.0.0/16"}, {"ingress": {"descripton": "x"}}])
def test_an_argument_that_a_class_lacks_is_named(arguments):
    with pytest.raises(InvalidArgument, match=r"takes no '(cidr|descripton)'"):
        class_of("aws_security_group").properties(arguments, lambda ref: pulumi.Output.from_input(""))


def test_an_unknown_type_is_named():
    with pytest.raises(InvalidArgument, match="no type 'aws_vcp'"):
        class_of("aws_vcp")


def test_every_setting_of_a_provider_is_one_of_its_class():
    environment = mixed_environment("http://127.0.0.1:1", "http://127.0.0.1:1")
    configs = [config for config in providers(environment).values() if config.provider in PROVIDERS]
    assert len(configs) == 5
    for config in configs:
        settings = {name: value for name, value in config.settings.items() if name not in LEFT_OUT}
        provider_class(config.provider).properties(settings, lambda ref: pulumi.Output.from_input(""))


def arguments_of(block):
    """What a block takes: attributes that may be set (None), and blocks."""
    attributes = block.get("attributes", {}).items()
    found = {name: None for name, its in attributes if its.get("optional") or its.get("required")}
    return {name: its for name, its in {**found, **block.get("block_types", {})}.items() if name not in NOT_ARGUMENTS}


def _differences(block, inputs, gone):
    """Arguments at any depth that the class calls otherwise; None where it has nothing like it."""
    names = input_types.input_type_py_to_pulumi_names(inputs)
    types = input_types.input_type_types(inputs)
    for name, nested in sorted(arguments_of(block).items()):
        python = next((each for each in (name, *_plurals(name)) if each in names), None)
        if python is None:
            if name not in gone:
                yield name, None
            continue
        if python != name:
            yield name, python
        hint = types[names[python]]
        inner = block_of(element_of(hint) or hint)
        if nested is not None and inner is not None:
            yield from _differences(nested["block"], inner, gone)


def _plurals(name):
    yield f"{name}s"
    yield f"{name}es"
    yield f"{name.removesuffix('y')}ies"


def _classes(module):
    """The arguments of every class of a module, spelt alike."""
    found = importlib.import_module(module)
    classes = {}
    for name in vars(found):
        make = getattr(found, name)
        own = sys.modules.get(getattr(make, "__module__", ""))
        inputs = getattr(own, f"{name}InitArgs", None) or getattr(own, f"{name}Args", None)
        if isinstance(inputs, type) and hasattr(make, "pulumi_type"):
            taken = input_types.input_type_py_to_pulumi_names(inputs)
            classes[name] = {_singular(each) for each in taken if each != "region"}
    return classes


def _likeness(wanted, taken):
    wanted = wanted - {"region"}
    return len(wanted & taken) / max(1, len(wanted | taken))


def _singular(name):
    return name.replace("_", "").removesuffix("s")
