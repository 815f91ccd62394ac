"""Prices by place and as tables are what a dictionary of all offers says."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capacity import Offer
from contracts.resources import Purchase
from contracts.rows import Rows
from planner.prices import Prices

PLACES, ITEMS = ("fra", "ams", "fra--lon", "lon"), ("m16", "a16", "10g", "address")
OFFERS = st.lists(
    st.builds(
        Offer,
        place=st.sampled_from(PLACES[:3]),
        item=st.sampled_from(ITEMS[:3]),
        purchase=st.sampled_from(Purchase),
        usd_per_hour=st.floats(0, 100),
    ),
    max_size=30,
).map(tuple)


@settings(max_examples=60, deadline=None, database=None)
@given(OFFERS, st.sampled_from(((), ("place",), ("item", "place"))))
def test_prices_are_those_that_were_said_last(offers, order):
    rows = Rows.of(Offer, offers).ordered(*order) if order else offers
    known = {(offer.place, offer.item, offer.purchase): offer.usd_per_hour for offer in rows}
    prices = Prices.of(rows)
    for purchase in Purchase:
        table = prices.table(PLACES[::-1], ITEMS, purchase)
        for row, place in enumerate(PLACES[::-1]):
            found = prices.at(place, purchase)
            assert found == {
                item: usd for (where, item, how), usd in known.items() if (where, how) == (place, purchase)
            }
            assert table[row].tolist() == [known.get((place, item, purchase), np.inf) for item in ITEMS]
