"""The Pulumi provider over gRPC, as the engine calls it, without the engine."""

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from stacks.engines.pulumi_engine.naming import ESTATE_TYPES
from stacks.estate.inventory import Inventory
from stacks.estate.kinds import KINDS
from stacks.estate.pulumi_provider import UNKNOWN, package_schema, serve, token_of, type_of
from tests.engines.pulumi_project import CATALOG, facts

KEY = "fra/compute/serving/m8"
TOKENS = {type: bridge.token for type, bridge in ESTATE_TYPES.items()}
URN = f"urn:pulumi:dev::net::estate:index:Compute::{KEY}"
DIFF = provider_pb2.DiffResponse


@pytest.fixture
def inventory(tmp_path):
    made = Inventory(tmp_path / "estate.db")
    made.load_facts(facts(), CATALOG)
    yield made
    made.close()


@pytest.fixture
def provider(inventory):
    with serve(inventory.path) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def struct(**values):
    properties = struct_pb2.Struct()
    properties.update(values)
    return properties


def inputs(**changed):
    declared = {
        "environment": "dev",
        "key": KEY,
        "owner": "network",
        "region": "fra",
        "shape": "m8",
        "instances": 2,
        "purchase": "on_demand",
    }
    return struct(**{**declared, **changed})


def create(provider, **changed):
    return provider.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs(**changed)))


def test_the_tokens_of_the_renderer_are_the_providers():
    assert {type: token_of(type) for type in KINDS} == TOKENS
    assert all(type_of(token_of(type)) == type for type in KINDS)


def test_created_read_updated_and_deleted(provider, inventory):
    made = create(provider)
    assert made.id == f"dev/{KEY}" and made.properties["state"] == "ready"
    row = inventory.read("dev", KEY)
    assert row and row.arguments["instances"] == 2 and isinstance(row.arguments["instances"], int)
    provider.Update(
        provider_pb2.UpdateRequest(id=made.id, urn=URN, old_inputs=inputs(), news=inputs(instances=3), olds=inputs())
    )
    read = provider.Read(provider_pb2.ReadRequest(id=made.id, urn=URN))
    assert read.id == made.id and read.inputs["instances"] == 3 and "state" not in read.inputs
    provider.Delete(provider_pb2.DeleteRequest(id=made.id, urn=URN))
    assert provider.Read(provider_pb2.ReadRequest(id=made.id, urn=URN)).id == ""
    provider.Delete(provider_pb2.DeleteRequest(id=made.id, urn=URN))  # gone already is no error


def test_created_twice_is_there_once(provider, inventory):
    assert create(provider).id == create(provider, instances=5).id
    (row,) = inventory.listing("dev")
    assert row.arguments["instances"] == 5 and row.seq == 1


def test_a_preview_writes_nothing_and_knows_the_id(provider, inventory):
    shown = provider.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs(), preview=True))
    assert shown.id == f"dev/{KEY}" and inventory.listing("dev") == ()


@pytest.mark.parametrize(
    ("news", "changes", "diffs", "replaces"),
    [
        (inputs(), DIFF.DIFF_NONE, [], []),
        (inputs(instances=3), DIFF.DIFF_SOME, ["instances"], []),
        (inputs(purchase="spot"), DIFF.DIFF_SOME, ["purchase"], ["purchase"]),
        (inputs(network="dev/fra/network"), DIFF.DIFF_SOME, ["network"], []),
    ],
)
def test_what_differs_and_what_cannot_change_in_place(provider, news, changes, diffs, replaces):
    found = provider.Diff(provider_pb2.DiffRequest(id="x", urn=URN, old_inputs=inputs(), news=news))
    assert (found.changes, list(found.diffs), list(found.replaces)) == (changes, diffs, replaces)
    assert found.deleteBeforeReplace  # the key is there once


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"instances": 0}, "at least 1"),
        ({"instances": 1.5}, "a value of type integer"),
        ({"instances": "two"}, "a value of type integer"),
        ({"shap": "m8"}, "no argument 'shap'"),
        ({"region": ""}, "is empty"),
    ],
)
def test_a_wrong_input_is_named_before_anything_is_done(provider, changed, reason):
    checked = provider.Check(provider_pb2.CheckRequest(urn=URN, news=inputs(**changed)))
    assert reason in checked.failures[0].reason


def test_what_is_not_known_yet_is_not_judged(provider):
    assert not provider.Check(provider_pb2.CheckRequest(urn=URN, news=inputs(network=UNKNOWN))).failures
    assert not provider.Check(provider_pb2.CheckRequest(urn=URN, news=inputs())).failures


def test_a_refusal_comes_in_the_estates_words(provider, inventory):
    with pytest.raises(grpc.RpcError, match="vcpu") as caught:
        create(provider, instances=100_000)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    create(provider)
    inventory.set_state(KEY, "active", "acme")
    with pytest.raises(grpc.RpcError, match="active for acme"):
        provider.Delete(provider_pb2.DeleteRequest(id=f"dev/{KEY}", urn=URN))


def test_another_type_under_the_key_is_not_the_resource(provider):
    create(provider)
    other = URN.replace("Compute", "Storage")
    assert provider.Read(provider_pb2.ReadRequest(id=f"dev/{KEY}", urn=other)).id == ""


def test_the_schema_has_every_type_and_no_reserved_name(provider):
    schema = package_schema()["resources"]
    assert isinstance(schema, dict) and set(schema) == set(TOKENS.values())
    assert all("id" not in item["properties"] for item in schema.values())
    assert "instances" in schema["estate:index:Compute"]["requiredInputs"]
    assert provider.GetSchema(provider_pb2.GetSchemaRequest()).schema
    assert provider.GetPluginInfo(empty_pb2.Empty()).version == "0.1.0"
