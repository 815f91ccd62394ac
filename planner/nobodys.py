"""Staged blocks that nobody has: where they would lie better, so that what ends together frees larger ones.

They may be moved at will, as nobody uses them. What is new is made beside all that is live, and what is old goes
afterwards; so the room that comes free is there from the next plan on.
"""

from collections.abc import Iterable, Iterator, Mapping

from contracts.block_advice import BlockAction, BlockAdvice
from contracts.ledger import UnitState
from contracts.resources import BlockSpec, Purpose, Resource, ResourceKind
from planner.addresses import AddressSpace, shortest_lengths
from planner.keys import item_key
from planner.market import Market
from planner.question import TAKEN, Question
from planner.staging import StagedUnits


def free_spaces(question: Question, market: Market, taken: Mapping[str, float]) -> dict[str, AddressSpace]:
    """The free address space of every region; staged blocks that nobody has keep nothing from coming free there.

    Args:
        question: which blocks are live, and what requests ask for.
        market: the pools.
        taken: prefixes that nothing may overlap, and in how many hours each is given back.
    """
    profiles = question.forecast.document.request_profiles
    asked: dict[int, int] = {}
    for share in (block for profile in profiles for block in profile.blocks):
        asked[share.version] = min(share.prefix_length, asked.get(share.version, share.prefix_length))
    shortest = asked or shortest_lengths(taken)
    spaces = {region: AddressSpace(market.pools.get(region, ()), taken, shortest) for region in market.regions}
    for item in nobodys_blocks(question):
        if isinstance(item.spec, BlockSpec) and item.place in spaces:
            spaces[item.place].nobody_has(item.spec)
    return spaces


def nobodys_blocks(question: Question) -> Iterator[Resource]:
    """Live staged blocks that are free, that nobody pinned, and whose region may change, by key."""
    states, pins = question.unit_states(), frozenset(question.environment.pins)
    for key, resource in sorted(question.live().items()):
        if resource.kind is not ResourceKind.BLOCK or states.get(key) in TAKEN or key in pins:
            continue
        staged = key.startswith(item_key(resource.place, ResourceKind.BLOCK, Purpose.STAGED, ""))
        if (staged or states.get(key) is UnitState.STAGED) and not question.is_frozen(resource.place):
            yield resource


def better_lying(units: StagedUnits, unit: Resource, space: AddressSpace) -> BlockSpec | None:
    """Where a staged block would lie much better, taken from now on; nothing where it lies well."""
    if units.blocks is None or not isinstance(unit.spec, BlockSpec):
        return None
    return space.better_place(unit.spec, units.blocks.placed_for_hours)


def advised_moves(
    kept: Iterable[tuple[StagedUnits, Resource]], spaces: Mapping[str, AddressSpace]
) -> Iterator[BlockAdvice]:
    """Which of the blocks that a plan keeps would lie better elsewhere, largest first; nothing of it is done."""
    for units, unit in kept:
        better = better_lying(units, unit, spaces[units.place])
        if better and isinstance(unit.spec, BlockSpec):
            yield BlockAdvice(
                block=unit.spec.prefix,
                place=units.place,
                action=BlockAction.MOVE,
                staged=True,
                over=False,
                probability=0.0,
                capacity_gbps=0.0,
                peak_gbps=0.0,
                into=(better.prefix,),
            )
