"""What Terraform is told: by the JSON of roots, and by the plan that `show -json` shows, the real provider asked."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tests.laws.parity.words import Facts, Path, Reference, Seen, View, facts_of, joined

_REFERENCE = re.compile(r"\$\{([^{}]+)\}")
META = frozenset({"depends_on", "lifecycle", "provider"})
Exports = frozenset[tuple[str, str]]


def configured(texts: Mapping[str, str]) -> View:
    """The view of the roots' `main.tf.json`."""
    return {key: seen for root, text in texts.items() for key, seen in _configured(root, json.loads(text))}


def exported(texts: Mapping[str, str]) -> Exports:
    """Keys and attributes that roots export."""
    found = set()
    for text in texts.values():
        for output in json.loads(text).get("output", {}).values():
            reference = _value(output["value"])
            assert isinstance(reference, Reference)
            found.add((reference.key, reference.attribute))
    return frozenset(found)


def planned(shown: Mapping[str, object]) -> View:
    """The view of what `show -json` says of a plan: known values as planned, references as configured."""
    content = json.loads(json.dumps(shown))
    after = {item["address"]: item["change"]["after"] for item in content["resource_changes"]}
    providers = content["configuration"]["provider_config"]
    found = {}
    for item in content["configuration"]["root_module"]["resources"]:
        if item["mode"] != "managed":
            continue
        region = providers.get(item["provider_config_key"], {}).get("expressions", {}).get("region", {})
        facts = facts_of(_planned(item.get("expressions", {}), after[item["address"]]))
        found[key_of(item["name"])] = Seen(
            type=item["type"], place=_place(item["type"], str(region.get("constant_value", ""))), facts=facts
        )
    return found


def unkeyed(view: View, shown: View) -> View:
    """References of a map without their keys, where a plan shows its configuration so."""
    return {key: replace(seen, facts=_unkeyed(seen.facts, shown[key].facts)) for key, seen in view.items()}


def _unkeyed(facts: Facts, shown: Facts) -> Facts:
    above = {
        tuple(name for name in path if not name.isdecimal()) for path in shown if isinstance(shown[path], Reference)
    }
    found: dict[Path, str | Reference] = {}
    for number, (path, value) in enumerate(facts.items()):
        keyed = isinstance(value, Reference) and path[:-1] in above and not path[-1].isdecimal()
        found[(*path[:-1], str(number)) if keyed else path] = value
    return found


def _configured(root: str, content: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, Seen]]:
    regions = dict(_regions(root, content.get("provider", {})))
    for type, resources in content.get("resource", {}).items():
        assert isinstance(resources, Mapping)
        for label, block in resources.items():
            used = str(block.get("provider", f"{type.partition('_')[0]}.{root}"))
            arguments = {name: _value(value) for name, value in block.items() if name not in META}
            place = _place(type, regions.get(used.partition(".")[2], ""))
            yield key_of(label), Seen(type=type, place=place, facts=facts_of(arguments))


def _regions(root: str, providers: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for blocks in providers.values():
        for block in blocks if isinstance(blocks, list) else [blocks]:
            assert isinstance(block, Mapping)
            yield str(block.get("alias", root)), str(block.get("region", ""))


def _place(type: str, region: str) -> str:
    """The region by which an AWS provider places what it makes; the others are told by arguments."""
    return region if type.startswith("aws_") else ""


def _value(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _value(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, str):
        if found := _REFERENCE.fullmatch(value):
            return reference_of(found[1])
        return value.replace("$${", "${").replace("%%{", "%{")
    return value


def _planned(expression: object, after: object) -> object:
    """Known values as the provider plans them, references as they are configured."""
    if isinstance(expression, list):
        items = after if isinstance(after, list) else [after] * len(expression)
        return [_planned(item, value) for item, value in zip(expression, items, strict=False)]
    assert isinstance(expression, Mapping)
    if references := expression.get("references"):
        known = [item for item in after if item is not None] if isinstance(after, list) else []
        return [*(reference_of(text) for text in references if _is_whole(text, references)), *known]
    if "constant_value" in expression:
        return after
    values = after if isinstance(after, Mapping) else {}
    return {name: _planned(item, values.get(name)) for name, item in expression.items()}


def _is_whole(text: str, references: list[str]) -> bool:
    """Whether it names an attribute in full: each reference is said again without its last parts."""
    return (text.startswith("var.") or text.count(".") > 1) and not any(
        other != text and other.startswith(text) for other in references
    )


def reference_of(text: str) -> Reference:
    """`aws_vpc.fra__network.id`, or an output of another root, `...outputs.fra__network___id`."""
    if text.startswith("data.terraform_remote_state."):
        label, _, attribute = text.partition(".outputs.")[2].partition("___")
        return Reference(key_of(label), joined(attribute))
    if text.startswith("var."):
        return Reference(joined(text.removeprefix("var.")), "secret")
    _, label, attribute = re.sub(r"\[(\d+)\]", r".\1", text).split(".", 2)
    return Reference(key_of(label), joined(attribute))


def key_of(label: str) -> str:
    """The key that a label was made of."""
    return label.replace("__", "/").replace("_", ".")
