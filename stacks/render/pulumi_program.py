"""A Pulumi program in Python that registers declarations one by one, as people would write it. Pure.

It registers the same as `stacks.engines.pulumi_engine.resources.register` does from the same declarations: the classes
and the names of their arguments come from that engine's tables, and a test compares what either registers.
"""

import json
import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import pulumi

from contracts.document import text_digest
from contracts.resources import root_of
from stacks.declaration import ESTATE_PROVIDER, Argument, Declaration, ProviderConfig, Ref, Scalar, SecretRef
from stacks.engines.engine import Adoption
from stacks.engines.pulumi_engine.classes import CloudClass, class_of, provider_class
from stacks.engines.pulumi_engine.naming import BRIDGES, PACKAGES
from stacks.engines.pulumi_engine.resources import ROOTS, SECRETS, Surroundings, in_order, needs_of
from stacks.estate.inventory import resource_id

LINE = 100


@dataclass(frozen=True, slots=True)
class Code:
    """An expression, as it stands in the program."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a program is made of.

    Attributes:
        stack: the stack that it is for.
        declarations: all that the stack holds.
        adopt: what exists and is taken into the stack, by key.
        surroundings: providers and the stacks of other roots.
    """

    stack: str
    declarations: tuple[Declaration, ...]
    surroundings: Surroundings
    adopt: Mapping[str, Adoption] = field(default_factory=dict)

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages whose classes it uses: `aws`, `gcp`."""
        found = {BRIDGES[item.type].package for item in self.declarations}
        return tuple(sorted(found - {PACKAGES[ESTATE_PROVIDER]}))

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets that it takes from the stack's config."""
        return tuple(sorted({name for item in self.declarations for name in item.secrets()}))

    def text(self) -> str:
        """The program."""
        return _Writer(self).text()


class _Writer:
    """Writes one program, from top to bottom."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._types = {item.key: item.type for item in program.declarations}
        self._names = dict(_variables(item.key for item in program.declarations))
        self._providers: dict[str, str] = {}
        self._blocks: list[str] = []
        self._references: dict[str, str] = {}

    def text(self) -> str:
        items = list(in_order(self._program.declarations))
        for item in items:
            self._blocks.append(self._on_premises(item) if item.provider == ESTATE_PROVIDER else self._in_cloud(item))
        exports = list(self._exports())
        head = [f'"""Stack {self._program.stack}, as planned. Written by `prestage render`."""', self._imports()]
        start = [*self._config(), *self._references.values()]
        return "\n\n".join(part for part in (*head, "\n".join(start), *self._blocks, "\n".join(exports)) if part) + "\n"

    def _imports(self) -> str:
        return "\n".join(["import pulumi", *(f"import pulumi_{name} as {name}" for name in self._program.packages)])

    def _config(self) -> list[str]:
        used = any("config.require_secret" in block for block in self._blocks)
        return [f'config = pulumi.Config("{SECRETS}")'] if used else []

    def _on_premises(self, item: Declaration) -> str:
        properties = {name: self._spelled(value) for name, value in item.arguments.items()}
        adopted = resource_id(str(item.arguments["environment"]), item.key)
        options = self._options(item, imported=adopted if item.key in self._program.adopt else "")
        arguments = [_source(BRIDGES[item.type].token), _source(item.key), _source(properties, indent=4), options]
        return self._call(item, "pulumi.CustomResource", arguments)

    def _in_cloud(self, item: Declaration) -> str:
        found, config = class_of(item.type), self._program.surroundings.providers[item.provider]
        given = dict(item.arguments)
        if "region" not in given and "region" in config.settings and found.takes("region"):
            given["region"] = config.settings["region"]
        properties = _properties(found, given, self._expression)
        adopted = self._program.adopt.get(item.key)
        ignored = given if adopted and adopted.id else item.lifecycle.ignore
        options = self._options(
            item,
            imported=adopted.id if adopted else "",
            provider=Code(self._provider(config)),
            ignore_changes=[found.property_name(name) for name in ignored],
        )
        arguments = [f"{name}={_source(value, indent=4)}" for name, value in properties.items()]
        bridge = found.bridge
        return self._call(
            item, f"{bridge.module.removeprefix('pulumi_')}.{bridge.name}", [_source(item.key), *arguments, options]
        )

    def _call(self, item: Declaration, callee: str, arguments: Iterable[str]) -> str:
        lines = "".join(f"    {argument},\n" for argument in arguments)
        return f"{self._names[item.key]} = {callee}(\n{lines})"

    def _options(self, item: Declaration, *, imported: str, **more: object) -> str:
        first = sorted(needs_of(item) - {ref.key for ref in item.refs()})
        given: dict[str, object] = {
            **more,
            "depends_on": [Code(self._names[key]) for key in first if key in self._names],
            "protect": item.lifecycle.protect,
            "delete_before_replace": not item.lifecycle.create_before_destroy,
            "aliases": [Code(f"pulumi.Alias(name={_source(key)})") for key in item.aliases],
            "import_": imported,
        }
        words = [f"{name}={_source(value, indent=8)}" for name, value in given.items() if value]
        line = f"opts=pulumi.ResourceOptions({', '.join(words)})"
        if len(line) + 5 <= LINE and "\n" not in line:
            return line
        return "opts=pulumi.ResourceOptions(\n" + "".join(f"        {word},\n" for word in words) + "    )"

    def _provider(self, config: ProviderConfig) -> str:
        """The variable of an account's provider, written where its first resource is."""
        accounts = self._program.surroundings.accounts
        account = accounts.get(config.name, config.name)
        if account not in self._providers:
            configs = self._program.surroundings.providers
            first = next(other for name, other in configs.items() if accounts.get(name, name) == account)
            settings = dict(first.settings)
            if config.provider != "aws":
                settings.pop("region", None)
            properties = _properties(provider_class(config.provider), settings, self._expression)
            name = f"provider_{_identifier(account)}"
            arguments = [_source(account), *(f"{key}={_source(value, indent=4)}" for key, value in properties.items())]
            lines = "".join(f"    {argument},\n" for argument in arguments)
            self._blocks.append(f"{name} = {PACKAGES[config.provider]}.Provider(\n{lines})")
            self._providers[account] = name
        return self._providers[account]

    def _exports(self) -> Iterator[str]:
        items = self._program.declarations
        for item in items:
            for attribute in item.exports:
                output = self._expression(Ref(key=item.key, attribute=attribute))
                yield f"pulumi.export({_source(f'{item.key}.{attribute}')}, {output})"
        elsewhere = {item.key: item.root for item in items if item.root != root_of(item.key.partition("/")[0])}
        if elsewhere and len({item.root for item in items}) > 1:
            yield f"pulumi.export({_source(ROOTS)}, {_source(elsewhere)})"

    def _spelled(self, value: Argument) -> object:
        return Code(self._expression(value)) if isinstance(value, Ref | SecretRef) else value

    def _expression(self, value: Ref | SecretRef) -> str:
        if isinstance(value, SecretRef):
            return f"config.require_secret({_source(value.name)})"
        if value.key not in self._names:
            return f"{self._reference(value.root)}.get_output({_source(f'{value.key}.{value.attribute}')})"
        bridge = BRIDGES[self._types[value.key]]
        parts = [bridge.renamed.get(part, part) for part in value.attribute.split(".")]
        return self._names[value.key] + "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)

    def _reference(self, root: str) -> str:
        name = f"stack_{_identifier(root)}"
        stack = self._program.surroundings.stacks[root]
        self._references[name] = f"{name} = pulumi.StackReference({_source(stack)})"
        return name


def _properties(
    found: CloudClass, arguments: Mapping[str, Argument], expression: Callable[[Ref | SecretRef], str]
) -> Mapping[str, object]:
    """What a class takes, with code where a program would have outputs: they are only handed on."""
    return found.properties(arguments, lambda value: cast("pulumi.Output[Scalar]", Code(expression(value))))


def _source(value: object, *, indent: int = 0) -> str:
    """A value in Python: on one line where it fits, else an item a line."""
    if isinstance(value, Code):
        return value.text
    if isinstance(value, str):
        return json.dumps(str(value), ensure_ascii=False)
    inner = indent + 4
    if isinstance(value, Mapping):
        items = [f"{_source(str(key))}: {_source(item, indent=inner)}" for key, item in value.items()]
        return _enclosed("{", items, "}", indent)
    if isinstance(value, list | tuple):
        return _enclosed("[", [_source(item, indent=inner) for item in value], "]", indent)
    return repr(value)


def _enclosed(start: str, items: list[str], end: str, indent: int) -> str:
    line = f"{start}{', '.join(items)}{end}"
    if len(line) + indent + 40 <= LINE and "\n" not in line:
        return line
    pad = " " * indent
    return f"{start}\n" + "".join(f"{pad}    {item},\n" for item in items) + f"{pad}{end}"


def _variables(keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """A variable for each key; keys that come to the same name get their digest behind it."""
    names = {key: _identifier(key) for key in sorted(keys)}
    taken = list(names.values())
    for key, name in names.items():
        yield key, name if taken.count(name) == 1 else f"{name}_{text_digest(key)[-6:]}"


def _identifier(text: str) -> str:
    name = re.sub(r"[^a-zA-Z0-9]+", "_", text).strip("_").lower()
    return f"_{name}" if not name or name[0].isdigit() or keyword.iskeyword(name) else name
