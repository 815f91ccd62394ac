"""What a plan says of demand that may be served elsewhere: who serves it, at which price, and what forbids more."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from contracts.capacity import CapacityKind
from contracts.plan import Plan
from contracts.preference import Host, HostRefusal, Move, RefusedHost, RegionPreference
from planner.market import Market
from planner.moved import peak_of
from planner.preference_case import Judged
from planner.preference_rules import Pair
from planner.question import Question
from planner.requirements import level_of, rounded
from planner.tariff import routes_of


def told_of(question: Question, market: Market, judged: Iterable[Judged], plan: Plan) -> tuple[RegionPreference, ...]:
    """Of every region with movable demand: where it is served, and why not in cheaper regions."""
    use = market.total_use(item.resource for item in plan.resources)
    left = {
        region: market.room(region, CapacityKind.VCPU) - use.get((region, CapacityKind.VCPU), 0.0)
        for region in market.regions
    }
    told = {item.source.region: _region(question, market, item, left) for item in judged}
    told |= {item.region: item for item in _as_it_was(question, market, told.keys())}
    return tuple(told[region] for region in sorted(told))


def _as_it_was(question: Question, market: Market, told: Collection[str]) -> Iterator[RegionPreference]:
    """Regions that decide nothing, and what of theirs is elsewhere: shares and prices of the plan applied last."""
    earlier = question.earlier.preference if question.earlier else None
    for item in earlier.regions if earlier else ():
        prices = {host.region: host.usd_per_vcpu_hour for host in item.hosts}
        hosts = tuple(_host(question, market, prices, move) for move in question.moved if move.region == item.region)
        if hosts and item.region not in told:
            yield item.model_copy(update={"hosts": hosts, "refused": ()})


def _region(question: Question, market: Market, item: Judged, left: dict[str, float]) -> RegionPreference:
    source = item.source
    moves = [move for move in question.moved if move.region == source.region]
    prices = {one.region: one.usd_per_vcpu_hour or 0.0 for one in item.refused}
    prices |= {pair.host: pair.usd for pair in item.pairs}
    hosts = tuple(_host(question, market, prices, move) for move in moves)
    return RegionPreference(
        region=source.region,
        movable=source.movable,
        max_latency_ms=source.settings.max_latency_ms,
        usd_per_vcpu_hour=source.usd,
        bound=dict(source.bound),
        hosts=hosts,
        refused=tuple(sorted(_refused(market, item, hosts, left), key=_by_price)),
    )


def _by_price(one: RefusedHost) -> tuple[float, str]:
    return one.usd_per_vcpu_hour or 0.0, one.region


def _host(question: Question, market: Market, prices: Mapping[str, float], move: Move) -> Host:
    route = routes_of(question, market).between(move.region, move.host)
    vcpu, memory_gib = (
        rounded(peak_of(question, move, kind, level_of(question, market, move.host, kind)))
        for kind in (CapacityKind.VCPU, CapacityKind.MEMORY_GIB)
    )
    said = question.environment.placement
    return Host(
        region=move.host,
        share=move.share,
        vcpu=vcpu,
        memory_gib=memory_gib,
        usd_per_vcpu_hour=prices.get(move.host, 0.0),
        latency_ms=route.latency_ms if route else 0.0,
        gbps=rounded(said.gbps_per_vcpu * vcpu),
        storage_gib=rounded(said.storage_gib_per_vcpu * vcpu),
    )


def _refused(market: Market, item: Judged, hosts: tuple[Host, ...], left: dict[str, float]) -> Iterator[RefusedHost]:
    """Cheaper regions that may not serve it, or serve none of it; without any, the cheapest of the dearer ones."""
    home, taken = item.source.usd, {host.region for host in hosts}
    chosen = max((host.usd_per_vcpu_hour for host in hosts), default=None)
    for one in item.refused:
        usd, forbidden = one.usd_per_vcpu_hour, one.why is not HostRefusal.DEARER and one.region not in taken
        if forbidden and usd is not None and (home is None or usd < home):
            yield one
    others = [pair for pair in item.pairs if pair.host not in taken]
    for pair in others:
        dearer = (chosen is not None and pair.usd > chosen) or (home is not None and pair.usd >= home)
        yield _not_taken(market, pair, left, dearer=dearer)
    dear = [one for one in item.refused if one.why is HostRefusal.DEARER and one.region not in taken]
    if dear and not others:
        yield min(dear, key=_by_price)


def _not_taken(market: Market, pair: Pair, left: dict[str, float], *, dearer: bool) -> RefusedHost:
    """A region that may serve it and does not: it is dearer, full, or not worth a move."""
    refused = RefusedHost(region=pair.host, why=HostRefusal.NOT_WORTH_IT, usd_per_vcpu_hour=pair.usd)
    if dearer:
        return refused.model_copy(update={"why": HostRefusal.DEARER})
    smallest = min((shape.vcpu for shape, _ in market.offered_shapes(pair.host)), default=0)
    if left[pair.host] < smallest:
        update = {"why": HostRefusal.QUOTA, "value": rounded(max(0.0, left[pair.host])), "unit": "vcpu left"}
        return refused.model_copy(update=update)
    return refused
