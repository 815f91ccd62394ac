"""Storage that would be staged for requests, and cannot: no class is what they ask for. Plans tell it, with numbers."""

from collections.abc import Iterator

from contracts.capacity import CapacityKind
from contracts.names import pair_ends
from contracts.plan import ReasonCode, Requirement
from planner.arrivals import Arrivals, expected_arrivals
from planner.market import Market
from planner.question import Question
from planner.requirements import rounded
from planner.staging import STAGED_VOLUME_GIB
from planner.volumes import unit_refusals

NOTHING_SOLD = "no storage class that will do"


def unstaged_storage(question: Question, market: Market) -> Iterator[Requirement]:
    """Storage of requests at regions where no volume can be staged: as many GiB as are expected to be asked for."""
    by_region: dict[str, list[Arrivals]] = {}
    for item in expected_arrivals(question, market):
        if item.joins and item.profile.storage_gib > 0:
            by_region.setdefault(pair_ends(item.pair)[1], []).append(item)
    for region, arrivals in sorted(by_region.items()):
        if refused := unit_refusals(market, question.environment, region, STAGED_VOLUME_GIB):
            wanted = {item.pair: rounded(item.mean * item.profile.storage_gib) for item in arrivals}
            yield Requirement(
                id=f"{region}/{CapacityKind.STORAGE_GIB}/staged",
                place=region,
                kind=CapacityKind.STORAGE_GIB,
                quantity=0.0,
                code=ReasonCode.STAGING,
                parts={**wanted, NOTHING_SOLD: rounded(-sum(wanted.values()))},
                refused=refused,
            )
