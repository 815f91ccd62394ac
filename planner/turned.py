"""Volumes that become another class in place: what a part of storage can become, and which of it is chosen.

AWS changes the type of an EBS volume while it is in use (`contracts.in_place`). That is planned where a class cannot be
what is asked any more, or could only by being larger than what it holds; never for less money alone, as one change is
all that AWS makes of a volume in six hours.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from contracts.accounts import TargetName
from contracts.in_place import changes_class
from contracts.plan import RefusedAlternative
from planner.market import Market
from planner.pieces import Held, Made, Place, gib_of, in_class, stays, usd_of
from planner.stored import fits, turned
from planner.volumes import spec_of

Option = tuple[str, tuple[Made, ...]]
"""A class, and what a piece becomes where that is the class of what comes or changes."""


def turned_options(market: Market, held: Held, place: Place, plain: Sequence[Option]) -> Iterator[Option]:
    """What a piece can become by changing classes in place; nothing where it can stay as large as what it holds is."""
    most = max(held.piece.need.gib, held.gib)
    if any(stays(made) and gib_of(made) <= most for _, made in plain):
        return
    for name in market.storage_classes:
        made = _turned_into(market, held, name, place)
        if made is not None:
            yield name, made


def best_of(options: Iterable[Option], copied: Callable[[Sequence[Made]], tuple[int, float]]) -> Option:
    """The cheapest with its replicas; of those that move no content and add no volume, where there are any.

    Args:
        options: ways of one part.
        copied: of a way, how many volumes would have no replica, as few of which as can be; and what replicas cost.
    """
    found = tuple(options)
    steady = [option for option in found if stays(option[1])]

    def worth(option: Option) -> tuple[int, float, int, str]:
        name, made = option
        without, usd = copied(made)
        return without, usd_of(made) + usd, sum(not one.in_place for one in made), name

    return min(steady or found, key=worth)


def _turned_into(market: Market, held: Held, name: str, place: Place) -> tuple[Made, ...] | None:
    """A piece whose volumes become those of a class: those that have to, or all that can where none has to."""
    must = [item for item in held.stored if not fits(market, held.piece, item)]
    others = {item.key: turned(market, held.piece, item, name) for item in must or held.stored}
    if not any(others.values()) or (must and not all(others.values())):
        return None
    stored = tuple(others.get(item.key) or item for item in held.stored)
    made = in_class(market, replace(held, stored=stored), name, place)
    if isinstance(made, RefusedAlternative):
        return None
    return made if all(_in_place(held.piece.target, item) for item in made) else None


def _in_place(target: TargetName, item: Made) -> bool:
    """Whether what is there of a volume, if anything, becomes what is wanted without being made anew."""
    if item.live is None or item.live.storage_class == item.volume.storage_class:
        return True
    return changes_class(target, item.live, spec_of(item.volume))
