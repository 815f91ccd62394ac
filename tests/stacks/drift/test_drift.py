"""Drift as a table: last applied, live, wanted and the ledger in; what each difference means out."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from contracts.drift import DriftClass
from contracts.ledger import LedgerView, UnitState, UnitView
from contracts.resources import ResourceKind
from stacks.declaration import Declaration
from stacks.drift import ThreeViews, compare
from stacks.engines.engine import AppliedResource

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = "fra/compute/staged/m8/0001"
EXPECTED, FOREIGN, BENIGN, HARMFUL = DriftClass.EXPECTED, DriftClass.FOREIGN, DriftClass.BENIGN, DriftClass.HARMFUL


@dataclass(frozen=True)
class Live:
    key: str
    arguments: dict[str, str | int | float] = field(default_factory=dict)
    state: str = "ready"
    holder: str | None = None


def args(**changed):
    return {"shape": "m8", "instances": 4, "owner": "network", "region": "fra"} | changed


def unit(state, holder=None):
    return UnitView(key=KEY, kind=ResourceKind.COMPUTE, place="fra", root="fra", state=state, holder=holder)


def report(*, last=None, live=None, wanted=None, unit=None, root="fra", state="ready", holder=None):
    """One resource in three views, each given by its arguments or absent."""
    applied = {KEY: AppliedResource(type="estate_compute", key=KEY, root=root, arguments=last)} if last else {}
    there = {KEY: Live(KEY, live, state, holder)} if live else {}
    declared = {KEY: Declaration(type="estate_compute", key=KEY, root="fra", arguments=wanted)} if wanted else {}
    ledger = LedgerView(environment="dev", revision=1, units=(unit,) if unit else ())
    return compare(ThreeViews(last=applied, live=there, wanted=declared, ledger=ledger), read_at=NOW)


def test_the_same_three_times_is_no_difference():
    assert report(last=args(), live=args(), wanted=args()).differences == ()


def test_a_change_that_is_only_wanted_is_a_plan_not_drift():
    assert report(last=args(), live=args(), wanted=args(instances=9)).differences == ()
    assert report(last=args(), live=args()).differences == ()


def test_a_number_is_the_same_however_an_engine_spells_it():
    assert report(last=args(instances=4.0), live=args(instances=4), wanted=args()).differences == ()


@pytest.mark.parametrize(
    ("live", "wanted", "drift_class", "why"),
    [
        (args(instances=3), args(), HARMFUL, "1 less"),
        (args(instances=6), args(), BENIGN, "2 more"),
        (args(instances=6), args(instances=6), BENIGN, "to what is wanted"),
        (args(instances=5), args(instances=6), HARMFUL, "1 less"),
        (args(owner="someone"), args(), BENIGN, "without effect"),
        (args(shape="m4"), args(), HARMFUL, "changed from outside"),
        (args(region="ams"), args(), HARMFUL, "changed from outside"),
        (args(instances="four"), args(), HARMFUL, "other than is wanted"),
        (args(extra="x"), args(), HARMFUL, "changed from outside"),
    ],
)
def test_a_changed_field(live, wanted, drift_class, why):
    (found,) = report(last=args(), live=live, wanted=wanted).differences
    assert found.drift_class is drift_class
    assert why in found.why


def test_a_difference_shows_all_three_values():
    (found,) = report(last=args(), live=args(instances=3), wanted=args(instances=8)).differences
    assert (found.key, found.place, found.field) == (KEY, "fra", "instances")
    assert (found.last_applied, found.live, found.wanted) == ("4", "3", "8")


@pytest.mark.parametrize(
    ("views", "drift_class", "why"),
    [
        ({"last": args(), "wanted": args()}, HARMFUL, "removed"),
        ({"last": args()}, BENIGN, "no longer wanted"),
        ({"last": args(), "unit": unit(UnitState.ACTIVE, "acme")}, HARMFUL, "active for acme"),
        ({"last": args(), "wanted": args(), "unit": unit(UnitState.HELD, "acme")}, HARMFUL, "held for acme"),
        ({"live": args()}, FOREIGN, "no plan, no apply and no grant"),
        ({"live": args(), "wanted": args()}, BENIGN, "adopts"),
        ({"live": args(), "unit": unit(UnitState.STAGED), "state": "staged"}, EXPECTED, "takes it in"),
        (
            {"last": args(), "live": args(), "root": "ondemand-7", "unit": unit(UnitState.STAGED), "state": "staged"},
            EXPECTED,
            "made on demand",
        ),
        ({"last": args(), "live": args(), "root": "ondemand-7"}, FOREIGN, "ledger does not know"),
    ],
)
def test_a_whole_resource(views, drift_class, why):
    (found,) = report(**views).differences
    assert (found.field, found.drift_class) == ("*", drift_class)
    assert why in found.why


@pytest.mark.parametrize(
    ("ledger", "state", "holder", "drift_class"),
    [
        (unit(UnitState.ACTIVE, "acme"), "active", "acme", EXPECTED),
        (unit(UnitState.HELD, "acme"), "held", "acme", EXPECTED),
        (unit(UnitState.ACTIVE, "acme"), "staged", None, EXPECTED),  # the inventory follows
        (unit(UnitState.QUARANTINED), "active", "acme", EXPECTED),  # released; the inventory follows
        (unit(UnitState.STAGED), "ready", None, EXPECTED),
        (unit(UnitState.ACTIVE, "acme"), "active", "mallory", HARMFUL),
        (unit(UnitState.ACTIVE, "acme"), "held", "mallory", HARMFUL),
        (None, "active", "mallory", FOREIGN),
        (unit(UnitState.STAGED), "staged", None, None),
        (None, "ready", None, None),
    ],
)
def test_a_state_is_the_ledgers(ledger, state, holder, drift_class):
    differences = report(last=args(), live=args(), wanted=args(), unit=ledger, state=state, holder=holder).differences
    assert [found.drift_class for found in differences] == ([drift_class] if drift_class else [])
    assert all(found.field == "state" for found in differences)


def test_a_grant_and_a_change_behind_the_back_are_told_apart():
    found = report(
        last=args(),
        live=args(instances=1),
        wanted=args(),
        unit=unit(UnitState.ACTIVE, "acme"),
        state="active",
        holder="acme",
    )
    assert [item.field for item in found.found] == ["instances"]
    assert [item.field for item in found.expected] == ["state"]


def test_what_is_made_on_demand_beside_its_units_is_expected():
    link = "ams--fra/link"
    applied = {
        key: AppliedResource(type="estate_link", key=key, root="ondemand-7", arguments={}) for key in (KEY, link)
    }
    views = ThreeViews(
        last=applied,
        live={KEY: Live(KEY, state="active", holder="acme"), link: Live(link)},
        wanted={},
        ledger=LedgerView(
            environment="dev",
            revision=1,
            units=(unit(UnitState.ACTIVE, "acme").model_copy(update={"root": "ondemand-7"}),),
        ),
    )
    assert {item.drift_class for item in compare(views, read_at=NOW).differences} == {EXPECTED}
    alone = compare(
        ThreeViews(
            last=applied, live={link: Live(link)}, wanted={}, ledger=views.ledger.model_copy(update={"units": ()})
        ),
        read_at=NOW,
    )
    assert FOREIGN in {item.drift_class for item in alone.differences if item.key == link}


def test_differences_come_in_the_order_of_keys_and_fields():
    found = report(last=args(), live=args(instances=3, owner="x", shape="m4"), wanted=args()).differences
    assert [item.field for item in found] == ["instances", "owner", "shape"]
