"""Declarations as a root's Terraform JSON: sorted, indented, for people to read and diff. Pure.

What another root has to say is read from its state by a `terraform_remote_state` (by data, never by guess). Where that
root has not said it yet, a preview stands on `UNKNOWN`, a resource that does not exist: what leans on it is shown as
known after the apply, by the engine itself.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stacks.declaration import Argument, Declaration, Ref, SecretRef, secrets_of
from stacks.engines.engine import Adoption, Job
from stacks.engines.terraform_engine.backends import BESIDE, StatePlace
from stacks.engines.terraform_engine.labels import (
    ESTATE_TYPES,
    address_of,
    check_key,
    label_of,
    output_of,
    path_of,
    variable_of,
)
from stacks.engines.terraform_engine.providers import ESTATE, RootProviders, root_providers
from stacks.errors import InvalidArgument
from stacks.estate.inventory import resource_id

UNKNOWN = "terraform_data.known_after_apply"
Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootContent:
    """All that a root's text follows from.

    Attributes:
        declarations: what it shall hold.
        providers: the configurations that it uses.
        place: where its state and those of other roots lie.
        unknown: what other roots have not said yet. An apply leaves out what leans on it; a preview shows it so.
    """

    root: str
    declarations: tuple[Declaration, ...]
    providers: RootProviders
    place: StatePlace = BESIDE
    unknown: frozenset[Ref] = field(default_factory=frozenset)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets that it takes, by name."""
        return tuple(sorted({name for item in self.declarations for name in secrets_of(item)}))


def render_roots(job: Job, place: StatePlace) -> Mapping[str, str]:
    """The text of every root of a job, by name: what `render` writes for people."""
    return {root: render_content(content_of(root, items, job, place)) for root, items in job.roots.items()}


def content_of(
    root: str, declarations: tuple[Declaration, ...], job: Job, place: StatePlace, stated: Iterable[str] = ()
) -> RootContent:
    """A root of a job; `stated` are the provider configurations that its state names."""
    names = (item.provider for item in declarations)
    providers = root_providers(root, names, stated, job.providers)
    return RootContent(root=root, declarations=declarations, providers=providers, place=place)


def render_root(declarations: Iterable[Declaration]) -> str:
    """The text of a root that lies in the estate alone."""
    items = tuple(declarations)
    root = items[0].root if items else ""
    return render_content(
        RootContent(root=root, declarations=items, providers=RootProviders(root=root, configs=(ESTATE,)))
    )


def render_content(content: RootContent) -> str:
    """The Terraform JSON of a root.

    Raises:
        InvalidArgument: a key cannot be read back, or something refers to what the root does not have.
    """
    items = sorted(content.declarations, key=lambda item: item.key)
    writer = _Writer(content, {item.key: item.type for item in items})
    resources: dict[str, dict[str, Json]] = {}
    for item in items:
        check_key(item)
        resources.setdefault(item.type, {})[label_of(item.key)] = writer.block(item)
    if content.unknown:
        type, _, label = UNKNOWN.partition(".")
        resources.setdefault(type, {})[label] = {}
    text = {
        "terraform": _settings(content),
        "provider": {name: writer.literal_blocks(blocks) for name, blocks in content.providers.blocks().items()},
        "variable": {variable_of(name): {"type": "string", "sensitive": True} for name in content.secrets},
        "data": _remote_states(content),
        "resource": resources,
        "moved": _moved(items),
        "output": _outputs(items),
    }
    kept = {name: value for name, value in text.items() if value}
    return json.dumps(kept, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def render_backend(place: StatePlace, root: str) -> str:
    """The least text by which a root's state can be reached."""
    return json.dumps({"terraform": {"backend": place.block(root)}}, indent=2, sort_keys=True) + "\n"


def render_imports(environment: str, adopted: Mapping[str, Adoption], declarations: Iterable[Declaration]) -> str:
    """Import blocks that take existing resources into the state; empty where there are none.

    Raises:
        InvalidArgument: what a cloud has is to be taken in, and nobody says what it calls it.
    """
    blocks = [
        {"to": address_of(item.type, item.key), "id": _import_id(environment, item, adopted[item.key])}
        for item in sorted(declarations, key=lambda item: item.key)
        if item.key in adopted
    ]
    return json.dumps({"import": blocks}, indent=2) + "\n" if blocks else ""


def _import_id(environment: str, item: Declaration, adoption: Adoption) -> str:
    if adoption.id:
        return adoption.id
    if item.type.startswith(ESTATE_TYPES):
        return resource_id(environment, item.key)
    raise InvalidArgument(f"to be taken in, but nobody says which {item.type} it is", where=item.key)


class _Writer:
    """Writes what one root's declarations say as JSON."""

    def __init__(self, content: RootContent, types: Mapping[str, str]) -> None:
        self._content, self._types = content, types
        self._configs = {config.name: config for config in content.providers.configs}

    def block(self, item: Declaration) -> Json:
        """A `resource` block."""
        block: dict[str, object] = {name: self.literal(value) for name, value in item.arguments.items()}
        if item.depends_on:
            block["depends_on"] = [self._address(key, item.key) for key in sorted(item.depends_on)]
        config = self._configs[item.provider]
        if not self._content.providers.is_plain(config):
            block["provider"] = f"{config.provider}.{config.name}"
        if lifecycle := _lifecycle(item):
            block["lifecycle"] = lifecycle
        return block

    def literal_blocks(self, blocks: Mapping[str, Argument] | Sequence[Mapping[str, Argument]]) -> object:
        """Provider blocks, whose settings are text like any other."""
        if isinstance(blocks, Mapping):
            return self.literal(blocks)
        return [self.literal(block) for block in blocks]

    def literal(self, value: Argument) -> object:
        """A value as JSON: what it refers to as an expression, text that must not be read as a template."""
        if isinstance(value, Ref):
            return f"${{{self._expression(value)}}}"
        if isinstance(value, SecretRef):
            return f"${{var.{variable_of(value.name)}}}"
        if isinstance(value, str):
            return value.replace("${", "$${").replace("%{", "%%{")
        if isinstance(value, Mapping):
            return {name: self.literal(item) for name, item in value.items()}
        return [self.literal(item) for item in value] if isinstance(value, tuple) else value

    def _expression(self, ref: Ref) -> str:
        if not ref.root or ref.root == self._content.root:
            return self._address(ref.key, ref.attribute) + path_of(ref.attribute)
        if ref in self._content.unknown:
            return f"jsondecode({UNKNOWN}.id)"  # of any type
        return f"data.terraform_remote_state.{label_of(ref.root)}.outputs.{output_of(ref)}"

    def _address(self, key: str, whose: str) -> str:
        if key not in self._types:
            raise InvalidArgument(f"refers to {key}, which root {self._content.root} does not declare", where=whose)
        return address_of(self._types[key], key)


def _settings(content: RootContent) -> Json:
    backend = content.place.block(content.root)
    return {"required_providers": content.providers.requirements(), **({"backend": backend} if backend else {})}


def _remote_states(content: RootContent) -> Json:
    refs = {ref for item in content.declarations for ref in item.refs()} - content.unknown
    roots = sorted({ref.root for ref in refs if ref.root and ref.root != content.root})
    states = {label_of(root): content.place.reading(root) for root in roots}
    return {"terraform_remote_state": states} if states else {}


def _lifecycle(item: Declaration) -> Json:
    lifecycle = item.lifecycle
    settings = {
        "prevent_destroy": lifecycle.protect,
        "ignore_changes": sorted(lifecycle.ignore),
        "create_before_destroy": lifecycle.create_before_destroy,
    }
    return {name: value for name, value in settings.items() if value}


def _moved(items: Iterable[Declaration]) -> list[Json]:
    return [
        {"from": address_of(item.type, alias), "to": address_of(item.type, item.key)}
        for item in items
        for alias in item.aliases
    ]


def _outputs(items: Iterable[Declaration]) -> Json:
    return {
        output_of(Ref(key=item.key, attribute=attribute)): {
            "value": f"${{{address_of(item.type, item.key)}{path_of(attribute)}}}"
        }
        for item in items
        for attribute in item.exports
    }
