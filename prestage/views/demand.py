"""What a forecast recommends to have ready, which events it counts on, and which blocks fit badly."""

from contracts.asked import AskedMeasure
from contracts.capacity import CapacityKind
from contracts.events import ExpectedEvent
from contracts.forecast import BlockOutlook, Evidence, Forecast, RequestProfile, ResourceDemand
from prestage.views.paper import dim, moment, number, plural, table, warn

MOST_EVENTS, MOST_REGIONS, MOST_ASKING, MOST_BLOCKS = 5, 12, 3, 5
"""Lines for people; `--json` has all, pairs among them."""

LIKELY = 0.5
"""A block is told of when it is more likely than not to be under- or over-used."""

ASKED = (AskedMeasure.VCPU, AskedMeasure.GBPS, AskedMeasure.ADDRESSES, AskedMeasure.DURATION_HOURS)
KINDS = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.STORAGE_GIB, CapacityKind.GBPS)


def outlook_lines(document: Forecast) -> list[str]:
    """Events ahead, the recommendation of each region, blocks; nothing where there is nothing to tell."""
    asked = _asked(document.request_profiles, document.levels)
    parts = (_events(document.events), _recommended(document.demand), asked, _blocks(document.blocks))
    return [line for part in parts if part for line in ("", *part)]


def _events(events: tuple[ExpectedEvent, ...]) -> list[str]:
    if not events:
        return []
    rows = [
        (
            event.name or event.id,
            event.kind,
            moment(event.start),
            f"{event.factor - 1:+.0%}",
            number(event.series),
            _rests_on(event),
        )
        for event in events[:MOST_EVENTS]
    ]
    more = [dim(f"  and {len(events) - MOST_EVENTS} more")] if len(events) > MOST_EVENTS else []
    return [table(rows, head=("event ahead", "kind", "when", "moves", "series", "rests on"), right=(3, 4)), *more]


def _rests_on(event: ExpectedEvent) -> str:
    if event.learned_from:
        return f"{event.learned_from} past ones"
    return "what was stated" if event.factor != 1 else "nothing: only wider"


def _recommended(demand: tuple[ResourceDemand, ...]) -> list[str]:
    regions: dict[str, dict[CapacityKind, ResourceDemand]] = {}
    for one in demand:
        if "->" not in one.place:
            regions.setdefault(one.place, {})[one.kind] = one
    if not regions:
        return []
    shown = list(regions.items())[:MOST_REGIONS]
    rows = [(region, *(_cell(found.get(kind)) for kind in KINDS), _levels(found)) for region, found in shown]
    hours = max(one.hours for one in demand)
    head = (f"recommended, {hours} h", *(kind.value for kind in KINDS), "at quantile")
    more = [dim(f"  and {plural(len(regions) - MOST_REGIONS, 'region')} more")] if len(regions) > MOST_REGIONS else []
    return [table(rows, head=head, right=range(1, 6)), *more]


def _cell(one: ResourceDemand | None) -> str:
    return number(one.recommended, 1 if one.kind is CapacityKind.GBPS else 0) if one else "-"


def _levels(found: dict[CapacityKind, ResourceDemand]) -> str:
    return ", ".join(sorted({f"{one.level:g}" for one in found.values()}))


def _asked(profiles: tuple[RequestProfile, ...], levels: tuple[float, ...]) -> list[str]:
    """How large the requests of the pairs that ask most are, and for how long: median and 0.9 quantile."""
    told = sorted((one for one in profiles if one.asked), key=lambda one: (-one.requests_seen, one.source))
    if not told:
        return []
    rows = [
        (
            f"{one.source}->{one.destination}",
            number(one.requests_seen),
            *(_both(one, measure, levels) for measure in ASKED),
            warn("thin") if one.evidence is Evidence.THIN else "",
        )
        for one in told[:MOST_ASKING]
    ]
    head = ("a request asks for", "seen", *(measure.value for measure in ASKED), "")
    more = [dim(f"  and {plural(len(told) - MOST_ASKING, 'pair')} more")] if len(told) > MOST_ASKING else []
    return [table(rows, head=head, right=range(1, 2 + len(ASKED))), *more]


def _both(profile: RequestProfile, measure: AskedMeasure, levels: tuple[float, ...]) -> str:
    """`4, 16`: the median and the 0.9 quantile."""
    found = next((one.quantiles for one in profile.asked if one.measure is measure), None)
    if found is None:
        return "-"
    return ", ".join(number(found[levels.index(level)], 0 if found[-1] >= 10 else 1) for level in (0.5, 0.9))


def _blocks(blocks: tuple[BlockOutlook, ...]) -> list[str]:
    badly = sorted(
        (one for one in blocks if max(one.under, one.over) >= LIKELY), key=lambda one: (-one.over, one.block)
    )
    if not badly:
        return []
    rows = [
        (one.block, number(one.peak_gbps, 3), number(one.capacity_gbps, 3), f"{one.under:.0%}", warn(f"{one.over:.0%}"))
        for one in badly[:MOST_BLOCKS]
    ]
    head = ("block", "peak gbps", "carries", "under-used", "over-used")
    more = [dim(f"  and {plural(len(badly) - MOST_BLOCKS, 'block')} more")] if len(badly) > MOST_BLOCKS else []
    return [table(rows, head=head, right=range(1, 5)), *more]
