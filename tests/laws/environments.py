"""Whole questions to the planner, made from a small recipe that Hypothesis can draw and shrink.

The documents agree with each other: quotas cover what is live, links join known regions, forecasts are of the
environment's regions. `question(Recipe())` is a plain world of four regions; each flag adds one thing that can happen.
"""

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
from hypothesis import strategies as st

from contracts.capacity import (
    CapacityKind,
    CapacitySnapshot,
    Catalog,
    CircuitTier,
    LinkFacts,
    Offer,
    Pool,
    Quota,
    RegionFacts,
    Shape,
    StorageClass,
)
from contracts.environment import Environment, RegionSettings
from contracts.failover import FailoverSettings
from contracts.forecast import Forecast, ForecastBundle, RequestProfile
from contracts.ledger import LedgerView
from contracts.limits import Rules
from contracts.names import link_name, pair_name
from contracts.resources import Purchase
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from contracts.staging import StagingSettings
from planner.question import Question
from tests.forecasts import series_forecast

NAMES = ("fra", "ams", "lon", "mad", "nyc", "chi", "dfw", "waw", "osl", "rom")
DOMAINS = ("eu-central", "eu-west", "us-east", "us-south")
NOW = datetime(2026, 11, 2, tzinfo=UTC)
HOURS = 48

CATALOG = Catalog(
    shapes=(
        Shape(name="s4", vcpu=4, memory_gib=16),
        Shape(name="m8", vcpu=8, memory_gib=32),
        Shape(name="m16", vcpu=16, memory_gib=64),
        Shape(name="c16", vcpu=16, memory_gib=32),
        Shape(name="l32", vcpu=32, memory_gib=128),
    ),
    storage_classes=(StorageClass(name="standard"), StorageClass(name="fast", replicated=True)),
    circuit_tiers=(
        CircuitTier(name="1g", gbps=1),
        CircuitTier(name="10g", gbps=10),
        CircuitTier(name="100g", gbps=100),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a world is like.

    Attributes:
        load: factor on all demand.
        tight: quotas hardly above what an average load needs.
        sparse: some links are missing, so that traffic takes detours.
        minimum: the first region has a minimum above its forecast.
        maximum: the second region has a maximum below its forecast.
        requests: peering requests are forecast.
        odd_prices: some shapes and tiers are not offered, and large ones can be dearer per unit.
    """

    seed: int = 0
    regions: int = 4
    load: float = 1.0
    tight: bool = False
    sparse: bool = False
    minimum: bool = False
    maximum: bool = False
    requests: bool = True
    odd_prices: bool = False
    critical_share: float = 0.4
    max_partners: int = 2


def recipes(*, min_regions: int = 4, max_regions: int = 6) -> st.SearchStrategy[Recipe]:
    """Any world of some regions."""
    return st.builds(
        Recipe,
        seed=st.integers(0, 10_000),
        regions=st.integers(min_regions, max_regions),
        load=st.sampled_from([0.2, 0.6, 1.0, 1.7]),
        tight=st.booleans(),
        sparse=st.booleans(),
        minimum=st.booleans(),
        maximum=st.booleans(),
        requests=st.booleans(),
        odd_prices=st.booleans(),
        critical_share=st.sampled_from([0.0, 0.25, 0.4, 1.0]),
        max_partners=st.integers(1, 3),
    )


def question(recipe: Recipe) -> Question:
    """The world of a recipe, with nothing live yet."""
    return Question(
        environment=environment(recipe),
        forecast=forecast(recipe),
        capacity=capacity(recipe),
        catalog=CATALOG,
        ledger=LedgerView(environment="law", revision=0),
        rules="sha256:" + "0" * 64,
        previous_plan=None,
        now=NOW,
    )


def loaded(world: Question, recipe: Recipe, load: float) -> Question:
    """The same world under another load."""
    return replace(world, forecast=forecast(replace(recipe, load=load)))


def environment(recipe: Recipe) -> Environment:
    """What people decided."""
    names = NAMES[: recipe.regions]
    bounds: dict[str, RegionSettings] = {
        name: RegionSettings(name=name, asn=64512 + at) for at, name in enumerate(names)
    }
    if recipe.minimum:
        bounds[names[0]] = RegionSettings(
            name=names[0], minimum={CapacityKind.VCPU: 150, CapacityKind.STORAGE_GIB: 900}
        )
    if recipe.maximum:
        bounds[names[1]] = RegionSettings(name=names[1], maximum={CapacityKind.VCPU: 40, CapacityKind.MEMORY_GIB: 150})
    return Environment(
        name="law",
        regions=tuple(bounds.values()),
        failover=FailoverSettings(
            critical_share=recipe.critical_share, max_latency_ms=100, max_partners=recipe.max_partners
        ),
        staging=StagingSettings(max_units_per_place=6),
        rules=Rules(headroom_quantile=0.8),
    )


def capacity(recipe: Recipe) -> CapacitySnapshot:
    """An empty estate: what there is, where, for how much."""
    chance, names = random.Random(recipe.seed), NAMES[: recipe.regions]
    scale = 1.6 if recipe.tight else 12.0
    links = [
        LinkFacts(a=min(pair), b=max(pair), latency_ms=chance.choice([5, 20, 60, 90, 130]))
        for pair in combinations(names, 2)
        if not recipe.sparse or names.index(pair[1]) - names.index(pair[0]) == 1 or chance.random() < 0.6
    ]
    quotas, offers = [], []
    for name in names:
        hosts = scale * chance.uniform(140, 220)
        totals = {
            CapacityKind.VCPU: hosts,
            CapacityKind.MEMORY_GIB: hosts * 4,
            CapacityKind.STORAGE_GIB: scale * 4000,
            CapacityKind.ADDRESSES: 65536.0,
        }
        quotas += [Quota(place=name, kind=kind, total=round(total), used=7, ours=0) for kind, total in totals.items()]
        offers += _region_offers(chance, name, recipe.odd_prices)
    for link in links:
        place = link_name(link.a, link.b)
        quotas.append(Quota(place=place, kind=CapacityKind.GBPS, total=round(scale * 20), used=0, ours=0))
        offers += _link_offers(chance, place, recipe.odd_prices)
    return CapacitySnapshot(
        environment="law",
        target="estate",
        currency="USD",
        read_at=NOW,
        regions=tuple(
            RegionFacts(region=name, continent="europe", fault_domain=DOMAINS[at % len(DOMAINS)])
            for at, name in enumerate(names)
        ),
        links=tuple(links),
        quotas=tuple(quotas),
        offers=tuple(offers),
        pools=tuple(
            Pool(region=name, cidr=f"10.{at}.0.0/16", taken=(f"10.{at}.0.0/25", f"10.{at}.9.64/26"))
            for at, name in enumerate(names)
        ),
    )


def forecast(recipe: Recipe) -> ForecastBundle:
    """A day's wave on every series, wider towards the upper quantiles."""
    chance, names = random.Random(recipe.seed + 1), NAMES[: recipe.regions]
    values: dict[tuple[SeriesKey, Granularity], np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = {}
    for name in names:
        vcpu = recipe.load * chance.uniform(30, 120)
        for kind, size in (
            (SeriesKind.CPU, vcpu),
            (SeriesKind.MEMORY, vcpu * chance.uniform(2, 5)),
            (SeriesKind.STORAGE, vcpu * chance.uniform(5, 12)),
        ):
            values[SeriesKey(kind, name), Granularity.HOURLY] = wave(size, HOURS)
    for source in names:
        for destination in names:
            rate, gbps = chance.uniform(0, 3), recipe.load * chance.uniform(0, 9)
            if source == destination:
                continue
            pair = pair_name(source, destination)
            values[SeriesKey(SeriesKind.TRAFFIC, pair), Granularity.HOURLY] = wave(gbps, HOURS)
            if recipe.requests:
                values[SeriesKey(SeriesKind.PEERING_REQUESTS, pair), Granularity.DAILY] = wave(rate, 7)
    return bundle(values, names)


def bundle(
    values: dict[tuple[SeriesKey, Granularity], np.ndarray[tuple[int, ...], np.dtype[np.float64]]],
    names: tuple[str, ...],
) -> ForecastBundle:
    """A forecast document over some values."""
    series = tuple(series_forecast(key, granularity, len(table)) for (key, granularity), table in values.items())
    profiles = tuple(
        RequestProfile(
            source=source,
            destination=destination,
            requests_seen=40,
            vcpu=5,
            memory_gib=20,
            storage_gib=120,
            gbps=0.8,
            addresses=14,
            duration_hours=30,
        )
        for source in names
        for destination in names
        if source != destination
    )
    total = round(sum(float(table.sum()) for table in values.values()), 6)
    document = Forecast(
        environment="law",
        origin=NOW,
        made_at=NOW,
        seconds=1.0,
        series=series,
        request_profiles=profiles,
        history_digest=f"sha256:{total}",
        values_file="forecast.parquet",
        values_digest=f"sha256:{total}",
    )
    return ForecastBundle(document, values)


def wave(size: float, steps: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A table of (steps, levels): a daily sine about `size`, spread by a tenth per standard deviation or so."""
    height = size * (1 + 0.3 * np.sin(np.arange(steps) * 2 * np.pi / 24))
    spread = np.interp(LEVELS, (0.0, 0.5, 1.0), (0.7, 1.0, 1.4))
    table: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.outer(height, spread)
    return table


def _region_offers(chance: random.Random, region: str, odd: bool) -> list[Offer]:
    base, offers = chance.uniform(0.03, 0.06), []
    for shape in CATALOG.shapes:
        discount = chance.uniform(0.8, 1.25) if odd else 0.98 ** (shape.vcpu / 8)
        if odd and shape.name not in ("s4", "m8") and chance.random() < 0.3:
            continue
        usd = (base * shape.vcpu + base / 8 * shape.memory_gib) * discount
        offers.append(Offer(place=region, item=shape.name, usd_per_hour=round(usd, 4)))
        offers.append(Offer(place=region, item=shape.name, purchase=Purchase.SPOT, usd_per_hour=round(usd * 0.4, 4)))
    offers.append(Offer(place=region, item="standard", usd_per_hour=0.00011))
    offers.append(Offer(place=region, item="fast", usd_per_hour=0.0002))
    offers.append(Offer(place=region, item="address", usd_per_hour=0.004))
    return offers


def _link_offers(chance: random.Random, link: str, odd: bool) -> list[Offer]:
    prices = {"1g": 0.25, "10g": 1.5, "100g": 9.0}
    if odd and chance.random() < 0.5:
        prices = {"1g": 0.25, "10g": 2.9}
    return [Offer(place=link, item=tier, usd_per_hour=usd) for tier, usd in prices.items()]
