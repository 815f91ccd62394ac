"""What Pulumi is told: by the registrations of a program, and by what a recording provider received from the engine.

References are values by then: each made-up value occurs once in all the world, so that it says where it came from.
"""

from collections.abc import Iterable, Iterator, Mapping

from tests.laws.parity.words import Reference, Seen, View, facts_of, joined, words

DEFAULTS = "__defaults"
SECRET = "4dabf18193072939515e22adb298388d"  # marks what is no plain value, and shall not be shown


def received(lines: Iterable[Mapping[str, object]]) -> View:
    """The view of lines as `tests/clouds/recording_provider.py` describes them."""
    rows = [line for line in lines if line["action"] in ("create", "register")]
    made = {value: reference for line in rows for value, reference in _made(line)}
    found = {}
    for line in rows:
        inputs, type = line["inputs"], str(line["type"])
        assert isinstance(inputs, Mapping)
        own = {name: value for name, value in inputs.items() if name != DEFAULTS}
        place = str(own.pop("region", line.get("region", ""))) if type.startswith("aws:") else ""
        found[str(line["name"])] = Seen(type=type, place=place, facts=facts_of(_traced(own, made)))
    return found


def _made(line: Mapping[str, object]) -> Iterator[tuple[object, Reference]]:
    """All values that this resource alone can have said."""
    key, inputs = str(line["name"]), dict(_leaves(line["inputs"], ()))
    for path, value in _leaves(line["outputs"], ()):
        if inputs.get(path) != value:
            yield value, Reference(key, joined("_".join(path)))
    yield line["id"], Reference(key, "id")


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _leaves(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, (*path, str(number)))
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield path, value


def _traced(value: object, made: Mapping[object, Reference]) -> object:
    if isinstance(value, Mapping):
        if SECRET in value:
            return _traced(value["value"], made)
        return {name: _traced(item, made) for name, item in value.items()}
    if isinstance(value, list):
        return [_traced(item, made) for item in value]
    if isinstance(value, str) and value.startswith("<secret "):
        return Reference(joined(value.removeprefix("<secret ").removesuffix(">")), "secret")
    return made.get(value, value) if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def names_type(type: str, token: str) -> bool:
    """Whether a token is what Pulumi would call a type of Terraform: `aws_ebs_volume`, `aws:ebs/volume:Volume`."""
    package, module, name = token.split(":")
    provider, _, own = type.partition("_")
    if {"google": "gcp"}.get(provider, provider) != package:
        return False
    plain, service = "".join(words(own)), module.partition("/")[0]
    spelt = joined(name)
    rest = plain.removesuffix(f"{spelt}uration" if spelt.endswith("config") else spelt)
    return rest != plain and (not rest or joined(service).startswith(rest) or rest in SERVICES.get(service, ()))


SERVICES = {
    "directconnect": ("dx",),  # Terraform's short word for Direct Connect
    "ec2": ("vpc",),  # `VpcPeeringConnectionOptions` is `PeeringConnectionOptions` in its module
}
