"""Templates: what is in which, how references cross them, and the limits of one."""

from dataclasses import replace

import pytest
from moto import mock_aws

from stacks.declaration import Lifecycle, Ref, SecretRef
from stacks.engines.cloudformation import layout
from stacks.engines.cloudformation.properties import logical_id
from stacks.engines.cloudformation.templates import render_templates, unexpressed
from stacks.errors import InvalidArgument
from tests.clouds.clouds_world import mixed_environment
from tests.clouds.moto_server import DEFAULT_ACCOUNT, OTHER_ACCOUNT
from tests.stacks.cloudformation.lint import findings
from tests.stacks.cloudformation.sample import TAGS, declared, network, peering
from tests.stacks.cloudformation.stacks import create

ENVIRONMENT = mixed_environment()
NETWORKS = (*network("fra"), *network("dub", "10.32.0.0/16"))


def rendered(*declarations):
    return render_templates(declarations, ENVIRONMENT)


def properties(template, key):
    return template.body["Resources"][logical_id(key)]["Properties"]


def test_a_template_a_region_and_one_a_side_of_what_joins_them():
    templates = rendered(*NETWORKS, *peering())
    assert {name: (item.location, item.after) for name, item in templates.items()} == {
        "dub": ("eu-west-1", ()),
        "fra": ("eu-central-1", ()),
        "links-fra": ("eu-central-1", ("dub", "fra")),
        "links-dub": ("eu-west-1", ("dub", "links-fra")),
    }


def test_references_within_a_template_to_another_and_out_of_the_region():
    templates = rendered(*NETWORKS, *peering())
    assert properties(templates["fra"], "fra/network/routes")["VpcId"] == {"Ref": "FraNetwork"}
    link = properties(templates["links-fra"], "fra--dub/link")
    assert link["VpcId"] == {"Fn::ImportValue": "mixed-FraNetworkId"}
    assert templates["fra"].outputs["FraNetworkId"]["Export"] == {"Name": "mixed-FraNetworkId"}
    assert link["PeerVpcId"] == {"Ref": "DubNetworkId"}
    source = templates["links-fra"].parameters["DubNetworkId"]
    assert (source.template, source.output) == ("dub", "DubNetworkId")


def test_an_attribute_is_told_as_cloudformation_tells_it():
    record = declared(
        "aws_sns_topic", "fra/topic", display_name=Ref(key="fra/network/address", attribute="allocation_id")
    )
    name = properties(rendered(*NETWORKS, record)["fra"], "fra/topic")["DisplayName"]
    assert name == {"Fn::GetAtt": ["FraNetworkAddress", "AllocationId"]}


def test_an_attribute_that_it_does_not_tell_is_a_parameter_of_a_template_made_afterwards():
    topic = declared("aws_sns_topic", "fra/topic", display_name=Ref(key="fra/network", attribute="owner_id"))
    templates = rendered(*NETWORKS, topic)
    assert properties(templates["fra-2"], "fra/topic")["DisplayName"] == {"Ref": "FraNetworkOwnerId"}
    assert templates["fra-2"].parameters["FraNetworkOwnerId"].template == ""
    assert templates["fra-2"].after == ("fra",)


def test_what_lies_in_another_cloud_is_a_parameter():
    topic = declared("aws_sns_topic", "fra/topic", display_name=Ref(key="bel/network/address", root="bel"))
    template = rendered(*network(), topic)["fra"]
    assert template.parameters["BelNetworkAddressId"].template == ""
    assert "bel/network/address" in template.body["Parameters"]["BelNetworkAddressId"]["Description"]


def test_regions_that_need_each_other_are_cut_so_that_no_template_does():
    def record(region, other):
        address = Ref(key=f"{other}/network/address", attribute="public_ip", root=other)
        return declared("aws_sns_topic", f"{region}/record", display_name=address)

    templates = rendered(*NETWORKS, record("fra", "dub"), record("dub", "fra"))
    assert {name: item.after for name, item in templates.items()} == {
        "dub": (),
        "fra": (),
        "dub-2": ("fra",),
        "fra-2": ("dub",),
    }


def test_what_needs_itself_is_refused_with_the_circle():
    one = declared("aws_sns_topic", "fra/one", display_name=Ref(key="fra/two"))
    two = declared("aws_sns_topic", "fra/two", display_name=Ref(key="fra/one"))
    with pytest.raises(InvalidArgument, match="circle"):
        rendered(one, two)


def test_a_secret_is_a_parameter_that_is_not_shown():
    topic = declared("aws_sns_topic", "fra/topic", display_name=SecretRef(name="vpn/key-1"))
    template = rendered(topic)["fra"]
    assert template.body["Parameters"]["VpnKey1"]["NoEcho"] is True
    assert properties(template, "fra/topic")["DisplayName"] == {"Ref": "VpnKey1"}


def test_what_is_protected_is_kept_when_its_stack_goes():
    kept, gone = (
        declared("aws_sns_topic", f"fra/{name}", lifecycle=Lifecycle(protect=name == "kept"))
        for name in ("kept", "gone")
    )
    resources = rendered(kept, gone)["fra"].body["Resources"]
    assert resources["FraKept"]["DeletionPolicy"] == resources["FraKept"]["UpdateReplacePolicy"] == "Retain"
    assert "DeletionPolicy" not in resources["FraGone"]


def test_a_volume_that_an_update_makes_anew_is_not_deleted_with_what_it_holds():
    """CloudFormation cannot leave a volume in its zone where zones are listed otherwise."""
    volume = declared("aws_ebs_volume", "fra/v", size=80, lifecycle=Lifecycle(ignore=("availability_zone",)))
    made = rendered(volume)["fra"].body["Resources"]["FraV"]
    assert (made["UpdateReplacePolicy"], made["DeletionPolicy"]) == ("Retain", "Delete")


@pytest.mark.parametrize("ignored", [("desired_capacity", "min_size"), ()])
def test_sizes_that_others_may_change_are_not_set_back_by_an_update(ignored):
    """CloudFormation would, even while a scheduled action is in effect."""
    group = declared("aws_autoscaling_group", "fra/compute/serving/x", min_size=1, max_size=4)
    resources = rendered(replace(group, lifecycle=Lifecycle(ignore=ignored)))["fra"].body["Resources"]
    policy = resources["FraComputeServingX"].get("UpdatePolicy")
    assert policy == (
        {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": True}} if ignored else None
    )


def test_a_route_waits_until_its_gateway_is_attached():
    resources = rendered(*network())["fra"].body["Resources"]
    assert resources["FraNetworkOut"]["DependsOn"] == ["FraNetworkGatewayAttachment"]
    assert "DependsOn" not in resources["FraNetworkGateway"]


def test_what_is_declared_to_come_first_does_unless_a_reference_says_so_already():
    first = declared("aws_sns_topic", "fra/first")
    then = declared("aws_sns_topic", "fra/then", depends_on=("fra/first",))
    named = declared(
        "aws_sns_topic", "fra/named", depends_on=("fra/first",), display_name=Ref(key="fra/first", attribute="arn")
    )
    resources = rendered(first, then, named)["fra"].body["Resources"]
    assert resources["FraThen"]["DependsOn"] == ["FraFirst"]
    assert "DependsOn" not in resources["FraNamed"]


def test_keys_that_differ_are_called_differently():
    keys = ["fra/a-b", "fra/a/b", "fra/ab", "fra/a.b", "fra/aB", "fra/a/B", "fra/10", "fra10"]
    names = [logical_id(key) for key in keys]
    assert len(set(names)) == len(keys)
    assert all(name.isalnum() for name in names)
    assert logical_id("fra/network/address") == "FraNetworkAddress"


def test_what_cannot_be_expressed_is_said_with_the_reason():
    [accepter] = unexpressed((*NETWORKS, *peering()), ENVIRONMENT)
    assert accepter.key == "fra--dub/link/accept"
    assert "PeerRoleArn" in accepter.reason
    [unknown] = unexpressed([declared("aws_new_thing", "fra/new")], ENVIRONMENT)
    assert "aws_new_thing" in unknown.reason


def test_a_bucket_and_its_versioning_are_one_resource():
    bucket = declared("aws_s3_bucket", "fra/bucket", bucket="b-12345678", tags=TAGS)
    on = {"status": "Enabled"}
    versioning = declared(
        "aws_s3_bucket_versioning", "fra/bucket/versioning", bucket=Ref(key="fra/bucket"), versioning_configuration=on
    )
    template = rendered(bucket, versioning)["fra"]
    assert properties(template, "fra/bucket")["VersioningConfiguration"] == {"Status": "Enabled"}
    assert template.body["Resources"]["FraBucket"]["Metadata"]["prestage"]["with"] == ["fra/bucket/versioning"]
    assert len(template.body["Resources"]) == 1


def test_another_account_accepts_by_a_role_that_is_given():
    near, far = (
        declared("aws_vpc_peering_connection", f"fra/{n}", vpc_id="vpc-1", peer_vpc_id="vpc-2", peer_owner_id=account)
        for n, account in (("near", DEFAULT_ACCOUNT), ("far", OTHER_ACCOUNT))
    )
    template = rendered(near, far)["fra"]
    assert properties(template, "fra/far")["PeerRoleArn"] == {"Ref": f"PeerRole{OTHER_ACCOUNT}"}
    assert OTHER_ACCOUNT in template.parameters[f"PeerRole{OTHER_ACCOUNT}"].described
    assert "PeerRoleArn" not in properties(template, "fra/near")


@pytest.mark.parametrize("limit", ["MAX_RESOURCES", "MAX_OUTPUTS", "MAX_BYTES"])
def test_a_template_keeps_within_its_limits(monkeypatch, limit):
    monkeypatch.setattr(layout, limit, {"MAX_RESOURCES": 3, "MAX_OUTPUTS": 2, "MAX_BYTES": 26_000}[limit])
    monkeypatch.setattr("stacks.engines.cloudformation.templates.MAX_OUTPUTS", layout.MAX_OUTPUTS)
    templates = rendered(*network())
    assert len(templates) > 1
    assert sum(len(item.body["Resources"]) for item in templates.values()) == 7
    for template in templates.values():
        assert len(template.body["Resources"]) <= layout.MAX_RESOURCES
        assert len(template.outputs) <= layout.MAX_OUTPUTS
        assert len(template.text().encode()) <= layout.MAX_BYTES
        assert all(name in list(templates)[: list(templates).index(template.name)] for name in template.after)


def test_cut_by_parameters(monkeypatch):
    monkeypatch.setattr(layout, "MAX_PARAMETERS", 2)
    topics = [
        declared("aws_sns_topic", f"fra/topic{n}", display_name=Ref(key=f"bel/n{n}", root="bel")) for n in range(5)
    ]
    assert [len(item.parameters) for item in rendered(*topics).values()] == [2, 2, 1]


def test_the_same_declarations_give_the_same_bytes_in_any_order():
    declarations = (*NETWORKS, *peering())
    there, back = (render_templates(items, ENVIRONMENT) for items in (declarations, declarations[::-1]))
    assert {name: item.text() for name, item in there.items()} == {name: item.text() for name, item in back.items()}


def test_other_accounts_are_other_stacks():
    templates = rendered(*network("ohio"), *network("fra"))
    assert {name: item.account for name, item in templates.items()} == {"fra": "prod", "ohio": "other"}


def test_lint_finds_nothing_and_would():
    templates = rendered(*NETWORKS, *peering())
    assert [line for item in templates.values() for line in findings(item)] == []
    wrong = replace(templates["fra"], body={**templates["fra"].body, "Metadata": {}})
    assert {line.split()[1] for line in findings(wrong)} == {"W3010"}


def test_moto_makes_the_stacks():
    beside = in_one_location(ENVIRONMENT)
    declarations = [
        *network("fra"),
        *map(moved_zone, network("dub", "10.32.0.0/16")),
        *peering(location="eu-central-1"),
    ]
    templates = render_templates(declarations, beside)
    assert properties(templates["links-fra"], "fra--dub/link")["PeerVpcId"] == {"Fn::ImportValue": "mixed-DubNetworkId"}
    with mock_aws():
        made = create(beside, templates)
    assert made["fra--dub/link/back"] == ["AWS::EC2::Route"]
    assert set(made["fra/network/gateway"]) == {"AWS::EC2::InternetGateway", "AWS::EC2::VPCGatewayAttachment"}


def in_one_location(environment):
    """The environment with all regions of AWS in eu-central-1: moto's templates see nothing of other regions."""
    regions = [
        item.model_copy(update={"cloud": item.cloud.model_copy(update={"location": "eu-central-1"})})
        if item.cloud and item.cloud.account == "prod"
        else item
        for item in environment.regions
    ]
    return environment.model_copy(update={"regions": tuple(regions)})


def moved_zone(item):
    zones = {"availability_zone": "eu-central-1c"} if "availability_zone" in item.arguments else {}
    return replace(item, arguments={**item.arguments, **zones})
