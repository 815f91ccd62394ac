"""The candidates that were not taken, each with a typed reason and its numbers."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from contracts.capacity import CapacityKind, Shape
from contracts.plan import RefusalCode, RefusedAlternative
from contracts.resources import CircuitSpec, ComputeSpec, Purchase
from planner.market import Market
from planner.packing import Units, first_fit, most_on
from planner.requirements import rounded
from planner.sites import Amount

USD = "USD/h"


def dearer_or_moves(candidate: str, usd: float, chosen_usd: float) -> RefusedAlternative:
    """A candidate that would do: it costs more, or it does not and staying was preferred."""
    code = RefusalCode.DEARER if usd >= chosen_usd else RefusalCode.MOVES
    return RefusedAlternative(candidate=candidate, code=code, limit=rounded(chosen_usd), value=rounded(usd), unit=USD)


def shape_alternatives(
    market: Market, region: str, asked: tuple[Amount, Units], room: Amount, chosen: Mapping[str, int]
) -> tuple[RefusedAlternative, ...]:
    """Every shape that was not chosen, as if it alone met the need and held all units; and what is interruptible."""
    prices = {shape.name: usd for shape, usd in market.offered_shapes(region)}
    chosen_usd = sum(prices.get(name, 0.0) * count for name, count in chosen.items())
    return tuple(_shapes(market, region, asked, room, (chosen, chosen_usd)))


def circuit_alternatives(
    market: Market, link: str, need_gbps: float, room_gbps: float, chosen: Mapping[str, int]
) -> tuple[RefusedAlternative, ...]:
    """Every tier that was not chosen, as if it alone carried the need."""
    refused = []
    chosen_usd = sum((market.price(link, name) or 0.0) * count for name, count in chosen.items())
    for tier in market.tiers.values():
        usd, count = market.price(link, tier.name), math.ceil(need_gbps / tier.gbps)
        if tier.name in chosen:
            continue
        if usd is None:
            refused.append(RefusedAlternative(candidate=tier.name, code=RefusalCode.NOT_OFFERED))
        elif count * tier.gbps > room_gbps:
            refused.append(_no_room(f"{count} x {tier.name}", room_gbps, count * tier.gbps, CapacityKind.GBPS))
        else:
            refused.append(dearer_or_moves(f"{count} x {tier.name}", usd * count, chosen_usd))
    return tuple(refused)


def class_alternatives(
    market: Market, usd: Mapping[str, float], refused: Iterable[RefusedAlternative], chosen: str
) -> tuple[RefusedAlternative, ...]:
    """Every storage class that was not chosen: what it would cost, or why it would not do."""
    why = {item.candidate: item for item in refused}
    return tuple(
        why[name] if name in why else dearer_or_moves(name, usd[name], usd[chosen])
        for name in market.storage_classes
        if name != chosen
    )


def partner_alternatives(
    refusals: Mapping[str, RefusedAlternative | None], chosen: Mapping[str, float], usd: Callable[[str], float | None]
) -> tuple[RefusedAlternative, ...]:
    """Every region that is no partner: by rule, or because of what all of the load would add to what it holds.

    Args:
        refusals: by region, why it may not be one; nothing where it may.
        chosen: what the load adds to what each partner holds, USD per hour.
        usd: what all of it would add at another region; None where nothing is sold.
    """
    refused = []
    chosen_usd = sum(chosen.values())
    for region, refusal in refusals.items():
        if refusal is not None:
            refused.append(refusal)
        elif region not in chosen:
            alone = usd(region)
            refused.append(
                RefusedAlternative(candidate=region, code=RefusalCode.NOT_OFFERED)
                if alone is None
                else RefusedAlternative(
                    candidate=region,
                    code=RefusalCode.DEARER if alone >= chosen_usd else RefusalCode.MOVES,
                    limit=rounded(chosen_usd),
                    value=rounded(alone),
                    unit=USD,
                )
            )
    return tuple(refused)


def unit_alternatives(market: Market, place: str, spec: ComputeSpec | CircuitSpec) -> tuple[RefusedAlternative, ...]:
    """The next best of what one staged unit could be: of what is sold there and costs more, that which costs least.

    Of circuits, which are chosen by their speed, the next larger one that is sold.
    """
    if isinstance(spec, ComputeSpec):
        item, sold = spec.shape, [(usd, shape.name) for shape, usd in market.offered_shapes(place)]
    else:
        item = spec.tier
        tiers = (tier for tier in market.tiers.values() if tier.gbps > spec.gbps)
        sold = [(usd, tier.name) for tier in tiers if (usd := market.price(place, tier.name)) is not None][:1]
    others, chosen = [one for one in sold if one[1] != item], market.price(place, item)
    if chosen is None or not others:
        return ()
    usd, name = min(others)
    return (dearer_or_moves(f"1 x {name}", usd, chosen),)


def _shapes(
    market: Market, region: str, asked: tuple[Amount, Units], room: Amount, chosen: tuple[Mapping[str, int], float]
) -> Iterator[RefusedAlternative]:
    (need, units), (names, chosen_usd) = asked, chosen
    for shape in market.shapes.values():
        spot = market.price(region, shape.name, Purchase.SPOT)
        if spot is not None:
            yield RefusedAlternative(
                candidate=f"{shape.name} {Purchase.SPOT}", code=RefusalCode.NOT_ALLOWED, value=rounded(spot), unit=USD
            )
        usd, count = market.price(region, shape.name), max(need.instances(shape), _holding(shape, units))
        candidate = f"{count} x {shape.name}"
        if shape.name in names:
            continue
        if usd is None:
            yield RefusedAlternative(candidate=shape.name, code=RefusalCode.NOT_OFFERED)
        elif not all(most_on(shape, size) for size in units):
            yield RefusedAlternative(candidate=shape.name, code=RefusalCode.TOO_SMALL)
        elif count * shape.vcpu > room.vcpu:
            yield _no_room(candidate, room.vcpu, count * shape.vcpu, CapacityKind.VCPU)
        elif count * shape.memory_gib > room.memory_gib:
            yield _no_room(candidate, room.memory_gib, count * shape.memory_gib, CapacityKind.MEMORY_GIB)
        else:
            yield dearer_or_moves(candidate, usd * count, chosen_usd)


def _holding(shape: Shape, units: Units) -> int:
    """How many instances of one shape hold all units that it can, by first fit decreasing."""
    fitting = {size: count for size, count in units.items() if most_on(shape, size)}
    return sum(bool(bin_.holds) for bin_ in first_fit(((shape, sum(fitting.values())),), fitting).bins)


def _no_room(candidate: str, limit: float, value: float, kind: CapacityKind) -> RefusedAlternative:
    return RefusedAlternative(
        candidate=candidate, code=RefusalCode.NO_CAPACITY, limit=rounded(limit), value=rounded(value), unit=kind.value
    )
