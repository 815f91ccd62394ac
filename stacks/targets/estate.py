"""Resources as declarations of the estate, and live rows of the estate as specs again. Both from one table.

What joins the estate and a cloud is declared under the resource's own key, and the link with a gateway entry besides:
which of our routers' tunnels end at which addresses there.

Tags (environment, key, owner) are on every resource; its purpose is not, so that granting a unit changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from pydantic import TypeAdapter

from contracts.accounts import TargetName
from contracts.environment import Environment
from contracts.names import is_link, link_ends
from contracts.resources import ComputeSpec, Resource, ResourceKind, Spec
from stacks.declaration import Argument, Declaration, Ref, Value
from stacks.errors import InvalidArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendering:
    """How a kind is declared: its type, and the spec's fields that bear another name there."""

    type: str
    renamed: tuple[tuple[str, str], ...] = ()
    networked: bool = True  # stands in its region's network


_TABLE: Mapping[ResourceKind, _Rendering] = {
    ResourceKind.NETWORK: _Rendering(type="estate_network", networked=False),
    ResourceKind.BLOCK: _Rendering(type="estate_block"),
    ResourceKind.COMPUTE: _Rendering(type="estate_compute", renamed=(("count", "instances"),)),
    ResourceKind.STORAGE: _Rendering(type="estate_storage"),
    ResourceKind.CIRCUIT: _Rendering(type="estate_circuit", renamed=(("count", "circuits"),), networked=False),
    ResourceKind.LINK: _Rendering(type="estate_link", networked=False),
    ResourceKind.FAILOVER: _Rendering(type="estate_failover"),
    ResourceKind.ALERT: _Rendering(type="estate_alert"),
}
_KINDS = {rendering.type: kind for kind, rendering in _TABLE.items()}
SPEC_TYPES = frozenset(_KINDS)
"""Types that stand for a resource of a plan; a gateway entry is a part of its link."""
GATEWAY = "estate_gateway"
_NOT_SPEC = frozenset({"id", "state", "environment", "key", "owner", "region", "link", "network"})
_SPEC: TypeAdapter[Spec] = TypeAdapter(Spec)


def declare(resources: Sequence[Resource], environment: Environment) -> tuple[Declaration, ...]:
    """Declarations of all resources, in the order of their keys.

    A network in the same root is referenced, one in another root is named by its id, which is known beforehand: moving
    a resource between roots changes no argument.

    Raises:
        InvalidArgument: compute varies by hour.
    """
    there = frozenset((resource.key, resource.root) for resource in resources)
    circuits = [resource for resource in resources if resource.kind is ResourceKind.CIRCUIT]
    declared = [_declare(resource, environment, there, circuits) for resource in resources]
    declared += [gateway for resource in resources for gateway in _gateways(resource, environment)]
    return tuple(sorted(declared, key=lambda item: item.key))


def undeclare(type: str, key: str, arguments: Mapping[str, Value]) -> Spec:
    """The spec that a live row stands for: the inverse of `declare`.

    Raises:
        InvalidArgument: the estate has no such type, or a value is not one of the spec's.
    """
    kind = _KINDS.get(type)
    if kind is None:
        raise InvalidArgument(f"{type!r} is no type of the estate", where=key)
    names = {argument: field for field, argument in _TABLE[kind].renamed}
    fields = {names.get(name, name): value for name, value in arguments.items() if name not in _NOT_SPEC}
    fields = {name: value for name, value in fields.items() if value is not None}
    try:
        return _SPEC.validate_python({**fields, "kind": kind})
    except ValueError as error:
        raise InvalidArgument(f"its arguments are no {kind}: {error}", where=key) from error


def network_key(region: str) -> str:
    """The key of a region's network."""
    return f"{region}/network"


def _declare(
    resource: Resource, environment: Environment, there: Set[tuple[str, str]], circuits: Iterable[Resource]
) -> Declaration:
    if isinstance(resource.spec, ComputeSpec) and resource.spec.by_hour:
        raise InvalidArgument(
            "no schedule scales hosts on premises: its count cannot vary by hour",
            where=resource.key,
            expected=f"a count of {resource.spec.count} at every hour",
            next_step="make the plan again: `purchases.hourly` is of regions in clouds",
        )
    rendering = _TABLE[resource.kind]
    names = dict(rendering.renamed)
    spec = resource.spec.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
    arguments: dict[str, Argument] = {names.get(field, field): value for field, value in spec.items()}
    arguments |= {"environment": environment.name, "key": resource.key, "owner": environment.owner}
    arguments["link" if is_link(resource.place) else "region"] = resource.place
    network = network_key(resource.place)
    if rendering.networked and (network, resource.root) in there:
        arguments["network"] = Ref(key=network)
    elif rendering.networked:
        arguments["network"] = f"{environment.name}/{network}"
    return Declaration(
        type=rendering.type,
        key=resource.key,
        root=resource.root,
        arguments=arguments,
        depends_on=_carriers(resource, circuits),
    )


def _gateways(resource: Resource, environment: Environment) -> Iterator[Declaration]:
    """Where tunnels of a link from premises to a cloud end: an entry below the link, by our end."""
    if resource.kind is not ResourceKind.LINK:
        return
    a, b = link_ends(resource.place)
    for here, peer in ((a, b), (b, a)):
        settings = environment.region(peer)
        if settings is None or settings.cloud is None or environment.cloud(here) is not None:
            continue
        first, second = _tunnel_ends(resource, peer, environment)
        yield Declaration(
            type=GATEWAY,
            key=f"{resource.key}/{here}",
            root=resource.root,
            arguments={
                "environment": environment.name,
                "key": f"{resource.key}/{here}",
                "owner": environment.owner,
                "link": resource.place,
                "region": here,
                "peer": peer,
                "peer_asn": settings.asn,
                "peer_address": first,
                "second_address": second,
            },
            depends_on=(resource.key,),
            resource=resource.key,
        )


def _tunnel_ends(resource: Resource, peer: str, environment: Environment) -> tuple[Ref, Ref]:
    """Two addresses in every cloud: of the VPN connection on AWS, of the VPN gateway on Google Cloud."""
    if environment.target_of(peer) is TargetName.AWS:
        connection = f"{resource.key}/{peer}"
        return Ref(key=connection, attribute="tunnel1_address"), Ref(key=connection, attribute="tunnel2_address")
    gateway = f"{network_key(peer)}/vpn"
    return (
        Ref(key=gateway, attribute="vpn_interfaces.0.ip_address", root=peer),
        Ref(key=gateway, attribute="vpn_interfaces.1.ip_address", root=peer),
    )


def _carriers(resource: Resource, circuits: Iterable[Resource]) -> tuple[str, ...]:
    """Routes of a link go up after the circuits that carry them."""
    if resource.kind is not ResourceKind.LINK:
        return ()
    return tuple(sorted(item.key for item in circuits if item.place == resource.place and item.root == resource.root))
