"""What to do about address blocks that will be under- or over-used, or lie in the way: told in a plan, not done."""

from enum import StrEnum

from pydantic import Field

from contracts.document import Model, unsaid
from contracts.names import RegionName


class BlockAction(StrEnum):
    """What is advised."""

    EXPAND = "expand"  # grows in place into the free addresses beside it
    MERGE = "merge"  # shares a prefix with its neighbours, or takes in another block
    MOVE = "move"  # to a larger block elsewhere
    SPLIT = "split"  # half of it goes elsewhere, or is given back
    RECLAIM = "reclaim"  # nobody uses it: given back to the pool
    ENLARGE_POOL = "enlarge_pool"  # there is no room for any of these


class BlockAdvice(Model):
    """What is advised for one block.

    Attributes:
        block: the prefix.
        probability: that it will be over-used, or under-used.
        capacity_gbps, peak_gbps: what it can carry, and the median of its busiest hour.
        into: the prefixes that its load lies in afterwards; none where it is given back.
        gives_way: other prefixes that have to be given back or taken in first.
        moves: blocks whose users have to change addresses.
        frees: addresses that come free; negative: that are needed.
        goes_to: where those of `gives_way` go that somebody has, in the same order: the last of them.
        staged: nobody has it, and nothing is forecast of its use: it would lie better elsewhere.
    """

    block: str
    place: RegionName
    action: BlockAction
    over: bool
    probability: float = Field(ge=0, le=1)
    capacity_gbps: float = Field(ge=0)
    peak_gbps: float = Field(ge=0)
    into: tuple[str, ...] = ()
    gives_way: tuple[str, ...] = ()
    moves: int = Field(default=0, ge=0)
    frees: int = 0
    goes_to: tuple[str, ...] = Field(default=(), exclude_if=unsaid)
    staged: bool = Field(default=False, exclude_if=unsaid)
