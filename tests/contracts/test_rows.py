"""Rows are to their readers the tuple that they were made of."""

import copy
import json
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capacity import CapacitySnapshot, Offer, RegionFacts, Stock
from contracts.errors import MalformedDocument
from contracts.resources import Purchase
from contracts.rows import CHUNK, Rows

PLACES = st.sampled_from(("fra", "ams", "fra--lon", 'ö"\\', ""))
OFFERS = st.lists(
    st.builds(
        Offer,
        place=PLACES,
        item=st.sampled_from(("m16", "a16", "10g")),
        purchase=st.sampled_from(Purchase),
        usd_per_hour=st.floats(0, 1e300),
        interruption=st.sampled_from(("", "<5%")),
    ),
    max_size=12,
).map(tuple)
FEW = settings(max_examples=30, deadline=None, database=None)


def snapshot(**fields) -> CapacitySnapshot:
    said = {"environment": "dev", "target": "aws", "currency": "USD", "read_at": datetime(2026, 1, 1, tzinfo=UTC)}
    rest = {"regions": (), "links": (), "quotas": (), "pools": (), "offers": ()}
    return CapacitySnapshot(**{**said, **rest, **fields})


@FEW
@given(OFFERS, OFFERS)
def test_rows_are_the_sequence_that_the_tuple_is(offers, others):
    rows = Rows.of(Offer, offers)
    assert len(rows) == len(offers) and tuple(rows) == offers and tuple(reversed(rows)) == offers[::-1]
    assert rows == offers and offers == rows and hash(rows) == hash(offers)
    assert (rows == others) == (rows == Rows.of(Offer, others)) == (offers == others)
    assert all(item in rows and rows.index(item) == offers.index(item) for item in offers)
    assert rows != list(offers)
    assert (*rows, *others) == (*offers, *others)


@FEW
@given(OFFERS, st.slices(12), st.integers(-15, 15))
def test_parts_of_rows_are_those_of_the_tuple(offers, part, at):
    rows = Rows.of(Offer, offers)
    assert rows[part] == offers[part] and len(rows[part]) == len(offers[part])
    if -len(offers) <= at < len(offers):
        assert rows[at] == offers[at] and type(rows[at]) is Offer
    else:
        with pytest.raises(IndexError):
            rows[at]


@FEW
@given(OFFERS, OFFERS)
def test_rows_are_joined_ordered_copied_and_pickled_as_the_tuple_is(offers, others):
    rows = Rows.of(Offer, offers)
    joined = Rows.joined(Offer, [rows, others, ()])
    assert joined == offers + others
    by_place = sorted(offers + others, key=lambda item: (item.place, item.item, item.purchase))
    assert joined.ordered("place", "item", "purchase") == tuple(by_place)
    assert joined.ordered("place") == tuple(sorted(offers + others, key=lambda item: item.place))
    assert pickle.loads(pickle.dumps(rows)) == copy.deepcopy(rows) == offers
    assert Rows.joined(Offer, []) == ()


@FEW
@given(OFFERS)
def test_a_document_says_the_same_bytes_of_rows_and_of_the_tuple(offers):
    kept = snapshot(offers=offers, stock=tuple(Stock(place=item.place, item=item.item, count=3) for item in offers))
    plain = kept.model_copy(update={"offers": tuple(kept.offers), "stock": tuple(kept.stock)})
    assert type(kept.offers) is Rows and type(plain.offers) is tuple
    assert kept == plain and hash(kept) == hash(plain)
    assert kept.canonical() == plain.canonical() and kept.digest() == plain.digest()
    assert kept.sealed() == plain.sealed() and json.loads(kept.sealed())["digest"] == kept.digest()
    assert CapacitySnapshot.unseal(kept.sealed(), where="a file") == plain
    dumped = [item.model_dump(mode="json") for item in offers]
    assert json.loads("".join(Rows.of(Offer, offers).written())) == dumped == kept.content()["offers"]


def test_rows_beyond_one_chunk_are_all_there():
    offers = tuple(Offer(place=f"p{at % 7}", item=str(at), usd_per_hour=at / 3) for at in range(CHUNK + 5))
    rows = Rows.of(Offer, iter(offers))
    assert tuple(rows) == offers and rows[-1] == offers[-1]
    assert json.loads("".join(rows.written())) == [item.model_dump(mode="json") for item in offers]
    assert rows.numbers("usd_per_hour").tolist() == [item.usd_per_hour for item in offers]
    places = rows.texts("place")
    assert places.values() == [item.place for item in offers]
    assert places.places(["p3", "nowhere", "p0"])[:8].tolist() == [2, -1, -1, 0, -1, -1, -1, 2]


def test_what_is_wrong_with_a_row_is_told_by_its_number_and_key():
    good = {"place": "fra", "item": "m16", "usd_per_hour": 1.0}
    for wrong, key in (
        ({**good, "usd_per_hour": -1.0}, "offers.1.usd_per_hour"),
        ({**good, "colour": "red"}, "offers.1.colour"),
        ({"place": "fra", "usd_per_hour": 1.0}, "offers.1.item"),
    ):
        text = json.dumps({**snapshot().content(), "offers": [good, wrong]})
        with pytest.raises(MalformedDocument, match=f"snapshot.json: {key}: "):
            CapacitySnapshot.parse(text, where="snapshot.json")


def test_rows_keep_what_columns_can_hold_and_nothing_can_be_written_to_them():
    many = Stock(place="fra", item="m16", count=10**30)
    assert snapshot(stock=(many,)).stock == (many,)  # as it was given: no column holds such a number
    rows = Rows.of(Stock, [Stock(place="fra", item="m16", count=2)])
    with pytest.raises(ValueError, match="read-only"):
        rows.texts("place").codes[0] = 1
    assert repr(rows[0].count) == "2" and rows.numbers("count").dtype == float
    with pytest.raises(TypeError, match=r"RegionFacts\.readable is no column"):
        Rows.of(RegionFacts, ())
