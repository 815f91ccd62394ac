"""The day's requests: three peerings and two address blocks, one of each outcome."""

from collections.abc import Iterator

from contracts.requests import AddressRequest, Decision, PeeringRequest, Requirements
from prestage.demo.stage import Scene, Stage

STAGED_PEERING = PeeringRequest(
    id="peering-staged",
    customer="acme",
    source="fra",
    destination="nyc",
    requirements=Requirements(vcpu=4, memory_gib=12, storage_gib=50, gbps=0.5, prefix_length=28),
    duration_hours=12,
    priority=3,
)
ON_DEMAND_PEERING = PeeringRequest(
    id="peering-on-demand",
    customer="globex",
    source="mad",
    destination="dfw",
    requirements=Requirements(vcpu=16, memory_gib=48, storage_gib=400, gbps=1, prefix_length=27),
    duration_hours=24,
)
REFUSED_PEERING = PeeringRequest(
    id="peering-refused",
    customer="initech",
    source="lon",
    destination="nyc",
    requirements=Requirements(vcpu=8, memory_gib=32, gbps=900),
    duration_hours=6,
)
STAGED_ADDRESSES = AddressRequest(
    id="addresses-staged",
    customer="acme",
    region="fra",
    prefix_length=28,
    bid_usd_per_hour=0.02,
    expected_gbps=0.4,
    duration_hours=48,
)
POOL_ADDRESSES = AddressRequest(
    id="addresses-pool",
    customer="globex",
    region="dfw",
    prefix_length=25,
    bid_usd_per_hour=0.02,
    expected_gbps=0.2,
    duration_hours=48,
)


def peering_from_staging(stage: Stage) -> Scene:
    """Fra asks for nyc: what was forecast is staged there."""
    return _peering(stage, STAGED_PEERING)


def peering_on_demand(stage: Stage) -> Scene:
    """Mad asks for dfw, where nobody asked before: nothing is staged."""
    return _peering(stage, ON_DEMAND_PEERING)


def peering_refused(stage: Stage) -> Scene:
    """Lon asks for more bandwidth to nyc than there is fibre."""
    return _peering(stage, REFUSED_PEERING)


def addresses_from_staging(stage: Stage) -> Scene:
    """A /28 in fra: one is staged."""
    return _addresses(stage, STAGED_ADDRESSES)


def addresses_from_pool(stage: Stage) -> Scene:
    """A /25 in dfw: larger than what is staged, so it is carved out of the pool."""
    return _addresses(stage, POOL_ADDRESSES)


def _peering(stage: Stage, request: PeeringRequest) -> Scene:
    from coordinator.peering import answer_peering

    wants = request.requirements
    told = f"{wants.vcpu:g} vCPU, {wants.gbps:g} gbps for {request.duration_hours:g} h"
    return _scene(stage, answer_peering(stage.project, request), f"{request.source}->{request.destination}, {told}")


def _addresses(stage: Stage, request: AddressRequest) -> Scene:
    from coordinator.addresses import answer_addresses

    told = f"/{request.prefix_length} in {request.region}, bid {request.bid_usd_per_hour:g} USD/h an address"
    return _scene(stage, answer_addresses(stage.project, request), told)


def _scene(stage: Stage, decision: Decision, wanted: str) -> Scene:
    stage.decisions.append(decision)
    file = stage.keep(f"decision_{decision.request}".replace("-", "_"), decision, f"{decision.request}.json")
    return Scene(headline=f"{decision.customer}: {wanted}", lines=tuple(_lines(decision)), files=(file,))


def _lines(decision: Decision) -> Iterator[str]:
    latency = f", latency {decision.latency}" if decision.latency else ""
    until = f", until {decision.until:%d %b %H:%M}" if decision.until else ""
    yield f"{decision.outcome.replace('_', ' ')}{latency}, decided in {decision.ms:.1f} ms{until}"
    yield from decision.units
    for item in decision.missing:
        yield f"missing {item.kind} at {item.place}: wanted {item.wanted:g}, there is {item.available:g}"
    if decision.score is not None:
        parts = " + ".join(f"{part.weight:g} x {part.name} {part.value:.2f}" for part in decision.score_parts)
        yield f"score {decision.score:.2f} = {parts}"
