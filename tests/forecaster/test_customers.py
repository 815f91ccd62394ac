"""Customer profiles: all there is before the first hour, nothing once history has said enough."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from contracts.customers import AnticipatedUse, CustomerProfile, Customers
from contracts.errors import MalformedDocument
from contracts.series import LEVELS, Granularity, SeriesKey, SeriesKind
from contracts.yaml_files import parse_yaml_document, read_yaml_document
from forecaster.customers import announced_keys, check_customers, merge_customers, weight_of
from forecaster.errors import UnitUnclear, UnknownPlace
from forecaster.events.widening import NORMAL
from forecaster.panel import Panel, daily, fill
from tests.forecaster.events.worlds import LONG_AGO, hour, panel_of

MIDDLE = LEVELS.index(0.5)
HOURS = 24 * 7 * 6


def customers(began: float, value: float = 10.0, *, confidence: float = 0.5, until: float | None = None, **use):
    asked = AnticipatedUse(**{"kind": "traffic", "subject": "fra->ams", "value": value, "unit": "gbps", **use})
    return Customers(
        customers=(
            CustomerProfile(
                name="acme",
                start=hour(began),
                end=None if until is None else hour(until),
                known_at=LONG_AGO,
                confidence=confidence,
                use=(asked,),
            ),
        )
    )


def world(began: int, extra: float = 10.0, hours: int = HOURS) -> Panel:
    """20 gbps, and `extra` more since `began`."""
    values = np.full((1, hours), 20.0)
    values[0, began:] += extra
    return panel_of(values, ("fra->ams",))


def around(level: float, steps: int = 48) -> np.ndarray:
    return np.tile(level * np.exp(0.1 * NORMAL), (1, steps, 1))


def middle(panel: Panel, quantiles: np.ndarray, profiles: Customers) -> np.ndarray:
    return merge_customers(quantiles, panel, profiles).quantiles[0, :, MIDDLE]


def test_without_profiles_nothing_changes():
    panel = world(HOURS)
    for nobody in (Customers(), customers(0, subject="ams->fra")):
        assert merge_customers(around(20), panel, nobody).quantiles is not None
        assert (merge_customers(around(20), panel, nobody).quantiles == around(20)).all()


def test_before_they_begin_their_use_is_added_from_then_on():
    said = middle(world(HOURS), around(20), customers(HOURS + 12, until=HOURS + 36))
    np.testing.assert_allclose(said[:12], 20)
    np.testing.assert_allclose(said[12:36], 30)
    np.testing.assert_allclose(said[36:], 20)


def test_at_confidence_nought_history_alone_speaks_and_at_one_the_profile():
    for began in (HOURS + 1, HOURS - 5, HOURS - 300):
        panel, history = world(began, extra=0.0), around(20)
        unheard = merge_customers(history, panel, customers(began, confidence=0)).quantiles
        np.testing.assert_allclose(unheard, history, rtol=1e-12)
        np.testing.assert_allclose(middle(panel, history, customers(began, confidence=1))[2:], 30)


def test_the_weight_is_that_of_a_week_at_one_half_and_falls_as_hours_are_seen():
    assert weight_of(0.5, 168) == 0.5 and weight_of(0.9, 168) == pytest.approx(0.9)
    assert weight_of(0.0, 0) == 0 and weight_of(1.0, 1e9) == 1 and weight_of(0.3, 0) == 1
    said = []
    for seen in (1, 24, 168, 168 * 5):
        panel = world(HOURS - seen, extra=0.0)  # announced 10, used nothing
        said.append(middle(panel, around(20), customers(HOURS - seen))[0])
    assert all(one > other for one, other in pairwise(said))
    assert said[0] > 28 and said[-1] < 21.5


def test_what_they_really_use_scales_what_they_announced_to_grow():
    """They announced 10 and then 40, and use half of it: history says 25, the growth counts by half."""
    began = HOURS - 168 * 4
    first = AnticipatedUse(kind="traffic", subject="fra->ams", value=10, unit="gbps", end=hour(HOURS + 24))
    then = first.model_copy(update={"value": 40.0, "start": hour(HOURS + 24), "end": None})
    (profile,) = customers(began).customers
    growing = Customers(customers=(profile.model_copy(update={"use": (first, then)}),))
    said = middle(world(began, extra=5.0), around(25), growing)
    assert said[0] == pytest.approx(25, rel=0.05) and said[30] == pytest.approx(20 + 20, rel=0.12)


def test_once_they_leave_what_they_used_goes():
    began = HOURS - 168 * 4
    said = middle(world(began), around(30), customers(began, until=HOURS + 10))
    np.testing.assert_allclose(said[:10], 30, rtol=0.02)
    np.testing.assert_allclose(said[10:], 20, rtol=0.05)


def test_a_series_that_was_never_seen_is_its_profile_as_wide_as_it_is_unsure():
    observed = np.full((1, HOURS), np.nan)
    panel = replace(world(HOURS), observed=observed, filled=fill(observed, 24))
    nothing = np.zeros((1, 48, len(LEVELS)))
    spread = []
    for confidence in (0.2, 1.0):
        said = merge_customers(nothing, panel, customers(HOURS + 4, confidence=confidence)).quantiles[0]
        assert (said[:4] == 0).all() and (np.diff(said, axis=1) >= 0).all()
        spread.append(np.log(said[10, -1] / said[10, MIDDLE]))
    assert spread[0] > spread[1] > 0
    np.testing.assert_allclose(said[4:, MIDDLE], 10)  # fully trusted: as announced


def test_beside_a_profile_what_series_like_it_say_counts_as_a_day():
    observed = np.full((1, HOURS), np.nan)
    panel = replace(world(HOURS), observed=observed, filled=fill(observed, 24))
    said = [middle(panel, around(40), customers(HOURS, confidence=each))[5] for each in (0, 0.125, 0.5, 1)]
    assert said[0] == pytest.approx(40) and said[1] == pytest.approx(20) and said[3] == pytest.approx(10)
    assert 10 < said[2] < 13


def test_a_profile_widens_by_its_own_doubt_only():
    before, after = around(20), merge_customers(around(20), world(HOURS), customers(HOURS)).quantiles
    widths = [np.log(one[0, 5, -1] / one[0, 5, MIDDLE]) for one in (before, after)]
    assert widths[1] > widths[0]
    late = merge_customers(around(30), world(0), customers(0, confidence=0.05)).quantiles
    assert np.log(late[0, 5, -1] / late[0, 5, MIDDLE]) == pytest.approx(widths[0], rel=0.02)


def test_units_and_days_are_those_of_the_series():
    mega = customers(HOURS, value=10_000, unit="Mbps")
    np.testing.assert_allclose(middle(world(HOURS), around(20), mega), 30)
    panel = panel_of(np.full((1, HOURS), 1000.0), ("web@fra",), SeriesKind.TRANSACTIONS)
    asked = customers(HOURS + 12, value=1, kind="transactions", subject="web@fra", unit="count/s")
    by_days = daily(panel)
    assert by_days.granularity is Granularity.DAILY
    said = middle(by_days, around(24_000, 3), asked)
    np.testing.assert_allclose(said, [24_000 + 12 * 3600, 24_000 + 24 * 3600, 24_000 + 24 * 3600])


def test_what_was_told_later_is_not_seen_earlier():
    late = customers(HOURS).model_copy()
    (profile,) = late.customers
    told = Customers(customers=(profile.model_copy(update={"known_at": hour(HOURS + 1)}),))
    assert told.known_by(hour(HOURS)).customers == () and told.known_by(hour(HOURS) + timedelta(hours=1)) == told


FILE = """format: prestage/customers
version: 1
customers:
  - name: acme
    service_level: critical
    start: 2026-04-01T00:00:00Z
    known_at: 2026-02-01T00:00:00Z
    confidence: 0.7
    use:
      - {kind: traffic, subject: fra->ams, value: 400, unit: Mbps, end: 2026-05-01T00:00:00Z}
      - {kind: cpu, subject: fra, value: 64, unit: vcpu}
"""


def test_a_file_of_profiles():
    read = parse_yaml_document(Customers, FILE, where="customers.yaml")
    assert announced_keys(read) == (SeriesKey(SeriesKind.CPU, "fra"), SeriesKey(SeriesKind.TRAFFIC, "fra->ams"))
    check_customers(read, ("fra", "ams"), "customers.yaml")
    with pytest.raises(UnknownPlace, match="did you mean 'ams1'"):
        check_customers(read, ("fra", "ams1"), "customers.yaml")
    wrong = parse_yaml_document(Customers, FILE.replace("unit: vcpu", "unit: gbps"), where="customers.yaml")
    with pytest.raises(UnitUnclear, match="cpu of fra"):
        check_customers(wrong, ("fra", "ams"), "customers.yaml")


@pytest.mark.parametrize(
    ("kind", "subject", "told"),
    [
        ("traffic", "fra", "'fra' is no subject of traffic: 'fra' is not a pair"),
        ("cpu", "fra->ams", "is no subject of cpu"),
        ("transactions", "fra", "is no subject of transactions"),
        ("block_traffic", "10.0.0.0/240", "is no subject of block_traffic"),
        ("service_traffic", "web@fra->ams", "announce the traffic of each pair"),
        ("region_out", "fra", "region_out follows from traffic of pairs: nobody announces it"),
    ],
)
def test_only_what_can_be_announced_is(kind, subject, told):
    with pytest.raises(UnknownPlace) as raised:
        check_customers(customers(0, kind=kind, subject=subject), ("fra", "ams"), "customers.yaml")
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("end", "of_use", "told"),
    [
        (
            "2026-06-01T00:00:00Z",
            "",
            "6:5: customers[0].end: end 2026-06-01T00:00 is not after start 2026-12-01T00:00",
        ),
        (
            "2027-06-01T00:00:00Z",
            ", end: 2026-11-01T00:00:00Z",
            "customers[0].use: traffic of fra->nyc: end 2026-11-01",
        ),
        ("2027-06-01T00:00:00Z", ", start: 2027-08-01T00:00:00Z", "end 2027-06-01T00:00 is not after start 2027-08-01"),
    ],
    ids=["profile", "use", "use after the profile"],
)
def test_an_end_before_the_start_is_refused_with_its_key(tmp_path, end, of_use, told):
    text = f"""format: prestage/customers
version: 1
customers:
  - name: acme
    start: 2026-12-01T00:00:00Z
    end: {end}
    known_at: 2026-10-15T09:00:00Z
    use:
      - {{kind: traffic, subject: fra->nyc, value: 400, unit: Mbps{of_use}}}
"""
    (tmp_path / "customers.yaml").write_text(text)
    with pytest.raises(MalformedDocument) as refused:
        read_yaml_document(Customers, tmp_path / "customers.yaml")
    assert told in str(refused.value) and "customers.yaml" in str(refused.value)
