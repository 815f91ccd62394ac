"""Providers of a root: where they come from, which versions, one block for each configuration. Pure.

The configuration that bears a root's name is its plain one; any other is an alias (`provider = aws.fra`), also where
there is only one of them. So a root that comes to join a second region changes nothing for the first, and what is
taken out of a root finds the configuration that its state names.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stacks.declaration import ESTATE_PROVIDER, Argument, ProviderConfig
from stacks.errors import InvalidArgument
from stacks.estate.terraform_source import SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Required:
    """A provider that roots require.

    Attributes:
        source: its address in full, because OpenTofu and Terraform fill in different hosts.
        version: the versions that take what our targets declare; none for the estate's, which is our own.
        parallelism: resources at a time. Compute Engine bears 20 writes a second a project: four roots by five.
    """

    source: str
    version: str = ""
    parallelism: int = 10


REQUIRED: Mapping[str, Required] = {
    ESTATE_PROVIDER: Required(source=SOURCE),
    "aws": Required(source="registry.terraform.io/hashicorp/aws", version=">= 5.80.0, < 7.0.0"),
    "google": Required(source="registry.terraform.io/hashicorp/google", version=">= 3.60.0, < 8.0.0", parallelism=5),
}
ESTATE = ProviderConfig(name=ESTATE_PROVIDER, provider=ESTATE_PROVIDER)
_STATED = re.compile(r'provider\["(?P<source>[^"]+)"\](?:\.(?P<alias>[\w-]+))?')  # as a state names a configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class RootProviders:
    """The configurations that one root uses."""

    root: str
    configs: tuple[ProviderConfig, ...]

    @property
    def required(self) -> Mapping[str, Required]:
        """What has to be installed, by the provider's own name."""
        return {name: REQUIRED[name] for name in sorted({config.provider for config in self.configs})}

    @property
    def clouds(self) -> bool:
        """Whether one of them is a program that has to be installed: all but the estate's, which is served."""
        return any(config.provider != ESTATE_PROVIDER for config in self.configs)

    @property
    def parallelism(self) -> int:
        """Resources at a time: what the least patient of them bears."""
        return min((item.parallelism for item in self.required.values()), default=10)

    def requirements(self) -> Mapping[str, Mapping[str, str]]:
        """The `required_providers` block."""
        return {
            name: {"source": item.source, **({"version": item.version} if item.version else {})}
            for name, item in self.required.items()
        }

    def blocks(self) -> Mapping[str, Mapping[str, Argument] | list[Mapping[str, Argument]]]:
        """The `provider` blocks by provider; one where there is one."""
        found: dict[str, list[Mapping[str, Argument]]] = {}
        for config in sorted(self.configs, key=lambda config: (not self.is_plain(config), config.name)):
            alias = {} if self.is_plain(config) else {"alias": config.name}
            found.setdefault(config.provider, []).append({**alias, **config.settings})
        return {name: blocks[0] if len(blocks) == 1 else blocks for name, blocks in found.items()}

    def is_plain(self, config: ProviderConfig) -> bool:
        """Whether resources use it without naming it."""
        return config.provider == ESTATE_PROVIDER or config.name == self.root


def root_providers(
    root: str, names: Iterable[str], stated: Iterable[str], known: Mapping[str, ProviderConfig]
) -> RootProviders:
    """The configurations that a root's declarations name, and those that its state names besides.

    Args:
        root: its name.
        names: what its declarations name.
        stated: what its state names: `provider["registry.terraform.io/hashicorp/aws"].fra`.
        known: all that the environment has, by name.

    Raises:
        InvalidArgument: one is not known.
    """
    held = {ESTATE_PROVIDER: ESTATE, **known}
    wanted = {*names, *_stated(root, stated)}
    missing = sorted(wanted - held.keys()) or sorted(name for name in wanted if held[name].provider not in REQUIRED)
    if missing:
        raise InvalidArgument(
            f"it holds or declares resources of {', '.join(missing)}, which the environment does not configure",
            where=f"root {root}",
            expected=f"one of {', '.join(sorted(held))}",
            next_step="keep the region in the environment until its resources are gone",
        )
    return RootProviders(root=root, configs=tuple(held[name] for name in sorted(wanted)))


def digest_of(requirements: Mapping[str, Mapping[str, str]]) -> str:
    """One spelling of what has to be installed."""
    return json.dumps(requirements, sort_keys=True)


def _stated(root: str, stated: Iterable[str]) -> Iterator[str]:
    sources = {item.source: name for name, item in REQUIRED.items()}
    for text in stated:
        if found := _STATED.fullmatch(text):
            source = sources.get(found["source"], "")
            if source:
                yield found["alias"] or (ESTATE_PROVIDER if source == ESTATE_PROVIDER else root)
