"""`Prices`: what is offered where and for how much, out of the columns of a snapshot's offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contracts.capacity import Offer
from contracts.resources import Purchase
from contracts.rows import Rows

ByItem = Mapping[str, float]
"""USD per hour of one, by item."""

_NOTHING: ByItem = {}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """USD per hour of one by place, item and purchase; of what is offered twice, what was said last.

    A place's prices become a dictionary when they are asked for; those of all places at once are `table`.

    Attributes:
        offers: sorted by place.
        rows: by place, the first of its rows and the one after its last.
    """

    offers: Rows[Offer]
    rows: Mapping[str, tuple[int, int]]
    _asked: dict[tuple[str, Purchase], ByItem] = field(default_factory=dict)

    @classmethod
    def of(cls, offers: Sequence[Offer]) -> "Prices":
        ordered = _by_place(Rows.of(Offer, offers))
        places = ordered.texts("place")
        first = np.flatnonzero(np.diff(places.codes, prepend=-1))
        names = [places.words[code] for code in places.codes[first].tolist()]
        ends = [*first[1:].tolist(), len(ordered)][: len(names)]
        rows = zip(first.tolist(), ends, strict=True)
        return cls(offers=ordered, rows=dict(zip(names, rows, strict=True)))

    def at(self, place: str, purchase: Purchase = Purchase.ON_DEMAND) -> ByItem:
        """What a place sells so."""
        if place not in self.rows:
            return _NOTHING
        if (place, purchase) not in self._asked:
            where = slice(*self.rows[place])
            bought, items = self.offers.texts("purchase").values(where), self.offers.texts("item").values(where)
            usd = self.offers.numbers("usd_per_hour")[where].tolist()
            found = {item: price for way, item, price in zip(bought, items, usd, strict=True) if way == purchase}
            self._asked[place, purchase] = found
        return self._asked[place, purchase]

    def table(self, places: Sequence[str], items: Sequence[str], purchase: Purchase) -> NDArray[np.float64]:
        """(places, items) of what is bought so; infinite where it is not offered."""
        found = np.full((len(places), len(items)), np.inf)
        row, column = self.offers.texts("place").places(places), self.offers.texts("item").places(items)
        asked = (row >= 0) & (column >= 0) & (self.offers.texts("purchase").places([purchase]) >= 0)
        found[row[asked], column[asked]] = self.offers.numbers("usd_per_hour")[asked]
        return found


def _by_place(offers: Rows[Offer]) -> Rows[Offer]:
    """Sorted by place; the very rows where each place's stand together, as in snapshots that are read."""
    places = offers.texts("place")
    together = np.count_nonzero(np.diff(places.codes, prepend=-1)) == len(places.words)
    return offers if together else offers.ordered("place")
