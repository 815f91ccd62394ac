"""What CloudFormation is told, read from templates, and whether its own schemas know what is said there.

The schemas are those that cfn-lint brings along: what a `Ref` gives is the type's primary identifier.
"""

from collections.abc import Mapping
from functools import cache

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from stacks.engines.cloudformation.template import Template
from tests.laws.parity.words import Reference, Seen, facts_of, joined, words

ANYWHERE = "us-east-1"
INTRINSIC = frozenset({"Ref", "Fn::GetAtt", "Fn::ImportValue", "Fn::Join"})


class Templates:
    """Templates as one world: references are followed through exports and parameters."""

    def __init__(self, templates):
        self._templates = templates
        self._exports = {
            str(output["Export"]["Name"]): (template.name, output["Value"])
            for template in templates.values()
            for output in template.outputs.values()
        }

    def view(self):
        """By the key that a resource's metadata names; companions are within the one that they accompany."""
        by_key: dict[str, list[tuple[Template, str]]] = {}
        for template in self._templates.values():
            for id, resource in template.resources.items():
                by_key.setdefault(_key(resource), []).append((template, id))
        return {key: self._seen(key, found) for key, found in by_key.items()}

    def parts(self):
        """By the key of a declaration that is a part of another's resource, that one's."""
        return {
            part: _key(resource)
            for template in self._templates.values()
            for resource in template.resources.values()
            for part in resource["Metadata"]["prestage"].get("with", ())
        }

    def exported(self):
        """Keys and attributes that templates say of what they hold."""
        found = (self._followed(value, self._templates[name]) for name, value in self._exports.values())
        return frozenset((item.key, item.attribute) for item in found if isinstance(item, Reference))

    def unknown(self):
        """What CloudFormation's schemas do not know, or have in another shape."""
        return [
            f"{id}: {line}"
            for template in self._templates.values()
            for id, resource in template.resources.items()
            for line in (*_unknown(str(resource["Type"]), resource["Properties"]), *_untold(resource, template))
        ]

    def _seen(self, key, found):
        (template, own), *companions = sorted(found, key=lambda item: len(item[1]))
        resource = template.resources[own]
        facts = self._facts(resource, template, str(resource["Type"]))
        for there, id in companions:
            companion = there.resources[id]
            name = joined(str(companion["Type"]).rpartition("::")[2])
            said = self._facts(companion, there, name)
            facts |= {(name, *path): value for path, value in said.items() if not _is_own(value, key)}
        return Seen(type=str(resource["Type"]), place=template.location, facts=facts)

    def _facts(self, resource, template, type):
        properties = self._followed(resource["Properties"], template)
        return facts_of(_tags_told(properties, type), texts=False)

    def _followed(self, value, template):
        """A value with what it refers to in the place of intrinsic functions."""
        if isinstance(value, list):
            return [self._followed(item, template) for item in value]
        if not isinstance(value, Mapping):
            return value
        match list(value):
            case ["Ref"]:
                return self._referred(str(value["Ref"]), template)
            case ["Fn::GetAtt"]:
                id, attribute = value["Fn::GetAtt"]
                return _attribute(template.resources[id], attribute)
            case ["Fn::Join"]:
                name, zone = value["Fn::Join"][1]
                return f"{name}.<{self._referred(zone['Ref'], template).key}>"
            case ["Fn::ImportValue"]:
                name, output = self._exports[str(value["Fn::ImportValue"])]
                return self._followed(output, self._templates[name])
        return {name: self._followed(item, template) for name, item in value.items()}

    def _referred(self, name, template):
        if name in template.resources:
            resource = template.resources[name]
            return _attribute(resource, _identifier(str(resource["Type"])))
        if name not in template.parameters:
            return name  # AWS::AccountId
        source = template.parameters[name]
        if source.template:
            home = self._templates[source.template]
            return self._followed(home.outputs[source.output]["Value"], home)
        key, _, attribute = source.named.rpartition(" ")
        return Reference(key, joined(attribute))


def names_type(type: str, other: str) -> bool:
    """Whether a type of CloudFormation is what it would call one of Terraform's: all its words occur in that one."""
    rest = "".join(words(type.removeprefix("aws_")))
    for word in words(other.rpartition("::")[2]):
        if word not in rest:
            return (type, other) in TYPES
        rest = rest.replace(word, " ", 1)
    return True


TYPES = {
    ("aws_autoscaling_schedule", "AWS::AutoScaling::ScheduledAction"),  # one action of a schedule
    ("aws_route_table_association", "AWS::EC2::SubnetRouteTableAssociation"),  # one each for subnets and gateways
    ("aws_route53_record", "AWS::Route53::RecordSet"),  # DNS calls all records of a name a set
}
"""Types that have other words in CloudFormation, and why."""


def _key(resource):
    return str(resource["Metadata"]["prestage"]["key"])


def _is_own(value: str | Reference, key: str) -> bool:
    return isinstance(value, Reference) and value.key == key


def _attribute(resource, name):
    """An attribute without the words of its type: `GroupId` of a security group is its id."""
    own = words(str(resource["Type"]).rpartition("::")[2])
    said = [word for word in words(name.replace(".", "_")) if word not in own]
    return Reference(_key(resource), "".join(said))


def _tags_told(properties, type):
    """Tags, where EC2 takes them by the type that they are for: under that of the resource itself, its own."""
    told = dict(properties)
    match told.get("TagSpecifications"):
        case [{"ResourceType": str(of), "Tags": tags}] if joined(of) == joined(type.rpartition("::")[2]):
            told["Tags"] = tags
            del told["TagSpecifications"]
    return told


@cache
def _schema(type):
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema(ANYWHERE, type).schema


def _identifier(type):
    return str(_schema(type)["primaryIdentifier"][0]).rpartition("/")[2]


def _unknown(type, properties):
    try:
        schema = _schema(type)
    except Exception as error:  # cfn-lint's own, which it does not export
        yield f"{type}: {error!r}"
        return
    read_only = {str(path).removeprefix("/properties/") for path in schema.get("readOnlyProperties", ())}
    yield from (f"{type} takes no {name}: it is read only" for name in sorted(read_only & properties.keys()))
    required = schema.get("required", ())
    yield from (f"{type} has no {name}" for name in required if name not in properties)
    yield from _misshapen(properties, schema, schema, type)


def _untold(value, template):
    """Attributes that are asked for and that the schema of the type does not know."""
    if isinstance(value, Mapping):
        if list(value) == ["Fn::GetAtt"]:
            id, name = value["Fn::GetAtt"]
            type = template.resources[id]["Type"]
            if name.partition(".")[0] not in _schema(type)["properties"]:
                yield f"{type} tells no {name}"
        for item in value.values():
            yield from _untold(item, template)
    elif isinstance(value, list):
        for item in value:
            yield from _untold(item, template)


def _misshapen(value, hint, schema, path):
    while "$ref" in hint:
        name = str(hint["$ref"]).rpartition("/")[2]
        hint = schema["definitions"][name]
    kinds = hint.get("type", ())
    if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in INTRINSIC:
        if kinds in ("array", "object"):
            yield f"{path} is one value, not {kinds}"
        return
    kind = "object" if isinstance(value, Mapping) else "array" if isinstance(value, list) else "scalar"
    allowed = {kinds} if isinstance(kinds, str) else set(kinds)
    scalars = allowed - {"object", "array"}
    if allowed and not (kind in allowed or (kind == "scalar" and scalars)):
        yield f"{path} is {kind}, not {'/'.join(sorted(allowed))}"
    elif isinstance(value, Mapping) and "properties" in hint:
        for name, item in value.items():
            if name in hint["properties"]:
                yield from _misshapen(item, hint["properties"][name], schema, f"{path}.{name}")
            else:
                yield f"{path} has no {name}"
    elif isinstance(value, list):
        for item in value:
            yield from _misshapen(item, hint.get("items", {}), schema, path)
