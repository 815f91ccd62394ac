"""`render_templates`: what a plan declares on AWS as CloudFormation templates. Pure.

A reference within a template is a `Ref` or `Fn::GetAtt`; to another template of the same region and account an
export and an `Fn::ImportValue`; to any other a parameter, because exports do not leave their region. A secret is a
parameter that is not shown.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from contracts.environment import Environment
from stacks.declaration import Declaration, Ref, SecretRef
from stacks.engines.cloudformation.crossings import Crossing, Scale, any_other, asked_of, longest, other_group
from stacks.engines.cloudformation.entries import Entries, Entry, Unexpressed, sort_out
from stacks.engines.cloudformation.layout import MAX_OUTPUTS, Sheet, lay_out
from stacks.engines.cloudformation.properties import Json, logical_id, properties_of, resources_of
from stacks.engines.cloudformation.shapes import REF
from stacks.engines.cloudformation.template import Source, Template, camel_words, export_name, output_id
from stacks.engines.cloudformation.types import SHAPES

FORMAT = "2010-09-09"
KEEPING = frozenset({"aws_ebs_volume"})
"""What holds content, and is made anew where its zone is another one: the one before stays, as nothing copies it."""
_LINT = {"cfn-lint": {"config": {"ignore_checks": ["W3010"]}}}  # zones are the environment's to choose, and in it


def render_templates(declarations: Iterable[Declaration], environment: Environment) -> Mapping[str, Template]:
    """Templates by name, in the order in which their stacks are made.

    Raises:
        InvalidArgument: declarations refer to one another in a circle.
    """
    entries = sort_out(declarations, environment)
    made = _render(entries, environment, other_group)
    if all(len(template.outputs) <= MAX_OUTPUTS for template in made.values()):
        return made
    return _render(entries, environment, any_other)


def unexpressed(declarations: Iterable[Declaration], environment: Environment) -> tuple[Unexpressed, ...]:
    """What lies in AWS and is in no template, with the reasons."""
    return sort_out(declarations, environment).left


def _render(entries: Entries, environment: Environment, crossing: Crossing) -> Mapping[str, Template]:
    """Templates that are cut as if just the references that are `crossing` left their template."""
    scale = Scale(environment=environment, entries=entries, asked=asked_of(entries, crossing))
    sheets = lay_out(entries, environment, scale.weigh)
    homes = {entry.item.key: sheet for sheet in sheets for entry in sheet.entries}
    asked = asked_of(entries, lambda one, other: homes[one.item.key] is not homes[other.item.key])
    ids = {account.name: account.id for account in environment.accounts}
    world = _World(environment=environment.name, entries=entries, homes=homes, asked=asked, ids=ids)
    return {sheet.name: _Page(world, sheet).template() for sheet in sheets}


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What the pages have to know of one another."""

    environment: str
    entries: Entries
    homes: Mapping[str, Sheet]
    asked: Mapping[str, tuple[str, ...]]  # by key, attributes that others name
    ids: Mapping[str, str]  # of accounts, by name


@dataclass(slots=True)
class _Page:
    """One template while it is written."""

    world: _World
    sheet: Sheet
    parameters: dict[str, Source] = field(default_factory=dict)
    after: set[str] = field(default_factory=set)

    def template(self) -> Template:
        resources: dict[str, Json] = {}
        for entry in self.sheet.entries:
            resources.update(self._resources(entry))
        outputs = self._outputs()
        return Template(
            name=self.sheet.name,
            account=self.sheet.account,
            location=self.sheet.location,
            body=self._body(resources, outputs),
            parameters=dict(sorted(self.parameters.items())),
            after=tuple(sorted(self.after)),
        )

    def _body(self, resources: Mapping[str, Json], outputs: Json) -> Json:
        sheet = self.sheet
        body: dict[str, object] = {
            "AWSTemplateFormatVersion": FORMAT,
            "Description": f"{sheet.root} of {self.world.environment} in {sheet.location}, account {sheet.account}",
            "Metadata": _LINT,
        }
        if self.parameters:
            body["Parameters"] = {name: _parameter(source) for name, source in sorted(self.parameters.items())}
        body["Resources"] = dict(sorted(resources.items()))
        return {**body, "Outputs": outputs} if outputs else body

    def _resources(self, entry: Entry) -> dict[str, Json]:
        main, *companions = resources_of(entry.item, entry.shape, self._spell)
        folded = [properties_of(part.arguments, SHAPES[part.type], self._spell) for part in entry.parts]
        properties = {**main.properties, **{name: value for part in folded for name, value in part.items()}}
        properties |= self._role_across(entry)
        named = {ref.key for ref in main.needs} | {ref.key for part in entry.parts for ref in part.refs()}
        named |= {key for item in entry.all for key in item.depends_on}
        first = self._first(entry, named, spelled=_referred(properties))
        made = {main.id: self._resource(entry, main.type, properties, first)}
        for companion in companions:
            named = {ref.key for ref in companion.needs}
            first = self._first(entry, named, spelled=_referred(companion.properties))
            made[companion.id] = self._resource(entry, companion.type, companion.properties, first)
        return made

    def _role_across(self, entry: Entry) -> dict[str, object]:
        """The role by which CloudFormation accepts in another account what it asks for in its own."""
        peer = str(entry.item.arguments.get("peer_owner_id", ""))
        if not entry.shape.across or not peer or peer == self.world.ids[self.sheet.account]:
            return {}
        described = f"ARN of a role of account {peer} that may accept peering connections"
        source = Source(named=f"peer role {peer}", described=described)
        return {entry.shape.across: self._given(f"PeerRole{peer}", source)}

    def _resource(self, entry: Entry, type: str, properties: Json, first: list[str]) -> Json:
        known: dict[str, object] = {"key": entry.item.key}
        if entry.parts:
            known["with"] = [part.key for part in entry.parts]
        made: dict[str, object] = {"Type": type}
        if first:
            made["DependsOn"] = first
        if any(item.lifecycle.protect for item in entry.all):
            made |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        if entry.item.lifecycle.ignore and entry.shape.update_policy and type == entry.shape.type:
            made["UpdatePolicy"] = entry.shape.update_policy
        elif entry.item.type in KEEPING:
            made |= {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"}
        return {**made, "Metadata": {"prestage": known}, "Properties": dict(sorted(properties.items()))}

    def _first(self, entry: Entry, named: Set[str], spelled: Set[str]) -> list[str]:
        """Logical ids of what is named and has to be there first, beyond what properties refer to.

        Beside what is named: the companions of what is referred to, such as the attachment of a gateway.
        """
        first: set[str] = set()
        for key in sorted(named):
            met = self.world.entries.entry(key)
            if met is None or met.item.key == entry.item.key:
                continue
            home = self.world.homes[met.item.key]
            if home.name == self.sheet.name:
                first |= {resource.id for resource in resources_of(met.item, met.shape, longest)}
            else:
                self.after.add(home.name)
        return sorted(first - spelled)

    def _spell(self, ref: Ref | SecretRef) -> object:
        if isinstance(ref, SecretRef):
            secret = Source(named=ref.name, described=f"the secret {ref.name}", secret=True)
            return self._given(camel_words(ref.name), secret)
        key = self.world.entries.meant(ref.key)
        named = f"{key} {ref.attribute}"
        name = f"{logical_id(key)}{camel_words(ref.attribute)}"
        met = self.world.entries.entry(key)
        if met is None or ref.attribute not in met.shape.attributes:
            return self._given(name, Source(named=named, described=f"{ref.attribute} of {key}, once that is there"))
        home = self.world.homes[met.item.key]
        if home.name == self.sheet.name:
            return _spelled(met.item.key, met.shape.attributes[ref.attribute])
        self.after.add(home.name)
        output = output_id(met.item.key, ref.attribute)
        if (home.account, home.location) == (self.sheet.account, self.sheet.location):
            return {"Fn::ImportValue": export_name(self.world.environment, output)}
        described = f"{ref.attribute} of {key}: output {output} of the stack of {home.name}"
        return self._given(name, Source(named=named, template=home.name, output=output, described=described))

    def _given(self, name: str, source: Source) -> object:
        self.parameters[name] = source
        return {"Ref": name}

    def _outputs(self) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for entry in self.sheet.entries:
            key = entry.item.key
            for attribute in self.world.asked.get(key, ()):
                output = output_id(key, attribute)
                made[output] = {
                    "Description": f"{attribute} of {key}",
                    "Value": _spelled(key, entry.shape.attributes[attribute]),
                    "Export": {"Name": export_name(self.world.environment, output)},
                }
        return dict(sorted(made.items()))


def _parameter(source: Source) -> Json:
    made: dict[str, object] = {"Type": "String", "Description": source.described}
    return {**made, "NoEcho": True} if source.secret else made


def _spelled(key: str, attribute: str) -> Json:
    own = logical_id(key)
    return {"Ref": own} if attribute == REF else {"Fn::GetAtt": [own, attribute]}


def _referred(value: object) -> frozenset[str]:
    """Logical ids that properties refer to."""
    if isinstance(value, Mapping):
        if set(value) == {"Ref"}:
            return frozenset({str(value["Ref"])})
        if set(value) == {"Fn::GetAtt"}:
            return frozenset({str(value["Fn::GetAtt"][0])})
        return frozenset().union(*(_referred(inner) for inner in value.values()))
    return frozenset().union(*(_referred(inner) for inner in value)) if isinstance(value, list) else frozenset()
