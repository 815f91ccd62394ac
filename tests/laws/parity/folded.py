"""Terraform's view as CloudFormation has to see it: what is one resource there as one, and no accepters."""

from collections.abc import Mapping
from dataclasses import replace

from tests.laws.parity.differences import ACCEPTERS, ATTRIBUTES
from tests.laws.parity.words import Facts, Reference, Seen, View


def folded(view: View, parts: Mapping[str, str], left: frozenset[str]) -> View:
    """Without what is `left` out, and with each part's facts among those of what it is a part of."""
    found = {key: dict(seen.facts) for key, seen in view.items() if key not in left and key not in parts}
    for part, host in parts.items():
        found[host] |= {path: value for path, value in view[part].facts.items() if not _names(value, host)}
    for key, facts in found.items():
        if view[key].type == "aws_route53_record":  # Terraform looks the domain of its zone up
            facts["name",] = f"{facts['name',]}.<zone {facts['zoneid',]}>"
    return {key: replace(view[key], facts=_meant(facts, view)) for key, facts in found.items()}


def _names(value: str | Reference, host: str) -> bool:
    return isinstance(value, Reference) and value.key == host


def _meant(facts: Facts, view: View) -> Facts:
    return {path: _led(value, view) if isinstance(value, Reference) else value for path, value in facts.items()}


def _led(reference: Reference, view: View) -> Reference:
    """A reference past what accepts, in CloudFormation's name of the attribute."""
    seen: Seen | None = view.get(reference.key)
    while seen and seen.type in ACCEPTERS and reference.attribute == "id":
        accepted = seen.facts[(ACCEPTERS[seen.type],)]
        assert isinstance(accepted, Reference)
        reference, seen = accepted, view.get(accepted.key)
    name = ATTRIBUTES.get((seen.type, reference.attribute), reference.attribute) if seen else reference.attribute
    return replace(reference, attribute=name)
