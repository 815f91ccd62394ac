"""What a cloud has under our tags, as the plan's resources. Pure.

One resource of a plan takes several in a cloud; the one that stands for it says its spec, the others are its parts.
Of what joins two targets each side says it, and once is enough.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.accounts import TargetName
from contracts.capacity import LiveResource
from contracts.environment import Environment
from contracts.ledger import UnitState
from contracts.names import is_link, link_ends
from contracts.resources import Purpose, Resource, Spec, root_of
from stacks.clouds.cloud import CloudResource
from stacks.errors import InvalidArgument
from stacks.targets.aws.placing import RESOURCE

READY = "ready"
"""The state of what the ledger has not touched, as an inventory calls it."""
HANDED_OUT = frozenset({UnitState.HELD, UnitState.ACTIVE, UnitState.QUARANTINED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What clouds cannot say of a resource.

    Attributes:
        states: the ledger's word on each unit, by key: no cloud keeps it.
        roots: key -> root, where an engine knows better than the place's own root (on demand).
    """

    states: Mapping[str, UnitState] = field(default_factory=dict)
    roots: Mapping[str, str] = field(default_factory=dict)


def live_resources(found: Iterable[CloudResource], environment: Environment, known: Known) -> tuple[LiveResource, ...]:
    """The plan's resources among what clouds have, by key. What is tagged and makes no sense is drift's to tell."""
    live: dict[str, LiveResource] = {}
    for item in sorted(found, key=lambda item: (item.key, item.type, item.id)):
        key = plan_key(item)
        if key and key not in live and (spec := _spec(item, environment)) is not None:
            live[key] = _live(item, key, spec, known)
    return tuple(live[key] for key in sorted(live))


def plan_key(item: CloudResource) -> str:
    """Key of the plan's resource that a cloud's belongs to: its own, but for the side of what joins two targets."""
    tags = item.arguments.get("tags")
    if isinstance(tags, Mapping) and tags.get(RESOURCE):
        return str(tags[RESOURCE])
    place, _, _ = item.key.partition("/")
    above, _, side = item.key.rpartition("/")
    return above if is_link(place) and side in link_ends(place) else item.key


def purpose_of(key: str, state: str) -> Purpose:
    """Why a live resource is there: its key says so, and the state says what was handed out.

    Keys are `<place>/<kind>/<purpose>/...`; what has no purpose in its key supports the others.
    """
    if state in HANDED_OUT:
        return Purpose.GRANTED
    parts = key.split("/")
    named = parts[2] if len(parts) > 2 else ""
    return Purpose(named) if named in (Purpose.SERVING, Purpose.FAILOVER, Purpose.STAGED) else Purpose.SUPPORT


def _spec(item: CloudResource, environment: Environment) -> Spec | None:
    try:
        match environment.target_of(item.place):
            case TargetName.AWS:
                from stacks.targets import aws

                return aws.undeclare(item.type, item.key, item.arguments)
            case TargetName.GCP:
                from stacks.targets import gcp

                return gcp.undeclare(item.type, item.key, item.arguments)
            case TargetName.ESTATE:
                return None
    except InvalidArgument:
        return None  # a part of something, or tagged by a stranger


def _live(item: CloudResource, key: str, spec: Spec, known: Known) -> LiveResource:
    place = key.partition("/")[0]
    state = str(known.states.get(key, READY))
    return LiveResource(
        resource=Resource(
            key=key,
            place=place,
            root=known.roots.get(item.key, known.roots.get(key, root_of(place))),
            purpose=purpose_of(key, state),
            spec=spec,
        ),
        state=state,
        owner=item.owner,
    )
