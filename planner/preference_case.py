"""What `planner.preference` decides about: the question with everything at home, who may serve whose demand, limits."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from contracts.capacity import CapacityKind
from contracts.names import is_link
from contracts.plan import Requirement
from contracts.preference import Move, RefusedHost, is_of_placement
from contracts.resources import Purpose, ResourceKind
from planner.curves import region_curves
from planner.detours import Way
from planner.given import Given, given_resources
from planner.market import Market
from planner.model import Floats
from planner.moved import MOVABLE, served_curves
from planner.paused import partners_paused
from planner.preference_model import Choice, Load
from planner.preference_rules import STEP, Pair, Rules, Source, still
from planner.question import Question
from planner.requirements import level_of, serving_requirements, total
from planner.residency import Residency
from planner.routes import link_of
from planner.sites import Site, compute_amount, needed, read_sites

OF_DEMAND = ("forecast", "minimum")
"""Parts of a requirement that the programme has by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A region of which demand may be served elsewhere: by whom, and by whom not, and why."""

    source: Source
    pairs: tuple[Pair, ...]
    refused: tuple[RefusedHost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is decided about.

    Attributes:
        question: with nothing elsewhere but what stays there.
        fixed: what stays elsewhere whatever is decided, as one end of it is left as it is.
        standing: that, and what the last plan had elsewhere and still may be.
    """

    question: Question
    market: Market
    needs: tuple[Requirement, ...]
    given: Given
    sites: tuple[Site, ...]
    judged: tuple[Judged, ...]
    fixed: tuple[Move, ...]
    standing: tuple[Move, ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Everyone who may serve someone's demand."""
        return tuple(pair for item in self.judged for pair in item.pairs)


def case_of(question: Question, market: Market) -> Case:
    """What is decided about: who may serve whose demand, and what the last plan had elsewhere."""
    known, fixed = _elsewhere(question), staying(question)
    home = replace(question, moved=fixed)
    needs = serving_requirements(home, market)
    given = given_resources(home, market, partners_paused(home, market, needs))
    sites = read_sites(home, market, needs, given)
    rules = Rules(home, market, sites)
    judged = []
    for source in rules.sources():
        pairs, refused = rules.judged(source)
        judged.append(Judged(source=source, pairs=pairs, refused=refused))
    every = tuple(pair for item in judged for pair in item.pairs)
    standing = rules.kept((move for move in known if move not in fixed), every)
    return Case(
        question=home,
        market=market,
        needs=needs,
        given=given,
        sites=sites,
        judged=tuple(judged),
        fixed=fixed,
        standing=tuple(sorted(fixed + standing)),
    )


def staying(question: Question) -> tuple[Move, ...]:
    """What stays elsewhere whatever people say and is decided: one end of it is left as it is, or leans on who is."""
    alone = still(question)
    return tuple(move for move in _elsewhere(question) if {move.region, move.host} & alone)


def _elsewhere(question: Question) -> tuple[Move, ...]:
    """What the last plan had elsewhere, of regions that there still are."""
    earlier = question.earlier.preference.moves if question.earlier and question.earlier.preference else ()
    mine = {region.name for region in question.environment.regions}
    return tuple(move for move in earlier if {move.region, move.host} <= mine)


def choice_of(case: Case) -> Choice:
    """The programme's numbers."""
    hosted: dict[str, tuple[str, ...]] = {}
    for pair in case.pairs:
        hosted[pair.host] = (*hosted.get(pair.host, ()), pair.source.region)
    places = sorted({*hosted, *(pair.source.region for pair in case.pairs)})
    held = {
        place: compute_amount(case.market, list(case.given.of(place, ResourceKind.COMPUTE, Purpose.SERVING)))
        for place in places
    }
    kept = {(need.place, need.kind): _besides(need) for need in case.needs if need.place in places}
    return Choice(
        environment=case.question.environment,
        sites=case.sites,
        pairs=case.pairs,
        loads={place: _load(case, place, hosted.get(place, ())) for place in places},
        hosted=hosted,
        given=held,
        critical={site.region: _critical(case, site) for site in case.sites},
        barred=_barred(case),
        kept=kept,
        rooms=(*_storage_rooms(case, hosted), *_link_rooms(case)),
        earlier=case.standing,
    )


def _besides(need: Requirement) -> float:
    """What a requirement is beyond forecast and minimum: what calm keeps, less what a maximum cuts."""
    parts = need.parts.items()
    return sum(amount for name, amount in parts if name not in OF_DEMAND and not is_of_placement(name))


def _load(case: Case, place: str, hosted: tuple[str, ...]) -> Load:
    return {kind: _table(case, place, kind, hosted) for kind in MOVABLE}


def _table(case: Case, place: str, kind: CapacityKind, hosted: tuple[str, ...]) -> Floats:
    """(hours, 2 + hosted) as `Load` has it; zeros where nothing is forecast."""
    level = level_of(case.question, case.market, place, kind)
    curves = [served_curves(case.question, place, kind)]
    curves += [region_curves(case.question, region, kind) for region in (place, *hosted)]
    columns = [each.total_at(level) if each else np.zeros(0) for each in curves]
    hours = max(map(len, columns))
    return np.column_stack([np.pad(column, (0, hours - len(column))) for column in columns])


def _critical(case: Case, site: Site) -> float:
    """The share of what a region serves that partners carry, beside what given entries do."""
    wanted = needed(case.needs, site.region)
    if wanted.vcpu > 0:
        return site.critical.vcpu / wanted.vcpu
    return case.question.environment.critical_share_of(site.region)


def _barred(case: Case) -> dict[tuple[str, str], tuple[str, ...]]:
    """Partners of each host that may not have what is another region's."""
    residency, partners = Residency.of(case.question), {site.region: site.partners for site in case.sites}
    return {
        (pair.source.region, pair.host): tuple(
            partner
            for partner in partners.get(pair.host, ())
            if partner != pair.source.region and not residency.may_carry(pair.source.region, partner)
        )
        for pair in case.pairs
    }


def _storage_rooms(
    case: Case, hosted: dict[str, tuple[str, ...]]
) -> tuple[tuple[dict[tuple[str, str], float], float], ...]:
    """What each twentieth takes of a host's storage, and the room there beside what is asked already."""
    each = case.question.environment.placement.storage_gib_per_vcpu
    found = []
    for host in sorted(hosted) if each else ():
        need = total(case.needs, host, CapacityKind.STORAGE_GIB)
        room = case.market.room(host, CapacityKind.STORAGE_GIB) - (need.quantity if need else 0.0)
        found.append(({place: each * vcpu for place, vcpu in _vcpu(case).items() if place[1] == host}, room))
    return tuple(found)


def _link_rooms(case: Case) -> tuple[tuple[dict[tuple[str, str], float], float], ...]:
    """What each twentieth takes of every link on its way, and the room there beside what is asked already."""
    each = case.question.environment.placement.gbps_per_vcpu
    taken: dict[str, dict[tuple[str, str], float]] = {}
    vcpu = _vcpu(case) if each else {}
    for pair in case.pairs if each else ():
        place = pair.source.region, pair.host
        for hop in pair.route.hops:
            taken.setdefault(link_of(hop), {})[place] = each * vcpu[place]
    asked = {need.place: need.quantity for need in case.needs if is_link(need.place)}
    most = partial(Way.of, case.market, case.given)
    return tuple((taken[link], most(link).most_gbps - asked.get(link, 0.0)) for link in sorted(taken))


def _vcpu(case: Case) -> dict[tuple[str, str], float]:
    """VCPUs of a twentieth of each pair's demand."""
    return {(pair.source.region, pair.host): STEP * pair.source.peak.vcpu for pair in case.pairs}
