"""The parts of an environment's targets as one `CapacitySnapshot`. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import TypeVar

from contracts.capacity import CapacitySnapshot, LinkFacts, LiveResource, Offer, Quota, ShapeFacts, Stock
from contracts.environment import Environment
from contracts.names import is_link
from contracts.resources import CircuitSpec, Purpose, Resource
from contracts.rows import Rows
from stacks.capacity.part import CapacityPart

Item = TypeVar("Item")


def join_parts(parts: Sequence[CapacityPart], environment: Environment, now: datetime) -> CapacitySnapshot:
    """One snapshot; the same parts in any order give the same one."""

    def every(
        field: Callable[[CapacityPart], Iterable[Item]], key: Callable[[Item], tuple[str, ...]]
    ) -> tuple[Item, ...]:
        return tuple(sorted(chain.from_iterable(map(field, parts)), key=key))

    resources = _once(chain.from_iterable(part.resources for part in parts))
    at = _by_place(resources)
    targets = sorted({environment.target_of(region.name) for region in environment.regions})
    return CapacitySnapshot(
        environment=environment.name,
        target=", ".join(targets),
        currency=environment.currency,
        read_at=now,
        regions=every(lambda part: part.regions, lambda item: (item.region,)),
        links=Rows.joined(LinkFacts, [part.links for part in parts]).ordered("a", "b"),
        quotas=tuple(
            _with_circuits(quota, at.get(quota.place, []))
            for quota in every(lambda part: part.quotas, lambda item: (item.place, item.kind))
        ),
        offers=Rows.joined(Offer, [part.offers for part in parts]).ordered("place", "item", "purchase"),
        pools=every(lambda part: part.pools, lambda item: (item.region, item.cidr)),
        resources=resources,
        readings=every(lambda part: part.readings, lambda item: (item.region,)),
        stock=Rows.joined(Stock, [*(part.stock for part in parts), tuple(_said(environment))]).ordered("place", "item"),
        shapes=_of_all_places(chain.from_iterable(part.shapes for part in parts)),
    )


def _of_all_places(facts: Iterable[ShapeFacts]) -> tuple[ShapeFacts, ...]:
    """Each shape once: where places differ, the least that is said of it."""
    found: dict[str, ShapeFacts] = {}
    for item in sorted(facts, key=lambda item: (item.name, item.network_gbps, item.accelerators)):
        found.setdefault(item.name, item)
    return tuple(found.values())


def _said(environment: Environment) -> Iterator[Stock]:
    """What people say of regions in clouds: no API tells it, and it holds however old a reading is."""
    for region in environment.regions:
        stock = region.cloud.stock if region.cloud else {}
        yield from (Stock(place=region.name, item=shape, count=count) for shape, count in stock.items())


def _once(resources: Iterable[LiveResource]) -> tuple[LiveResource, ...]:
    """By key; what joins two targets is said by both, and the first one is heard."""
    found: dict[str, LiveResource] = {}
    for item in resources:
        found.setdefault(item.resource.key, item)
    return tuple(found[key] for key in sorted(found))


def _by_place(resources: Iterable[LiveResource]) -> Mapping[str, list[Resource]]:
    found: dict[str, list[Resource]] = {}
    for item in resources:
        found.setdefault(item.resource.place, []).append(item.resource)
    return found


def _with_circuits(quota: Quota, mine: Sequence[Resource]) -> Quota:
    """A link's bandwidth as all of our circuits take it: an estate knows only those that it carries itself."""
    if not is_link(quota.place):
        return quota
    ours = _gbps(mine)
    used = quota.used - quota.ours + ours
    return quota.model_copy(
        update={"used": used, "ours": ours, "staged": _gbps(item for item in mine if item.purpose is Purpose.STAGED)}
    )


def _gbps(resources: Iterable[Resource]) -> float:
    return float(sum(item.spec.gbps * item.spec.count for item in resources if isinstance(item.spec, CircuitSpec)))
