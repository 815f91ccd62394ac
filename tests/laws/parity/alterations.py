"""Each entry of the renderers' tables, altered: what the law has to notice."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from stacks.declaration import Argument, Declaration
from stacks.engines.cloudformation.shapes import REF, Form, Shape
from stacks.engines.pulumi_engine.bridge import Bridge

Altered = tuple[str, Shape]


def altered_shapes(shape: Shape) -> Iterator[Altered]:
    """A shape with one entry altered at a time, and which."""
    if shape.type:
        yield "type", replace(shape, type=f"{shape.type}X")
    for name, place in shape.places.items():
        places = dict(shape.places)
        yield f"{name} elsewhere", replace(shape, places={**places, name: replace(place, path=f"{place.path}X")})
        if place.form is not Form.PLAIN:
            yield f"{name} as it is", replace(shape, places={**places, name: replace(place, form=Form.PLAIN)})
        if place.form is Form.SPECIFICATION:
            yield f"{name} of another", replace(shape, places={**places, name: replace(place, of="instance")})
        if not place.path.startswith("Tags"):
            del places[name]
            yield f"{name} by the rule", replace(shape, places=places)
    for name in shape.dropped:
        kept = {other: reason for other, reason in shape.dropped.items() if other != name}
        yield f"{name} not dropped", replace(shape, dropped=kept)
    for name, attribute in shape.attributes.items():
        other = "Arn" if attribute == REF else REF
        yield f"{name} by another attribute", replace(shape, attributes={**shape.attributes, name: other})
    for name in shape.fixed:
        yield f"{name} fixed otherwise", replace(shape, fixed={**shape.fixed, name: "other"})
    yield from _altered_rest(shape)


def _altered_rest(shape: Shape) -> Iterator[Altered]:
    for companion in shape.companions:
        for part in ("type", "owner", "argument", *(["property"] if companion.property else [])):
            other = replace(companion, **{part: f"{getattr(companion, part)}X"})
            yield f"{companion.suffix} {part}", replace(shape, companions=(other,))
    if shape.across:
        yield "role across", replace(shape, across=f"{shape.across}X")
    if shape.within:
        yield "within", replace(shape, within="")


def altered_bridges(bridge: Bridge, used: frozenset[str]) -> Iterator[tuple[str, Bridge]]:
    """A type of Pulumi with one entry altered at a time, as far as declarations use it."""
    wrong = "aws:ec2/vpc:Vpc" if bridge.token != "aws:ec2/vpc:Vpc" else "aws:ec2/subnet:Subnet"
    if bridge.package == "estate":
        wrong = "estate:index:Link" if bridge.token != "estate:index:Link" else "estate:index:Network"
    yield "token", replace(bridge, token=wrong)
    for name in sorted(bridge.renamed.keys() & used):
        yield f"{name} renamed otherwise", replace(bridge, renamed={**bridge.renamed, name: f"{name}_x"})


def argument_names(item: Declaration) -> frozenset[str]:
    """Names of its arguments, at any depth."""
    return frozenset(_names(item.arguments))


def _names(value: Argument | Mapping[str, Argument]) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _names(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from _names(inner)
