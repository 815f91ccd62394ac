"""What others lean on in a region that people paused: it serves on, though nothing of it is changed.

Failover entries that name it stay, as far as what stands by there covers them; what it does not cover any more, because
demand grew, others carry. An entry goes where the rules of failover do not allow it any more.
"""

from collections.abc import Iterator

from contracts.failover import Reserve
from contracts.plan import Requirement
from contracts.resources import FailoverSpec, Resource
from planner.backing import coverage, loss_of, standing_entries
from planner.market import Market
from planner.question import Question
from planner.requirements import rounded
from planner.sites import SHARE_STEPS


def partners_paused(question: Question, market: Market, needs: tuple[Requirement, ...]) -> Iterator[Resource]:
    """Failover entries of other regions that name a paused one, with the shares that it still covers.

    Nothing where the reserve is shared: there all shares are chosen together.
    """
    if question.environment.failover.reserve is Reserve.SHARED:
        return
    found = [(entry, spec) for entry, spec in standing_entries(question, market) if _is_paused(question, spec.partner)]
    covered = coverage(question, market, needs, ([entry for entry, _ in found], question.live().values()))
    kept: dict[str, list[Resource]] = {}
    for entry, spec in found:
        part = covered[spec.partner, loss_of(question, market, entry.place)]
        share = spec.share if part == 1 else round(spec.share * part * SHARE_STEPS, 6) // 1 / SHARE_STEPS
        if share > 0:
            less = spec.model_copy(update={"share": rounded(share)})
            kept.setdefault(entry.place, []).append(entry.model_copy(update={"spec": less}))
    for entries in kept.values():
        yield from _few(entries, question.environment.failover.dedicated_partners)


def _few(entries: list[Resource], most: int) -> list[Resource]:
    """A region's entries, without the smallest where they leave no room for the partners that carry the rest."""
    shares = {item.key: item.spec.share for item in entries if isinstance(item.spec, FailoverSpec)}
    if sum(shares.values()) > 1 - 1e-6:
        return entries
    largest = sorted(entries, key=lambda item: (-shares[item.key], item.key))
    return sorted(largest[: most - 1], key=lambda item: item.key)


def _is_paused(question: Question, region: str) -> bool:
    return question.is_frozen(region) and region not in question.unreadable()
