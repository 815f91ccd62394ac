"""Roots of any provider: configurations and aliases, what is referred to, secrets, lifecycle, other roots by data."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.engines import Backend, BackendKind
from stacks.declaration import Declaration, Lifecycle, ProviderConfig, Ref, SecretRef
from stacks.engines.engine import Adoption, Job
from stacks.engines.terraform_engine.backends import BESIDE, StatePlace
from stacks.engines.terraform_engine.labels import PLAIN_KEY, key_at, key_of, label_of, output_of, path_of
from stacks.engines.terraform_engine.providers import REQUIRED
from stacks.engines.terraform_engine.render import (
    UNKNOWN,
    RootContent,
    content_of,
    render_content,
    render_imports,
    render_roots,
)
from stacks.engines.terraform_engine.shown import without_unknown
from stacks.errors import InvalidArgument

AWS = "registry.terraform.io/hashicorp/aws"
CONFIGS = {
    "fra": ProviderConfig(name="fra", provider="aws", settings={"region": "eu-central-1"}),
    "dub": ProviderConfig(name="dub", provider="aws", settings={"region": "${x}", "endpoints": {"ec2": "http://x"}}),
    "bel": ProviderConfig(name="bel", provider="google", settings={"project": "p"}),
}


def item(key="fra/network", *, type="aws_vpc", root="fra", provider="fra", arguments=None, **rest):
    return Declaration(type=type, key=key, root=root, provider=provider, arguments=arguments or {}, **rest)


def content(*items, root="fra", place=BESIDE, stated=()) -> RootContent:
    job = Job(environment="dev", roots={root: tuple(items)}, providers=CONFIGS)
    return content_of(root, tuple(items), job, place, stated)


def rendered(*items, **rest):
    return json.loads(render_content(content(*items, **rest)))


def test_a_region_has_one_plain_configuration():
    text = rendered(item(arguments={"cidr_block": "10.0.0.0/16"}))
    assert text == {
        "terraform": {"required_providers": {"aws": {"source": AWS, "version": REQUIRED["aws"].version}}},
        "provider": {"aws": {"region": "eu-central-1"}},
        "resource": {"aws_vpc": {"fra__network": {"cidr_block": "10.0.0.0/16"}}},
    }


def test_where_regions_are_joined_each_resource_names_its_own():
    named = {"a/one": "fra", "a/two": "dub", "b": "bel"}
    text = rendered(*(item(key, root="links", provider=name) for key, name in named.items()), root="links")
    assert text["provider"] == {
        "aws": [
            {"alias": "dub", "region": "$${x}", "endpoints": {"ec2": "http://x"}},
            {"alias": "fra", "region": "eu-central-1"},
        ],
        "google": {"alias": "bel", "project": "p"},
    }
    assert {label: block["provider"] for label, block in text["resource"]["aws_vpc"].items()} == {
        "a__one": "aws.fra",
        "a__two": "aws.dub",
        "b": "google.bel",
    }


def test_what_only_the_state_holds_finds_its_configuration():
    """Else what is taken out of a root could not be destroyed."""
    stated = [f'provider["{AWS}"].dub', 'provider["registry.terraform.io/prestage/estate"]', f'provider["{AWS}"]']
    assert rendered(stated=stated)["provider"] == {
        "aws": [{"region": "eu-central-1"}, {"alias": "dub", "region": "$${x}", "endpoints": {"ec2": "http://x"}}],
        "estate": {},
    }
    with pytest.raises(InvalidArgument, match="resources of lon, which the environment does not configure"):
        content(stated=[f'provider["{AWS}"].lon'])


def test_what_is_referred_to_is_an_expression():
    tunnel = item("fra/vpn", type="aws_vpn", arguments={"vpc_id": Ref(key="fra/network")})
    record = item(
        "fra/record",
        type="aws_record",
        arguments={"block": ({"ips": (Ref(key="fra/vpn", attribute="interfaces.0.ip"),)},)},
        depends_on=("fra/vpn",),
    )
    blocks = rendered(item(), tunnel, record)["resource"]
    assert blocks["aws_vpn"]["fra__vpn"]["vpc_id"] == "${aws_vpc.fra__network.id}"
    assert blocks["aws_record"]["fra__record"] == {
        "block": [{"ips": ["${aws_vpn.fra__vpn.interfaces[0].ip}"]}],
        "depends_on": ["aws_vpn.fra__vpn"],
    }
    with pytest.raises(InvalidArgument, match="refers to fra/network, which root fra does not declare"):
        rendered(tunnel)


def test_lifecycle_and_former_keys():
    lifecycle = Lifecycle(protect=True, ignore=("desired_capacity", "a"), create_before_destroy=True)
    text = rendered(item(lifecycle=lifecycle, aliases=("fra/vpc",)))
    assert text["resource"]["aws_vpc"]["fra__network"]["lifecycle"] == {
        "prevent_destroy": True,
        "ignore_changes": ["a", "desired_capacity"],
        "create_before_destroy": True,
    }
    assert text["moved"] == [{"from": "aws_vpc.fra__vpc", "to": "aws_vpc.fra__network"}]


def test_a_secret_is_a_variable_without_a_value():
    text = rendered(item(arguments={"psk": SecretRef(name="fra-psk"), "deep": ({"psk": SecretRef(name="fra-psk")},)}))
    assert text["variable"] == {"fra_psk": {"type": "string", "sensitive": True}}
    assert text["resource"]["aws_vpc"]["fra__network"] == {
        "psk": "${var.fra_psk}",
        "deep": [{"psk": "${var.fra_psk}"}],
    }


LINK = item("l", root="links", arguments={"vpc": Ref(key="fra/network", attribute="ids.0", root="fra")})


def test_other_roots_are_read_by_data():
    assert rendered(item(exports=("ids.0",)))["output"] == {
        "fra__network___ids_0": {"value": "${aws_vpc.fra__network.ids[0]}"}
    }
    text = rendered(LINK, root="links")
    assert text["data"]["terraform_remote_state"] == {
        "fra": {"backend": "local", "config": {"path": "../fra/terraform.tfstate"}}
    }
    assert text["resource"]["aws_vpc"]["l"]["vpc"] == "${data.terraform_remote_state.fra.outputs.fra__network___ids_0}"


def test_what_another_root_has_not_said_is_not_guessed():
    unknown = replace(content(LINK, root="links"), unknown=frozenset(LINK.refs()))
    text = json.loads(render_content(unknown))
    assert text["resource"]["aws_vpc"]["l"]["vpc"] == f"${{jsondecode({UNKNOWN}.id)}}" and "data" not in text
    assert text["resource"]["terraform_data"] == {"known_after_apply": {}}


def test_the_text_of_a_plan_does_not_show_what_stands_for_the_unknown():
    block = '  # terraform_data.known_after_apply will be created\n  + resource "x" "y" {\n      + id = 1\n    }\n\n'
    other = '  # aws_vpc.l will be created\n  + resource "aws_vpc" "l" {\n    }\n\n'
    before = f"{block}{other}Plan: 1 to import, 2 to add, 3 to change, 0 to destroy.\n"
    assert without_unknown(before) == f"{other}Plan: 1 to import, 1 to add, 3 to change, 0 to destroy.\n"
    assert without_unknown(other + "Plan: 2 to add") == other + "Plan: 2 to add"


S3 = StatePlace(backend=Backend(kind=BackendKind.S3, bucket="b", location="eu-west-1"), environment="dev")
GCS = StatePlace(backend=Backend(kind=BackendKind.GCS, bucket="b", endpoint="http://x/"), environment="dev")


def test_states_in_a_bucket():
    assert rendered(place=S3)["terraform"]["backend"] == {
        "s3": {"bucket": "b", "key": "prestage/dev/fra.tfstate", "region": "eu-west-1", "use_lockfile": True}
    }
    settings = {"bucket": "b", "prefix": "prestage/dev/fra", "storage_custom_endpoint": "http://x/storage/v1/"}
    assert rendered(place=GCS)["terraform"]["backend"] == {"gcs": settings}
    read = rendered(LINK, root="links", place=S3)["data"]["terraform_remote_state"]["fra"]
    assert read == {
        "backend": "s3",
        "config": {"bucket": "b", "key": "prestage/dev/fra.tfstate", "region": "eu-west-1"},
    }


@pytest.mark.parametrize(
    ("place", "name", "root"),
    [
        (S3, "prestage/dev/fra.tfstate", "fra"),
        (S3, "prestage/dev/fra.tfstate.tflock", ""),
        (S3, "prestage/dev/other/fra.tfstate", ""),
        (GCS, "prestage/dev/fra/default.tfstate", "fra"),
        (GCS, "prestage/dev/fra/default.tflock", ""),
    ],
)
def test_an_object_of_the_bucket_says_whose_state_it_is(place, name, root):
    assert place.root_named(name) == root


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (Backend(kind=BackendKind.PULUMI_CLOUD), "Terraform keeps no state in pulumi_cloud"),
        (Backend(kind=BackendKind.S3), "names no bucket"),
    ],
)
def test_a_backend_that_cannot_be_is_refused(backend, words):
    with pytest.raises(InvalidArgument, match=words):
        rendered(place=StatePlace(backend=backend))


def test_a_job_is_rendered_root_by_root():
    job = Job(environment="dev", roots={"fra": (item(),), "links": (LINK,)}, providers=CONFIGS)
    assert {root: json.loads(text) for root, text in render_roots(job, BESIDE).items()} == {
        "fra": rendered(item()),
        "links": rendered(LINK, root="links"),
    }


def test_what_a_cloud_has_is_taken_in_by_the_id_that_it_has_there():
    text = render_imports("dev", {"fra/network": Adoption(key="fra/network", id="vpc-1")}, [item()])
    assert json.loads(text) == {"import": [{"to": "aws_vpc.fra__network", "id": "vpc-1"}]}
    with pytest.raises(InvalidArgument, match="nobody says which aws_vpc it is"):
        render_imports("dev", {"fra/network": Adoption(key="fra/network")}, [item()])


def test_a_key_that_cannot_be_read_back_is_refused():
    with pytest.raises(InvalidArgument, match="cannot be read back"):
        rendered(item("fra/net work"))
    assert rendered(item("fra/net work", type="estate_network", provider="estate"))["resource"]["estate_network"]


@given(st.from_regex(PLAIN_KEY, fullmatch=True))
def test_a_label_says_its_key(key):
    assert key_of(label_of(key)) == key and key_at(f"aws_vpc.{label_of(key)}") == key


def test_a_label_that_does_not_is_refused():
    assert key_at("aws_vpc._x_12345678") == "aws_vpc._x_12345678"
    with pytest.raises(InvalidArgument):
        key_of("_fra_net_work_0123abcd")


def test_names_of_attributes():
    assert path_of("a.0.b") == ".a[0].b" and output_of(Ref(key="a/b.c", attribute="d.0")) == "a__b_c___d_0"
