"""Demand in resource units: what it rests on, that it adds up, that its busiest hour holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capacity import CapacityKind
from contracts.environment import BlockUse, Coefficients
from contracts.forecast import DemandBasis
from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.blocks import block_outlooks
from forecaster.coherence import Told, agree
from forecaster.demand import DemandSettings, resource_demand
from forecaster.derive import derived_demand
from forecaster.events.widening import NORMAL
from forecaster.panel import Panel, fill
from forecaster.utilisation import fit_usage, learn_usage
from tests.forecaster.events.worlds import hour, panel_of, usual

HOURS = 24 * 7 * 6
CHANCE = np.random.default_rng(5)


def panel_with(rows: dict[SeriesKey, np.ndarray]) -> Panel:
    values = np.stack(list(rows.values()))
    panel = panel_of(values, tuple("x" for _ in rows))
    return Panel(
        keys=tuple(rows),
        granularity=panel.granularity,
        end=hour(values.shape[1]),
        observed=values,
        filled=fill(values, 24),
    )


def key(text: str) -> SeriesKey:
    kind, _, subject = text.partition(":")
    return SeriesKey(SeriesKind(kind), subject)


def estate() -> Panel:
    base = usual(HOURS, 4, noise=0.2)
    return panel_with(
        {
            key("cpu:ams"): 3 * base[0] + base[2],
            key("memory:ams"): 9 * base[0],
            key("traffic:ams->fra"): base[1],
            key("traffic:fra->ams"): base[0],
            key("traffic:lhr->ams"): base[2],
        }
    )


def ahead(panel: Panel, steps: int = 48, sd: float = 0.3) -> np.ndarray:
    return panel.filled[:, -168 : steps - 168, None] * np.exp(sd * NORMAL)


def demanded(panel, quantiles, given_):
    return resource_demand(agree(Told(panel=panel, steady=quantiles, quantiles=quantiles), {}, 0), panel.end, given_)


def told(panel, **given_):
    demand = demanded(panel, ahead(panel), DemandSettings(**given_))
    return {(one.place, one.kind): one for one in demand}


def test_every_region_and_pair_is_told_with_what_it_rests_on():
    found = told(estate())
    assert found["ams", CapacityKind.VCPU].basis is DemandBasis.MEASURED
    assert found["fra->ams", CapacityKind.VCPU].basis is DemandBasis.SHARE
    assert found["ams->fra", CapacityKind.VCPU].basis is DemandBasis.COEFFICIENTS  # nothing is known of fra's use
    assert found["ams", CapacityKind.GBPS].why == "the sum of 3 pairs, in and out"
    assert ("fra", CapacityKind.VCPU) not in found
    for one in found.values():
        assert len(one.peak) == len(LEVELS) and list(one.peak) == sorted(one.peak)
        assert one.level == 0.9 and one.peak[10] <= one.recommended <= one.peak[12]
        assert hour(HOURS) <= one.at < hour(HOURS + 24)


def test_coefficients_are_those_of_the_environment():
    numbers = Coefficients(vcpu_per_gbps=5, memory_gib_per_vcpu=2)
    found = told(estate(), coefficients=numbers)
    traffic = np.array(found["ams->fra", CapacityKind.GBPS].peak)
    np.testing.assert_allclose(found["ams->fra", CapacityKind.VCPU].peak, 5 * traffic, rtol=1e-5)
    np.testing.assert_allclose(found["ams->fra", CapacityKind.MEMORY_GIB].peak, 10 * traffic, rtol=1e-5)


def test_a_region_s_pairs_add_up_to_it_in_a_single_hour():
    """One hour: no busiest one to look for, so medians of shares must be near the whole."""
    panel = estate()
    narrow = ahead(panel, 1, sd=1e-6)
    found = {(one.place, one.kind): one for one in demanded(panel, narrow, DemandSettings(hours=1))}
    shares = sum(found[pair, CapacityKind.VCPU].peak[7] for pair in ("fra->ams", "lhr->ams"))
    assert shares == pytest.approx(found["ams", CapacityKind.VCPU].peak[7], rel=1e-3)
    pairs = sum(found[pair, CapacityKind.GBPS].peak[7] for pair in ("fra->ams", "lhr->ams", "ams->fra"))
    assert pairs == pytest.approx(found["ams", CapacityKind.GBPS].peak[7], rel=1e-3)


def test_the_busiest_hour_is_above_every_hour_and_below_the_sum_of_busiest():
    found, panel = told(estate()), estate()
    highest = ahead(panel)[3, :24, LEVELS.index(0.5)].max()
    one = found["fra->ams", CapacityKind.GBPS]
    assert one.peak[7] > highest
    together = sum(found[pair, CapacityKind.GBPS].peak[-1] for pair in ("fra->ams", "lhr->ams", "ams->fra"))
    assert found["ams", CapacityKind.GBPS].peak[-1] < together


def test_a_place_may_need_another_level_and_more_load_never_less():
    panel = estate()
    calm, careful = told(panel), told(panel, levels={"ams": 0.99})
    assert careful["ams", CapacityKind.VCPU].recommended > calm["ams", CapacityKind.VCPU].recommended
    assert careful["fra->ams", CapacityKind.VCPU] == calm["fra->ams", CapacityKind.VCPU]
    doubled = demanded(panel, 2 * ahead(panel), DemandSettings())
    assert all(one.recommended > calm[one.place, one.kind].recommended for one in doubled if one.basis != "share")


def test_use_is_learned_where_both_are_measured_and_robust():
    load = CHANCE.uniform(0, 1000, 2000)
    use = np.where(load < 500, load * 0.02, 10 + (load - 500) * 0.08) * CHANCE.lognormal(0, 0.1, 2000)
    use[::20] *= 30  # a twentieth is nonsense
    curve = fit_usage(load, use)
    np.testing.assert_allclose(curve.at(np.array([100.0, 400.0, 800.0])), [2, 8, 34], rtol=0.12)
    assert curve.log_sd == pytest.approx(0.1, rel=0.4)
    assert curve.at(np.array([2000.0]))[0] == pytest.approx(2 * curve.at(np.array([1000.0]))[0], rel=0.05)


def test_use_that_falls_with_load_is_held_level():
    load = np.linspace(1, 100, 400)
    use = np.where(load < 50, load, 100 - load)
    at = fit_usage(load, use).at(load)
    assert (np.diff(at) >= -1e-9).all() and at[-1] == pytest.approx(use[load > 40].mean(), rel=0.25)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)), min_size=1, max_size=60))
def test_more_load_never_takes_less(points):
    load, use = np.array(points).T
    curve = fit_usage(load, use)
    at = curve.at(np.sort(np.concatenate([load, 2 * load])))
    assert np.isfinite(at).all() and (np.diff(at) >= -1e-9 * np.abs(at[1:])).all() and np.isfinite(curve.log_sd)


def test_a_region_without_utilisation_uses_as_others_do_else_by_coefficients():
    load = 1e5 * (1.2 + np.sin(np.arange(HOURS) * 2 * np.pi / 24))
    rows = {
        key("cpu:ams"): load / 2000,
        key("transactions:web@ams"): load,
        key("transactions:web@fra"): 0.5 * load,
    }
    derived = {str(one.key): one for one in derived_demand(panel_with(rows), Coefficients())}
    np.testing.assert_allclose(derived["cpu:fra"].observed, load / 4000, rtol=0.15)
    treated = {name: one.treatment.what for name, one in derived.items() if one.treatment}
    assert "1 other regions" in treated["cpu:fra"] and derived["cpu:fra"].log_sd < 0.2
    assert "per vCPU" in treated["memory:fra"]
    few = {name: np.where(np.arange(HOURS) < 100, row, np.nan) for name, row in rows.items()}
    assert learn_usage(panel_with(few), SeriesKind.CPU) is None


def blocks(*levels: float) -> Panel:
    rows = {key(f"block_traffic:10.{n}.0.0/28"): np.full(HOURS, level) for n, level in enumerate(levels)}
    return panel_with(rows)


def test_blocks_that_will_be_under_or_over_used_are_told_with_the_probability():
    panel, rules = blocks(0.1, 5.0, 16.0), BlockUse(gbps_per_address=1.0)
    idle, usual_, full = block_outlooks(panel, ahead(panel, 24), rules, 1)
    assert idle.capacity_gbps == 16
    assert (idle.under, idle.over) == (1.0, 0.0)
    assert usual_.under == 0.0 and usual_.over < 0.05
    assert full.under == 0.0 and full.over > 0.9
    turned = block_outlooks(panel, ahead(panel, 24) * 1.5, rules, 1)
    assert all(one.over >= other.over for one, other in zip(turned, (idle, usual_, full), strict=True))


def test_blocks_of_ipv6_are_judged_by_those_of_ipv6():
    """A /64 has more addresses than all of IPv4: neither family says anything of what the other can carry."""
    levels = np.linspace(1, 10, 10)
    mixed = {key(f"block_traffic:10.{n}.0.0/28"): np.full(HOURS, 16.0) for n in range(10)} | {
        key(f"block_traffic:2001:db8:0:{n}::/64"): np.full(HOURS, level) for n, level in enumerate(levels)
    }
    panel = panel_with(mixed)
    for rules in (BlockUse(), BlockUse(gbps_per_address=1.0)):
        found = {one.block: one for one in block_outlooks(panel, ahead(panel, 24, sd=0.01), rules, 1)}
        six = [found[f"2001:db8:0:{n}::/64"] for n in range(10)]
        assert [one.capacity_gbps for one in six] == pytest.approx([9.1] * 10)
        assert six[0].under == 0.0 and six[0].over == 0.0 and six[-1].over == 1.0
        assert found["10.0.0.0/28"].capacity_gbps == pytest.approx(16.0)


def test_without_a_stated_capacity_it_is_what_busy_blocks_carry():
    panel = blocks(*np.linspace(1, 10, 10))
    outlooks = block_outlooks(panel, ahead(panel, 24, sd=0.01), BlockUse(), 1)
    assert outlooks[0].capacity_gbps == pytest.approx(9.1)
    assert outlooks[0].under == 0.0 and outlooks[-1].over == 1.0
    assert block_outlooks(estate(), ahead(estate(), 24), BlockUse(), 1) == ()
