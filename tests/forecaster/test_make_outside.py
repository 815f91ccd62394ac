"""Through the room's door: events and profiles in a forecast, and none that was not known."""

from datetime import timedelta

import numpy as np
import pytest

from contracts.capacity import CapacityKind
from contracts.customers import AnticipatedUse, CustomerProfile, Customers, ServiceLevel
from contracts.events import Calendar, DemandEvent, EventKind
from contracts.forecast import Evidence
from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.make import ForecastSettings
from forecaster.outside import Outside
from tests.forecaster.estates import BEGIN, forecast, history, series, wave

HOURS, MIDDLE = 300, LEVELS.index(0.5)
PAIR, CPU = SeriesKey(SeriesKind.TRAFFIC, "fra->ams"), SeriesKey(SeriesKind.CPU, "fra")
ORIGIN = BEGIN + timedelta(hours=HOURS)


def estate():
    return history(
        series("traffic", "fra->ams", wave(HOURS, level=5)),
        series("cpu", "fra", wave(HOURS)),
        series("block_traffic", "10.0.0.0/28", wave(HOURS, level=2)),
    )


def made(**outside):
    settings = ForecastSettings(
        environment="test", hourly_hours=24, daily_days=2, models=("seasonal_naive_24",), outside=Outside(**outside)
    )
    return forecast(estate(), settings)


def sale(known_at):
    start = ORIGIN + timedelta(hours=6)
    event = DemandEvent(
        id="sale",
        kind=EventKind.CAMPAIGN,
        start=start,
        end=start + timedelta(hours=4),
        regions=("fra",),
        uplift=2.0,
        known_at=known_at,
    )
    return Calendar().merged((event,))


@pytest.fixture(scope="module")
def plain():
    return made()


def test_what_became_known_too_late_changes_no_byte(plain):
    late = made(calendar=sale(ORIGIN + timedelta(hours=1)))
    assert late.document.values_digest == plain.document.values_digest and late.document.events == ()
    assert late.document == plain.document.model_copy(update={"seconds": late.document.seconds})


def test_what_is_known_moves_its_hours_and_is_told(plain):
    sold = made(calendar=sale(ORIGIN - timedelta(days=30)))
    ratio = sold.curve(CPU, 0.5) / plain.curve(CPU, 0.5)
    np.testing.assert_allclose(ratio[6:10], 2)
    np.testing.assert_allclose(ratio[[0, 1, 2, 15, 20]], 1)
    assert sold.curve(CPU, 0.99)[7] > 2 * plain.curve(CPU, 0.99)[7]
    (told,) = sold.document.events
    assert (told.id, told.factor, told.learned_from) == ("sale", 2.0, 0)
    known_now = made(calendar=sale(ORIGIN + timedelta(hours=1)), known_by=ORIGIN + timedelta(hours=2))
    assert known_now.document.values_digest == sold.document.values_digest


def test_demand_is_told_and_a_profile_joins(plain):
    demand = {(one.place, one.kind): one for one in plain.document.demand}
    assert set(demand) >= {("fra", CapacityKind.VCPU), ("fra", CapacityKind.GBPS), ("fra->ams", CapacityKind.VCPU)}
    assert demand["fra", CapacityKind.VCPU].level == 0.9
    (block,) = plain.document.blocks
    assert block.block == "10.0.0.0/28" and 0 <= block.over <= 1
    use = AnticipatedUse(kind=SeriesKind.TRAFFIC, subject="fra->lhr", value=3, unit="gbps")
    profile = CustomerProfile(
        name="acme", service_level=ServiceLevel.CRITICAL, start=ORIGIN, known_at=BEGIN, confidence=1, use=(use,)
    )
    joined = made(customers=Customers(customers=(profile,)))
    new = SeriesKey(SeriesKind.TRAFFIC, "fra->lhr")
    np.testing.assert_allclose(joined.curve(new, 0.5), 3, rtol=1e-6)
    described = next(one for one in joined.document.series if one.key == new)
    assert (described.model, described.evidence, described.history_steps) == ("newborn", Evidence.THIN, 0)
    gbps = next(one for one in joined.document.demand if (one.place, one.kind) == ("fra", CapacityKind.GBPS))
    assert gbps.level == 0.99 and gbps.peak[MIDDLE] > demand["fra", CapacityKind.GBPS].peak[MIDDLE] + 2
    region = SeriesKey(SeriesKind.REGION_TRAFFIC, "fra")
    assert (joined.curve(region, 0.5) > plain.curve(region, 0.5) + 2).all()  # regions are sums of their pairs
