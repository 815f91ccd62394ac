"""A planning problem as the planner's own documents, and a plan back as the problem's arrays.

Prices, stock and the share of spot that may be lost become offers, stock and bands of interruption; demand becomes a
forecast whose quantiles are all alike; pairs become links near enough to one another. Memory is counted in thousandths
of a GiB, because shapes have whole ones.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from benchmarks.plan_problem import Floats, Problem, real, whole
from contracts.accounts import Account, CloudRegion, TargetName
from contracts.capacity import (
    ADDRESS_ITEM,
    LOSS_SHARES,
    CapacitySnapshot,
    Catalog,
    CircuitTier,
    LinkFacts,
    Offer,
    Pool,
    RegionFacts,
    Shape,
    Stock,
)
from contracts.environment import Environment, RegionSettings
from contracts.failover import FailoverSettings, Reserve
from contracts.forecast import Evidence, Forecast, ForecastBundle, Scores, SeriesForecast
from contracts.ledger import LedgerView
from contracts.names import link_name, pair_name
from contracts.plan import Plan
from contracts.purchases import Purchases
from contracts.resources import CircuitSpec, ComputeSpec, FailoverSpec, Purchase
from contracts.rows import Rows
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind, unit_of
from contracts.staging import StagingSettings
from planner.question import Question

NOW = datetime(2026, 11, 2, tzinfo=UTC)
MEMORY_SCALE = 1000.0
NEAR_MS, FAR_MS = 10.0, 1000.0
DIGEST = "sha256:" + "0" * 64


def region_name(at: int) -> str:
    return f"r{at:03d}"


def shape_name(at: int) -> str:
    return f"t{at:03d}"


def question(problem: Problem) -> Question:
    """The problem as what a planner is asked."""
    return Question(
        environment=_environment(problem),
        forecast=_forecast(problem),
        capacity=_capacity(problem),
        catalog=_catalog(problem),
        ledger=LedgerView(environment="fleet", revision=0),
        rules=DIGEST,
        previous_plan=None,
        now=NOW,
    )


def solution(problem: Problem, plan: Plan) -> Mapping[str, NDArray[np.generic]]:
    """What a plan decides, as arrays."""
    regions, _, hours = real(problem, "D").shape
    types, links = len(real(problem, "A")), whole(problem, "E")
    place = {region_name(at): at for at in range(regions)}
    kind = {shape_name(at): at for at in range(types)}
    link = {link_name(region_name(a), region_name(b)): at for at, (a, b) in enumerate(links.tolist())}
    tier = {_tier_name(gbps): at for at, gbps in enumerate(real(problem, "tierG").tolist())}
    pair = {
        (a, b): (at, side)
        for at, ends in enumerate(whole(problem, "cand").tolist())
        for side, (a, b) in enumerate((ends, ends[::-1]))
    }
    committed = np.zeros((regions, types), dtype=np.int64)
    hourly = (Purchase.ON_DEMAND, Purchase.SPOT)
    by_hour = {purchase: np.zeros((regions, types, hours), dtype=np.int32) for purchase in hourly}
    circuits, shares = np.zeros((len(links), len(tier)), dtype=np.int64), np.zeros((len(pair) // 2, 2))
    for item in plan.resources:
        spec, where = item.resource.spec, item.resource.place
        if isinstance(spec, ComputeSpec) and spec.purchase is Purchase.COMMITTED:
            committed[place[where], kind[spec.shape]] += spec.count
        elif isinstance(spec, ComputeSpec):
            by_hour[spec.purchase][place[where], kind[spec.shape]] += [spec.count_at(hour) for hour in range(hours)]
        elif isinstance(spec, CircuitSpec):
            circuits[link[where], tier[spec.tier]] += spec.count
        elif isinstance(spec, FailoverSpec):
            shares[pair[place[where], place[spec.partner]]] = spec.share
    return {
        "committed": committed,
        "on_demand": by_hour[Purchase.ON_DEMAND],
        "spot": by_hour[Purchase.SPOT],
        "circuits": circuits,
        "share": shares,
    }


def model_usd(problem: Problem, found: Mapping[str, NDArray[np.generic]]) -> float:
    """USD over the horizon of a solution, as docs/planning-model.md counts it."""
    hours = real(problem, "D").shape[2]
    usd = hours * (real(problem, "PC") * found["committed"]).sum()
    usd += np.einsum("rt,rth->", real(problem, "PO"), found["on_demand"])
    usd += np.einsum("rt,rth->", real(problem, "PS") * (1 + real(problem, "q") / 2), found["spot"])
    return float(usd + hours * (real(problem, "tierP") * found["circuits"]).sum())


def _environment(problem: Problem) -> Environment:
    critical, demand = real(problem, "C"), real(problem, "D")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nanmax(np.where(demand > 0, critical / demand, np.nan), axis=(1, 2))
    purchases = Purchases(committed=True, spot_share=float(problem["sigma"]), hourly=True)
    regions = tuple(
        RegionSettings(
            name=region_name(at),
            asn=64512 + at,
            cloud=CloudRegion(
                account="main",
                location=f"place-{at}",
                zones=(f"place-{at}a",),
                pools=(_pool(at),),
                continent="one",
                fault_domain=f"d{domain}",
            ),
            critical_share=float(share[at]),
            replication_gbps=float(replication),
        )
        for at, (domain, replication) in enumerate(
            zip(whole(problem, "domain").tolist(), real(problem, "repl").tolist(), strict=True)
        )
    )
    account = Account(name="main", target=TargetName.AWS, id="123456789012", buy_commitments=True)
    return Environment(
        name="fleet",
        accounts=(account,),
        regions=regions,
        purchases=purchases,
        failover=FailoverSettings(reserve=Reserve.SHARED, max_latency_ms=120.0),
        staging=StagingSettings(max_units_per_place=0),
    )


def _catalog(problem: Problem) -> Catalog:
    shapes = tuple(
        Shape(
            name=shape_name(at),
            vcpu=round(vcpu),
            memory_gib=round(memory * MEMORY_SCALE),
            accelerators=round(accelerators),
            network_gbps=network,
        )
        for at, (vcpu, memory, accelerators, network) in enumerate(real(problem, "A").tolist())
    )
    tiers = tuple(CircuitTier(name=_tier_name(gbps), gbps=round(gbps)) for gbps in real(problem, "tierG").tolist())
    return Catalog(shapes=shapes, storage_classes=(), circuit_tiers=tiers)


def _capacity(problem: Problem) -> CapacitySnapshot:
    near = {tuple(ends) for ends in whole(problem, "cand").tolist()}
    links, domains = whole(problem, "E").tolist(), whole(problem, "domain").tolist()
    addresses = (Offer(place=region_name(at), item=ADDRESS_ITEM, usd_per_hour=0.0) for at in range(len(domains)))
    return CapacitySnapshot(
        environment="fleet",
        target="aws",
        currency="USD",
        read_at=NOW,
        regions=tuple(
            RegionFacts(region=region_name(at), continent="one", fault_domain=f"d{domain}")
            for at, domain in enumerate(domains)
        ),
        links=Rows.of(
            LinkFacts,
            (
                LinkFacts(a=region_name(a), b=region_name(b), latency_ms=NEAR_MS if (a, b) in near else FAR_MS)
                for a, b in links
            ),
        ),
        quotas=(),
        offers=Rows.of(Offer, chain(_compute_offers(problem), _circuit_offers(problem), addresses)).ordered(
            "place", "item", "purchase"
        ),
        pools=tuple(Pool(region=region_name(at), cidr=_pool(at)) for at in range(len(domains))),
        stock=Rows.of(
            Stock,
            (
                Stock(place=region_name(region), item=shape_name(kind), count=int(count))
                for (region, kind), count in np.ndenumerate(real(problem, "avail"))
                if np.isfinite(count)
            ),
        ),
    )


def _compute_offers(problem: Problem) -> Iterator[Offer]:
    bands = {share: band for band, share in LOSS_SHARES.items()}
    lost = [bands.get(share, "") for share in real(problem, "q").tolist()]
    names = [shape_name(at) for at in range(len(lost))]
    for prices, purchase in (("PO", Purchase.ON_DEMAND), ("PS", Purchase.SPOT), ("PC", Purchase.COMMITTED)):
        for at, row in enumerate(real(problem, prices).tolist()):
            region = region_name(at)
            for name, usd, band in zip(names, row, lost, strict=True):
                told = band if purchase is Purchase.SPOT else ""
                yield Offer(place=region, item=name, purchase=purchase, usd_per_hour=usd, interruption=told)


def _circuit_offers(problem: Problem) -> Iterator[Offer]:
    tiers = [_tier_name(gbps) for gbps in real(problem, "tierG").tolist()]
    for (a, b), row in zip(whole(problem, "E").tolist(), real(problem, "tierP").tolist(), strict=True):
        place = link_name(region_name(a), region_name(b))
        for tier, usd in zip(tiers, row, strict=True):
            yield Offer(place=place, item=tier, usd_per_hour=usd)


def _forecast(problem: Problem) -> ForecastBundle:
    demand = real(problem, "D")
    kinds = (SeriesKind.CPU, SeriesKind.MEMORY, SeriesKind.ACCELERATORS, SeriesKind.BANDWIDTH)
    scale = (1.0, MEMORY_SCALE, 1.0, 1.0)
    values: dict[tuple[SeriesKey, Granularity], Floats] = {}
    for at in range(len(demand)):
        for kind, by_hour, factor in zip(kinds, demand[at], scale, strict=True):
            if by_hour.any():
                values[SeriesKey(kind, region_name(at)), Granularity.HOURLY] = _certain(by_hour * factor)
    hours = demand.shape[2]
    for (a, b), gbps in zip(whole(problem, "E").tolist(), real(problem, "bw").tolist(), strict=True):
        if gbps > 0:
            key = SeriesKey(SeriesKind.TRAFFIC, pair_name(region_name(a), region_name(b)))
            values[key, Granularity.HOURLY] = _certain(np.full(hours, gbps))
    series = tuple(
        SeriesForecast(
            kind=key.kind,
            subject=key.subject,
            unit=unit_of(key.kind),
            granularity=granularity,
            model="given",
            steps=len(table),
            history_steps=0,
            evidence=Evidence.ENOUGH,
            scores=Scores(),
            recent_peaks=(0.0,),  # a problem says nothing of what was: scale-in follows its demand alone
        )
        for (key, granularity), table in values.items()
    )
    document = Forecast(
        environment="fleet",
        origin=NOW,
        made_at=NOW,
        seconds=0.0,
        series=series,
        history_digest=DIGEST,
        values_file="forecast.parquet",
        values_digest=DIGEST,
    )
    return ForecastBundle(document, values)


def _certain(by_hour: Floats) -> Floats:
    return np.repeat(by_hour[:, None], len(LEVELS), axis=1)


def _pool(at: int) -> str:
    return f"{10 + at // 256}.{at % 256}.0.0/16"


def _tier_name(gbps: float) -> str:
    return f"{round(gbps)}g"
