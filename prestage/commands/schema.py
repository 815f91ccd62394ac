"""`prestage schema`: the JSON schema of any document."""

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from prestage.scope import examples

if TYPE_CHECKING:
    from contracts.document import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaOptions:
    """Which document; none lists them."""

    name: str | None


@click.command(epilog=examples("prestage schema", "prestage schema plan > plan.schema.json"))
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """Print the JSON schema of a document.

    Without a NAME, list the documents.
    """
    options = SchemaOptions(name=name)
    documents = {kind.FORMAT.removeprefix("prestage/"): kind for kind in _kinds()}
    if options.name is None:
        click.echo("\n".join(sorted(documents)))
        return 0
    kind = documents.get(options.name.removeprefix("prestage/"))
    if kind is None:
        near = difflib.get_close_matches(options.name, documents, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise click.UsageError(f"there is no document {options.name!r}.{hint} `prestage schema` lists them.")
    click.echo(json.dumps(_schema(kind), indent=2, sort_keys=True))
    return 0


def _schema(kind: "type[Document]") -> dict[str, object]:
    """Pydantic's schema and the three keys that every document file has."""
    schema = kind.model_json_schema()
    schema["properties"] |= {
        "format": {"const": kind.FORMAT},
        "version": {"type": "integer", "minimum": 1, "maximum": kind.VERSION},
        "digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    }
    schema["required"] = sorted({*schema.get("required", ()), "format", "version"})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _kinds() -> "tuple[type[Document], ...]":
    """Every document of `contracts`: each module is imported, then all subclasses are asked for."""
    import importlib
    import pkgutil

    import contracts
    from contracts.document import Document

    for module in pkgutil.iter_modules(contracts.__path__):
        importlib.import_module(f"contracts.{module.name}")
    return tuple(kind for kind in Document.__subclasses__() if kind.__module__.startswith("contracts."))
