"""What a plan costs if its forecast is wrong: cases, what is likely short, what one unit more is worth (pure).

Capacity is what serves: staged and granted units are others', and what stands by for failover is for a lost region.
A shortage costs `costs.shortage_usd_per_unit_hour`; of kinds that are not named there, nothing is said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np

from contracts.capacity import CapacityKind
from contracts.plan import PlannedResource
from contracts.resources import ComputeSpec, Purpose
from contracts.risk import DemandCase, Exposure, PathCase, Risk, ShortAt, Together
from planner.curves import SERIES_OF, Curves, link_curves
from planner.market import Market
from planner.moved import paths_of, served_curves
from planner.question import Question
from planner.recourse.distribution import DemandByHour, Matrix, normal_score
from planner.requirements import rounded

CASES = (0.5, 0.95, 0.99)
MOST_SHORT = 10  # places that a case names

SAMPLE = np.array([normal_score((at + 0.5) / 200) for at in range(200)])
"""Demands that an hour is imagined with, spread evenly: expectations are sample averages over them. What lies beyond
the forecast's highest level counts as that: how far it goes, a forecast has no evidence for."""

DAY = 24

Capacity = dict[tuple[str, CapacityKind], Matrix]
"""What serves of a kind at a place, by hour of the day in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stake:
    """Demand for one kind at one place, beside what there is for it.

    Attributes:
        available: in each hour, (hours,).
        shortage_usd: of one unit missing during one hour.
        idle_usd: of one unit more, during one hour; None where none is offered.
        paths: of demand, (paths, hours); None where the forecast has none that reach so far.
    """

    place: str
    kind: CapacityKind
    demand: DemandByHour
    available: Matrix
    shortage_usd: float
    idle_usd: float | None
    paths: Matrix | None = None

    def expected(self) -> Matrix:
        """Units missing in each hour of the sample, (scores, hours)."""
        lowest, highest = normal_score(self.demand.levels[0]), normal_score(self.demand.levels[-1])
        return self.missing(np.clip(SAMPLE, lowest, highest))

    def missing(self, scores: Matrix) -> Matrix:
        """Units missing in each hour where demand comes at some normal scores, (scores, hours)."""
        return self.beyond(self.demand.at_scores(scores))

    def beyond(self, demand: Matrix) -> Matrix:
        """What some demands, (samples, hours), ask for beyond what there is."""
        short: Matrix = np.maximum(0.0, demand - self.available)
        return np.where(short > 1e-9 * np.maximum(1.0, self.available), short, 0.0)


class PaidByGB(Protocol):
    """What traffic costs by the GB (`planner.egress`)."""

    def usd_at(self, level: float) -> float:
        """USD per hour where all of it comes at one quantile of its forecast."""


def plan_risk(
    question: Question,
    market: Market,
    wanted: Sequence[PlannedResource],
    detoured: Mapping[str, float],
    traffic: PaidByGB | None = None,
) -> Risk | None:
    """The cost of being wrong over the hours that a plan holds for; nothing where nothing is forecast.

    Args:
        question: that the plan answers; its forecast begins now.
        market: prices.
        wanted: the plan's resources.
        detoured: Gbps by link that others carry of its traffic, less what it carries of theirs.
        traffic: what it costs by the GB; nothing where it costs none.
    """
    serving = _serving(market, wanted)
    for link, gbps in detoured.items():
        what = link, CapacityKind.GBPS
        serving[what] = np.maximum(0.0, serving.get(what, np.zeros(DAY)) + gbps)
    stakes = tuple(_stakes(question, market, serving))
    if not stakes:
        return None
    usd_per_hour = sum(item.usd_per_hour for item in wanted)
    exposures = sorted(
        (_exposure(question, stake) for stake in stakes),
        key=lambda item: (-item.expected_usd_per_hour, -item.short, item.place, item.kind),
    )
    return Risk(
        hours=max(stake.demand.hours for stake in stakes),
        expected_usd_per_hour=rounded(sum(item.expected_usd_per_hour for item in exposures)),
        cases=tuple(_case(stakes, level, usd_per_hour, traffic.usd_at(level) if traffic else 0.0) for level in CASES),
        exposures=tuple(exposures),
        together=together_on_paths(stakes),
    )


def _serving(market: Market, wanted: Iterable[PlannedResource]) -> Capacity:
    """What serves at each place. A replica serves nobody: only what a resource gives where it stands counts."""
    found: Capacity = {}
    for item in wanted:
        resource, spec = item.resource, item.resource.spec
        if resource.purpose is not Purpose.SERVING:
            continue
        share = np.ones(DAY)
        if isinstance(spec, ComputeSpec) and spec.by_hour:
            share = np.array(spec.by_hour) / spec.count
        for (place, kind), amount in market.use(resource).items():
            if place == resource.place:
                found[place, kind] = found.get((place, kind), np.zeros(DAY)) + amount * share
    return found


def _stakes(question: Question, market: Market, serving: Capacity) -> Iterator[Stake]:
    for region in sorted(settings.name for settings in question.environment.regions):
        for kind in SERIES_OF:
            curves = served_curves(question, region, kind)
            if curves is not None and (stake := _stake(question, market, serving, curves)):
                yield stake
    for _, directions in link_curves(question, market):
        stakes = [stake for curves in directions if (stake := _stake(question, market, serving, curves))]
        if stakes:  # circuits are full duplex: the direction that misses more counts
            yield max(stakes, key=lambda stake: float(stake.expected().mean()))


def _stake(question: Question, market: Market, serving: Capacity, curves: Curves) -> Stake | None:
    """What is at stake within the plan's validity; nothing where no cost of a shortage is stated."""
    place, kind = curves.place, curves.kind
    costs = question.environment.costs.shortage_usd_per_unit_hour
    if kind not in costs:
        return None
    demand = curves.demand()
    demand = DemandByHour(demand.levels, demand.table[: question.environment.horizons.validity_hours])
    hours = (question.forecast.origin.hour + np.arange(demand.hours)) % DAY
    return Stake(
        place=place,
        kind=kind,
        demand=demand,
        available=serving.get((place, kind), np.zeros(DAY))[hours],
        shortage_usd=costs[kind],
        idle_usd=market.unit_price(place, kind),
        paths=_paths(question, curves, demand.hours),
    )


def _paths(question: Question, curves: Curves, hours: int) -> Matrix | None:
    """Paths of the sum of series over so many hours; None where there are none of all of them, or not so far."""
    paths = paths_of(question, curves)
    return paths[:, :hours] if paths is not None and paths.shape[1] >= hours else None


def together_on_paths(stakes: Sequence[Stake]) -> Together | None:
    """What is missing everywhere on each path; nothing is said where a place has no paths."""
    drawn = [(stake, stake.paths) for stake in stakes if stake.paths is not None]
    if len(drawn) < len(stakes):
        return None
    missing = [(stake, stake.beyond(paths)) for stake, paths in drawn]
    costs = np.sum([each.mean(axis=1) * stake.shortage_usd for stake, each in missing], axis=0)
    short = np.any([each.any(axis=1) for _, each in missing], axis=0)
    found = np.quantile(costs, CASES, method="hazen")
    return Together(
        paths=len(costs),
        chance=rounded(float(short.mean())),
        cases=tuple(
            PathCase(level=level, shortage_usd_per_hour=rounded(float(usd)))
            for level, usd in zip(CASES, found, strict=True)
        ),
    )


def _exposure(question: Question, stake: Stake) -> Exposure:
    """Expectations over hours and chances; the probability is of the one hour where it is highest."""
    missing = stake.expected()
    chance = short_by_hour(stake)
    at = int(np.argmax(chance))
    expected = rounded(float(missing.mean()))
    return Exposure(
        place=stake.place,
        kind=stake.kind,
        available=rounded(float(stake.available[at])),
        short=rounded(float(chance[at])),
        at=question.forecast.origin + timedelta(hours=at),
        expected_units=expected,
        expected_usd_per_hour=rounded(float(missing.mean()) * stake.shortage_usd),
        next_unit_usd_per_hour=rounded(float(chance.mean()) * stake.shortage_usd - (stake.idle_usd or 0.0)),
    )


def short_by_hour(stake: Stake) -> Matrix:
    """The probability that what there is does not suffice, in each hour."""
    amounts, at = np.unique(stake.available, return_inverse=True)
    chance: Matrix = 1.0 - stake.demand.met(amounts)[at, np.arange(stake.demand.hours)]
    return chance


def _case(stakes: Iterable[Stake], level: float, usd_per_hour: float, egress_usd: float) -> DemandCase:
    """All demand at one quantile."""
    score, total, found = np.array([normal_score(level)]), 0.0, []
    for stake in stakes:
        missing = stake.missing(score)[0]
        usd = float(missing.mean()) * stake.shortage_usd
        total += usd
        if missing.any():
            units, hours = rounded(float(missing.max())), int((missing > 0).sum())
            found.append((-usd, ShortAt(place=stake.place, kind=stake.kind, units=max(units, 1e-6), hours=hours)))
    dearest = sorted(found, key=lambda item: (item[0], item[1].place, item[1].kind))
    return DemandCase(
        level=level,
        shortage_usd_per_hour=rounded(total),
        usd_per_hour=rounded(usd_per_hour + egress_usd + total),
        egress_usd_per_hour=rounded(egress_usd),
        places=len(found),
        short=tuple(item for _, item in dearest[:MOST_SHORT]),
    )
