"""A question under changed circumstances: `Question` and `WhatIf` in, `Question` out. Nothing is solved here.

Each part of a `WhatIf` is one function from question to question, applied in a fixed order: demand and events, then
lost regions, then quotas and prices. The forecast of the changed question has a digest of its own.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from contracts.capacity import EGRESS_ITEM, Offer, Quota
from contracts.document import text_digest
from contracts.environment import Environment
from contracts.forecast import ForecastBundle, SeriesForecast
from contracts.names import is_link, pair_name
from contracts.resources import Purchase, Resource
from contracts.series import Granularity, SeriesKey
from contracts.spelling import likely
from contracts.storage import provisioned_items
from contracts.what_if import EventChange, PriceChange, QuotaChange, WhatIf
from planner.errors import WhatIfRefused
from planner.loss import lose
from planner.question import Question

Values = Mapping[tuple[SeriesKey, Granularity], NDArray[np.float64]]


def changed(question: Question, what_if: WhatIf, standing: Iterable[Resource]) -> Question:
    """The question as it would be.

    Args:
        question: as it is.
        what_if: what would be otherwise.
        standing: what a plan of the question wants: whom lost regions have as partners and where their data is kept.

    Raises:
        WhatIfRefused: it names what is not there, or says nothing of it.
    """
    values = _with_events(_times(question.forecast.values, what_if.demand), question.forecast, what_if.events)
    if values is not question.forecast.values:
        question = _reforecast(question, what_if, values, what_if.demand)
    if what_if.lost:
        question = lose(question, what_if.lost, tuple(standing))
        question = _reforecast(question, what_if, question.forecast.values)
    quotas, offers = question.capacity.quotas, question.capacity.offers
    for at, quota in enumerate(what_if.quotas):
        quotas = _with_quota(quotas, quota, f"quotas[{at}]")
    for at, price in enumerate(what_if.prices):
        offers = _with_price(question, offers, price, f"prices[{at}]")
    if (quotas, offers) == (question.capacity.quotas, question.capacity.offers):
        return question
    return replace(question, capacity=question.capacity.model_copy(update={"quotas": quotas, "offers": offers}))


def remarks(question: Question, what_if: WhatIf) -> Iterator[str]:
    """What a change does not do.

    Plans are sized for their validity: what lies beyond it moves nothing, nor does a price at which no plan buys.
    """
    begins = question.from_now().forecast.origin
    ends = begins + timedelta(hours=question.environment.horizons.validity_hours)
    for event in what_if.events:
        if event.end <= begins or event.start >= ends:
            yield (
                f"the event on {event.series} lies outside of what this plan is sized for, {begins:%Y-%m-%d %H:%M} to "
                f"{ends:%Y-%m-%d %H:%M} UTC: it moves nothing (horizons.validity_hours)"
            )
    for price in what_if.prices:
        if price.purchase is not Purchase.ON_DEMAND and not any(_buys(question.environment, price)):
            yield f"no plan buys {price.item} {price.purchase} in {price.place}: its price {_MOVES[price.purchase]}"


_MOVES = {
    Purchase.SPOT: "moves nothing (purchases.spot_share)",
    Purchase.COMMITTED: "moves advice alone (purchases.committed, buy_commitments)",
}


def _buys(environment: Environment, price: PriceChange) -> Iterator[bool]:
    """Of each region that a price is for, whether it buys in that way."""
    for region in environment.regions:
        if fnmatchcase(region.name, price.place):
            bought = price.purchase is not Purchase.COMMITTED or environment.buys_commitments(region.name)
            yield bought and price.purchase in environment.purchases_of(region.name).allowed


def _reforecast(question: Question, what_if: WhatIf, values: Values, times: float = 1.0) -> Question:
    """The question with other values of its forecast, whose document says that they are others."""
    before = question.forecast.document
    digest = text_digest(f"{before.values_digest} {what_if.canonical()}")
    series = before.series if times == 1 else tuple(_measured(item, times) for item in before.series)
    document = before.model_copy(update={"values_digest": digest, "series": series})
    return replace(question, forecast=question.forecast.moved(document, values))


def _measured(series: SeriesForecast, factor: float) -> SeriesForecast:
    """A series of which as much more, or less, had been measured as is forecast."""
    peaks = tuple(None if peak is None else peak * factor for peak in series.recent_peaks)
    return series.model_copy(update={"recent_peaks": peaks})


def _times(values: Values, factor: float) -> Values:
    return values if factor == 1 else {key: table * factor for key, table in values.items()}


def _with_events(values: Values, forecast: ForecastBundle, events: Iterable[EventChange]) -> Values:
    for at, event in enumerate(events):
        values = _with_event(values, forecast, event, f"events[{at}]")
    return values


def _with_event(values: Values, forecast: ForecastBundle, event: EventChange, where: str) -> Values:
    if event.end <= event.start:
        raise WhatIfRefused("ends before it begins", where=where, expected="`end` later than `start`")
    moved = dict(values)
    touched = 0
    names = sorted({str(key) for key, _ in values})
    for (key, granularity), table in values.items():
        if fnmatchcase(str(key), event.series):
            shares = _shares_within(forecast, event, granularity, len(table))
            touched += int(np.count_nonzero(shares))
            moved[key, granularity] = table * (1 + (event.uplift - 1) * shares)[:, None]
    _refuse_unmatched([name for name in names if fnmatchcase(name, event.series)], event.series, names, where)
    if not touched:
        last = forecast.origin + timedelta(hours=_hours(values))
        raise WhatIfRefused(
            f"touches no hour of the forecast, which reaches from {forecast.origin:%Y-%m-%d %H:%M} to "
            f"{last:%Y-%m-%d %H:%M} UTC",
            where=where,
            expected="a `start` and an `end` within it",
        )
    return moved


def _shares_within(
    forecast: ForecastBundle, event: EventChange, granularity: Granularity, steps: int
) -> NDArray[np.float64]:
    """The share of each step that lies within the event, 0 to 1."""
    length = 1.0 if granularity is Granularity.HOURLY else 24.0
    begins, ends = ((moment - forecast.origin) / timedelta(hours=1) for moment in (event.start, event.end))
    edges = np.arange(steps, dtype=np.float64) * length
    overlap = np.minimum(edges + length, ends) - np.maximum(edges, begins)
    shares: NDArray[np.float64] = np.clip(overlap / length, 0.0, 1.0)
    return shares


def _hours(values: Values) -> int:
    lengths = [len(table) * (1 if each is Granularity.HOURLY else 24) for (_, each), table in values.items()]
    return max(lengths, default=0)


def _with_quota(quotas: tuple[Quota, ...], change: QuotaChange, where: str) -> tuple[Quota, ...]:
    _refuse_both_or_none(change.total, change.times, ("total", "times"), where)
    matched = [item for item in quotas if item.kind is change.kind and fnmatchcase(item.place, change.place)]
    places = sorted({item.place for item in quotas})
    if not matched and change.total is not None and change.place in places:
        return (*quotas, Quota(place=change.place, kind=change.kind, total=change.total, used=0, ours=0))
    _refuse_unmatched([item.place for item in matched], change.place, places, f"{where}.place")
    return tuple(
        item.model_copy(update={"total": _new(item.total, change.total, change.times)}) if item in matched else item
        for item in quotas
    )


def _with_price(question: Question, offers: Sequence[Offer], change: PriceChange, where: str) -> Sequence[Offer]:
    _refuse_both_or_none(change.usd_per_hour, change.times, ("usd_per_hour", "times"), where)
    matched = {
        item
        for item in offers
        if item.purchase is change.purchase
        and fnmatchcase(item.place, change.place)
        and fnmatchcase(item.item, change.item)
    }
    if change.item == EGRESS_ITEM and is_link(change.place):
        one, other = change.place.split("--", 1)
        raise WhatIfRefused(
            f"{change.place} is a link: what leaves a region by the GB is paid by direction",
            where=f"{where}.place",
            expected=f"{pair_name(one, other)} or {pair_name(other, one)}",
        )
    stated = _stated(offers, change)
    if not matched and stated is not None and _could_sell(question, change):
        return (*offers, Offer(place=change.place, item=change.item, purchase=change.purchase, usd_per_hour=stated))
    places, items = sorted({item.place for item in offers}), sorted({item.item for item in offers})
    _refuse_unmatched([p for p in places if fnmatchcase(p, change.place)], change.place, places, f"{where}.place")
    _refuse_unmatched([i for i in items if fnmatchcase(i, change.item)], change.item, items, f"{where}.item")
    if not matched:
        raise WhatIfRefused(
            f"{change.place} does not sell {change.item} {change.purchase}",
            where=where,
            expected="`usd_per_hour`, so that it does, at that price",
        )
    return tuple(
        item.model_copy(update={"usd_per_hour": _new(item.usd_per_hour, change.usd_per_hour, change.times)})
        if item in matched
        else item
        for item in offers
    )


def _stated(offers: Sequence[Offer], change: PriceChange) -> float | None:
    """What a new offer asks; towards one region by the GB, times what its source asks towards any."""
    source = change.place.partition("->")[0]
    asks = (
        offer for offer in offers if (offer.place, offer.item, offer.purchase) == (source, EGRESS_ITEM, change.purchase)
    )
    towards_any = next(asks, None) if change.item == EGRESS_ITEM else None
    if change.usd_per_hour is None and towards_any is not None:
        return _new(towards_any.usd_per_hour, None, change.times)
    return change.usd_per_hour


def _could_sell(question: Question, change: PriceChange) -> bool:
    """Whether an item that is not offered exists, and so does the place."""
    catalog, capacity = question.catalog, question.capacity
    classes = [item.name for item in catalog.storage_classes]
    known = {shape.name for shape in catalog.shapes} | {*classes, *provisioned_items(classes)}
    known |= {tier.name for tier in catalog.circuit_tiers} | {EGRESS_ITEM}
    places = {item.region for item in capacity.regions} | {item.place for item in capacity.offers}
    if change.item == EGRESS_ITEM:
        places |= {pair_name(*ends) for link in capacity.links for ends in ((link.a, link.b), (link.b, link.a))}
    return change.item in known and change.place in places


def _new(before: float, value: float | None, times: float | None) -> float:
    after = before * (times if times is not None else 1.0) if value is None else value
    return after if math.isfinite(after) else before


def _refuse_both_or_none(value: float | None, times: float | None, names: tuple[str, str], where: str) -> None:
    if (value is None) == (times is None):
        told = "gives both" if value is not None else "gives neither"
        raise WhatIfRefused(f"{told} `{names[0]}` and `{names[1]}`", where=where, expected="one of the two")


def _refuse_unmatched(matched: list[str], pattern: str, known: list[str], where: str) -> None:
    if not matched:
        raise WhatIfRefused(
            f"nothing is called {pattern!r}; {likely(pattern, known)}".rstrip("; "),
            where=where,
            expected=f"one of {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}" if known else "",
        )
