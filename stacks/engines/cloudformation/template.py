"""`Template`: one template, what it takes to make its stack, and what things are called in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from stacks.engines.cloudformation.properties import Json, logical_id
from stacks.engines.cloudformation.shapes import camel


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the value of a parameter comes from.

    Attributes:
        named: the secret's name, or the key and the attribute.
        template, output: the output of another template's stack; empty where it comes from outside of CloudFormation.
        described: the same in words.
        secret: not to be shown.
    """

    named: str
    template: str = ""
    output: str = ""
    described: str
    secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template and what it takes to make its stack.

    Attributes:
        name: of its file; of its stack after the environment's name.
        account, location: where the stack is made: name of the account, the cloud's own name of the region.
        body: as CloudFormation reads it.
        parameters: by name, where each value comes from.
        after: templates whose stacks have to be there first.
    """

    name: str
    account: str
    location: str
    body: Json
    parameters: Mapping[str, Source] = field(default_factory=dict)
    after: tuple[str, ...] = ()

    @property
    def resources(self) -> Json:
        return self._section("Resources")

    @property
    def outputs(self) -> Json:
        return self._section("Outputs")

    def text(self) -> str:
        """The body for people to read and diff."""
        return json.dumps(self.body, indent=2, ensure_ascii=False) + "\n"

    def _section(self, name: str) -> Json:
        found = self.body.get(name, {})
        assert isinstance(found, Mapping)
        return found


def output_id(key: str, attribute: str) -> str:
    """What an attribute is called among a template's outputs."""
    return f"{logical_id(key)}{camel_words(attribute)}"


def export_name(environment: str, output: str) -> str:
    """What an output is called in its region and account."""
    return f"{environment}-{output}"


def camel_words(name: str) -> str:
    """A name of any words as letters and digits."""
    return camel("_".join(word for word in "".join(c if c.isalnum() else " " for c in name).split()))
