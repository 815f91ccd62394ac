"""Declarations as Pulumi resources: the renderer of this engine. Runs inside a program, inline or of its own.

What is in a cloud becomes a resource of its class in pulumi-aws or pulumi-gcp, made by the one explicit provider of
its account and placed by `region`. What is on premises is known by its token alone. What a declaration refers to in
another stack is read from that stack's outputs, where it is exported as `<key>.<attribute>`.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import pulumi
from pulumi.output import UNKNOWN

from contracts.names import link_ends
from contracts.resources import root_of
from stacks.declaration import ESTATE_PROVIDER, Declaration, ProviderConfig, Ref, Scalar, SecretRef
from stacks.engines.pulumi_engine.classes import LEFT_OUT, CloudClass, class_of, provider_class
from stacks.engines.pulumi_engine.lean import only_outputs
from stacks.engines.pulumi_engine.naming import BRIDGES
from stacks.errors import StacksError
from stacks.estate.inventory import resource_id

ROOTS = "prestage:roots"
"""The output of a stack that says which root a resource is in, where its key doesn't."""
SECRETS = "prestage"
"""Namespace of the secrets in a stack's config."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a program has to know beside its declarations. Nothing, on premises and in one stack.

    Attributes:
        providers: by the name that declarations call them.
        accounts: by the same name, the account whose provider it is; the first of an account decides its region.
        stacks: by root, the full name of its stack.
    """

    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    stacks: Mapping[str, str] = field(default_factory=dict)


def register(
    declarations: Iterable[Declaration],
    adopt: Mapping[str, str] | None = None,
    surroundings: Surroundings | None = None,
    *,
    looking: bool = False,
) -> dict[str, pulumi.CustomResource]:
    """Registers every declaration with the engine that runs this program; by key.

    Args:
        declarations: in any order.
        adopt: resources that exist and are taken into this stack instead of created: their key, and what an import
            calls them (empty on premises). They are taken as they are: whatever differs is for the next run.
        surroundings: where clouds or several stacks are.
        looking: nothing is written, and what differs from the declaration shall show.

    Raises:
        StacksError: a provider or stack is not known.
    """
    items = tuple(declarations)
    program = _Program(adopt or {}, surroundings or Surroundings(), looking=looking)
    asked = _asked_of(items)
    for item in in_order(items):
        program.add(item, asked.get(item.key, frozenset()))
    program.export(items)
    return program.made


async def all_registered(resources: Iterable[pulumi.CustomResource]) -> None:
    """Waits until the engine has answered for all of them; what failed is told by Pulumi itself, after the program.

    A program may end without this. Then Pulumi waits itself, and goes through all that is outstanding for each answer
    that comes (pulumi/runtime/stack.py, `wait_for_rpcs`): a third of this process's time at 100 resources.
    """
    await asyncio.gather(*(resource.urn.future() for resource in resources), return_exceptions=True)


def in_order(declarations: Iterable[Declaration]) -> Iterable[Declaration]:
    """Each after what it needs.

    Raises:
        ValueError: they need one another in a circle.
    """
    by_key = {item.key: item for item in declarations}
    needs = {key: needs_of(item) & by_key.keys() for key, item in by_key.items()}
    needed_by: dict[str, list[str]] = {}
    for key, needed in needs.items():
        for other in needed:
            needed_by.setdefault(other, []).append(key)
    ready = [key for key, needed in needs.items() if not needed]
    for key in ready:  # grows while it is walked
        yield by_key[key]
        for other in needed_by.get(key, ()):
            needs[other].discard(key)
            if not needs[other]:
                ready.append(other)
    if len(ready) < len(by_key):
        circle = sorted(key for key, needed in needs.items() if needed)
        raise ValueError(f"declarations refer to one another in a circle: {', '.join(circle)}")


def needs_of(item: Declaration) -> set[str]:
    """What has to be there first, if it is part of the same stack.

    Beside what a declaration names: for what joins two regions on premises, their networks, which may live in another
    root.
    """
    link = item.arguments.get("link") if item.provider == ESTATE_PROVIDER else None
    ends = link_ends(link) if isinstance(link, str) else ()
    return {*(ref.key for ref in item.refs()), *item.depends_on, *(f"{region}/network" for region in ends)}


def _asked_of(items: tuple[Declaration, ...]) -> Mapping[str, frozenset[str]]:
    """By key, the attributes that something refers to or that other stacks may."""
    asked: dict[str, set[str]] = {item.key: {name.partition(".")[0] for name in item.exports} for item in items}
    for item in items:
        for ref in item.refs():
            asked.setdefault(ref.key, set()).add(ref.attribute.partition(".")[0])
    return {key: frozenset(names) for key, names in asked.items()}


class _Program:
    """What one run of a program has registered so far."""

    def __init__(self, adopt: Mapping[str, str], surroundings: Surroundings, *, looking: bool) -> None:
        self._adopt, self._surroundings, self._looking = adopt, surroundings, looking
        self._classes: dict[str, CloudClass] = {}
        self._providers: dict[str, pulumi.ProviderResource] = {}
        self._references: dict[str, pulumi.StackReference] = {}
        self.made: dict[str, pulumi.CustomResource] = {}

    @cached_property
    def _secrets(self) -> pulumi.Config:
        return pulumi.Config(SECRETS)

    def add(self, item: Declaration, asked: frozenset[str]) -> None:
        """Registers a declaration; `asked`: its attributes that others refer to."""
        if item.provider == ESTATE_PROVIDER:
            self.made[item.key] = self._on_premises(item, asked)
        else:
            self.made[item.key] = self._in_cloud(item, asked)

    def export(self, declarations: Iterable[Declaration]) -> None:
        """What other stacks may refer to, and where a root is not what the key says."""
        items = tuple(declarations)
        for item in items:
            for attribute in item.exports:
                pulumi.export(f"{item.key}.{attribute}", self._output(Ref(key=item.key, attribute=attribute)))
        elsewhere = {item.key: item.root for item in items if item.root != root_of(item.key.partition("/")[0])}
        if elsewhere and len({item.root for item in items}) > 1:
            pulumi.export(ROOTS, elsewhere)

    def _on_premises(self, item: Declaration, asked: frozenset[str]) -> pulumi.CustomResource:
        properties = {
            name: self._output(value) if isinstance(value, Ref) else value for name, value in item.arguments.items()
        }
        adopted = resource_id(str(item.arguments["environment"]), item.key) if item.key in self._adopt else None
        options = self._options(item)
        options.import_ = adopted
        if item.lifecycle.ignore:
            options.ignore_changes = list(item.lifecycle.ignore)
        with only_outputs(asked):
            return pulumi.CustomResource(BRIDGES[item.type].token, item.key, properties, options)

    def _in_cloud(self, item: Declaration, asked: frozenset[str]) -> pulumi.CustomResource:
        found = class_of(item.type)
        self._classes[item.key] = found
        config = self._config(item)
        arguments = dict(item.arguments)
        if "region" not in arguments and "region" in config.settings and found.takes("region"):
            arguments["region"] = config.settings["region"]
        properties = found.properties(arguments, self._resolved)
        options = self._options(item)
        options.provider = self._provider(config)
        options.ignore_changes = [found.property_name(name) for name in item.lifecycle.ignore]
        if adopted := self._adopt.get(item.key):
            options.import_ = adopted
            if not self._looking:
                options.ignore_changes = [found.property_name(name) for name in arguments]
        with only_outputs(frozenset(map(found.python_name, asked))):
            return found.make(item.key, opts=options, **properties)

    def _options(self, item: Declaration) -> pulumi.ResourceOptions:
        first = sorted(needs_of(item) - {ref.key for ref in item.refs()})
        return pulumi.ResourceOptions(
            depends_on=[self.made[key] for key in first if key in self.made],
            protect=item.lifecycle.protect or None,
            delete_before_replace=not item.lifecycle.create_before_destroy,
            aliases=[pulumi.Alias(name=key) for key in item.aliases],
        )

    def _config(self, item: Declaration) -> ProviderConfig:
        if config := self._surroundings.providers.get(item.provider):
            return config
        known = ", ".join(sorted(self._surroundings.providers)) or "none"
        raise StacksError(f"no provider {item.provider!r} is configured", where=item.key, expected=f"one of {known}")

    def _provider(self, config: ProviderConfig) -> pulumi.ProviderResource:
        """The provider of an account, made when its first resource is."""
        account = self._surroundings.accounts.get(config.name, config.name)
        if account not in self._providers:
            found = provider_class(config.provider)
            regional = () if config.provider == "aws" else ("region",)  # AWS insists on a region of its own
            settings = {
                name: value
                for name, value in self._first_of(account, config).settings.items()
                if name not in LEFT_OUT and name not in regional
            }
            properties = found.properties(settings, self._resolved)
            made = found.make(account, **properties)
            assert isinstance(made, pulumi.ProviderResource)
            self._providers[account] = made
        return self._providers[account]

    def _first_of(self, account: str, config: ProviderConfig) -> ProviderConfig:
        """The first configuration of an account.

        Raises:
            StacksError: another one says something else of the account than the region.
        """
        names = self._surroundings.accounts
        mine = [other for name, other in self._surroundings.providers.items() if names.get(name, name) == account]
        for other in mine:
            if {**other.settings, "region": ""} != {**config.settings, "region": ""}:
                raise StacksError(
                    f"regions {config.name} and {other.name} differ in more than their location",
                    where=f"account {account}",
                    expected="one account, one set of settings: Pulumi has one provider for all of its regions",
                )
        return mine[0] if mine else config

    def _resolved(self, value: Ref | SecretRef) -> pulumi.Output[Scalar]:
        return self._output(value) if isinstance(value, Ref) else self._secrets.require_secret(value.name)

    def _output(self, ref: Ref) -> pulumi.Output[Scalar]:
        """What a reference stands for: of this program, else of another stack."""
        if ref.key not in self.made:
            return self._elsewhere(ref)
        first, *path = ref.attribute.split(".")
        found = self._classes.get(ref.key)
        renamed = found.bridge.renamed if found else {}
        output: pulumi.Output[Scalar] = getattr(self.made[ref.key], renamed.get(first, first))
        return output.apply(lambda value: cast(Scalar, _within(value, path, renamed))) if path else output

    def _elsewhere(self, ref: Ref) -> pulumi.Output[Scalar]:
        stack = self._surroundings.stacks.get(ref.root)
        if stack is None:
            raise StacksError(f"{ref.key} is in none of the stacks that are known", where=f"root {ref.root!r}")
        if stack not in self._references:
            self._references[stack] = pulumi.StackReference(stack)
        name = f"{ref.key}.{ref.attribute}"
        return self._references[stack].outputs.apply(lambda outputs: _exported(outputs, name, stack))


def _exported(outputs: Mapping[str, Scalar] | None, name: str, stack: str) -> Scalar:
    if outputs and name in outputs:
        return outputs[name]
    if pulumi.runtime.is_dry_run():  # a preview of what has never been applied
        return cast(Scalar, UNKNOWN)
    raise StacksError(f"the stack has no output {name!r}", where=stack, next_step=f"pulumi up --stack {stack}")


def _within(value: object, path: list[str], renamed: Mapping[str, str]) -> object:
    """What lies at a path; where Pulumi has one object for Terraform's list of one, its index is passed over."""
    for part in path:
        if part.isdigit():
            value = value[int(part)] if isinstance(value, list) else value
        else:
            value = getattr(value, renamed.get(part, part))
    return value
