"""What adds up is sized by sums of whole paths; without paths, by sums of quantiles."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.capacity import CapacityKind
from contracts.forecast import ForecastBundle
from contracts.series import Granularity, SeriesKey
from planner.curves import Curves, link_curves
from planner.market import Market
from planner.recourse.distribution import DemandByHour, normal_score
from planner.recourse.risk import Stake, plan_risk, together_on_paths
from planner.requirements import serving_requirements
from tests.laws.environments import Recipe, question

WORLD = question(Recipe(regions=4, sparse=True))
MARKET = Market.read(WORLD.catalog, WORLD.capacity)
PATHS = 400
EVEN = np.array([normal_score((at + 0.5) / PATHS) for at in range(PATHS)])


def shared() -> Curves:
    """The direction of a link that several pairs take and that needs more than the other one."""
    link = next(each for _, each in link_curves(WORLD, MARKET) if any(len(one.keys) > 1 for one in each))
    return max(link, key=lambda one: float(one.total_at(0.9).max()))


def with_paths(opposed: bool) -> ForecastBundle:
    """Each hourly series has its own quantiles on paths that rise and fall together; of the opposed, some rise."""
    first = shared().keys[0]
    levels, paths = WORLD.forecast.document.levels, {}
    for (key, granularity), table in WORLD.forecast.values.items():
        if granularity is Granularity.HOURLY:
            turned = -1 if opposed and key == first else 1
            paths[key] = DemandByHour(levels, table).at_scores(turned * EVEN).astype(np.float32)
    return replace(WORLD.forecast, paths=paths)


def sizes(forecast: ForecastBundle) -> dict[str, float]:
    return {item.id: item.quantity for item in serving_requirements(replace(WORLD, forecast=forecast), MARKET)}


def test_pairs_that_rise_together_need_what_sums_of_quantiles_say():
    assert sizes(with_paths(opposed=False)) == pytest.approx(sizes(WORLD.forecast), rel=0.01)


def test_pairs_that_do_not_rise_together_need_less_and_places_by_themselves_the_same():
    alone, joined, link = sizes(WORLD.forecast), sizes(with_paths(opposed=True)), shared().place
    assert joined[f"{link}/gbps/serving"] < 0.98 * alone[f"{link}/gbps/serving"]
    assert {name: size for name, size in joined.items() if not name.endswith("gbps/serving")} == {
        name: size for name, size in alone.items() if not name.endswith("gbps/serving")
    }
    for item in serving_requirements(replace(WORLD, forecast=with_paths(opposed=True)), MARKET):
        assert sum(item.parts.values()) == pytest.approx(item.quantity, abs=1e-5)
        assert all(part >= 0 for name, part in item.parts.items() if name != "maximum")


def test_a_series_without_paths_falls_back_to_sums_of_quantiles():
    bundle = with_paths(opposed=True)
    some = {key: path for key, path in bundle.paths.items() if key != shared().keys[0]}
    link = f"{shared().place}/gbps/serving"
    assert sizes(replace(bundle, paths=some))[link] == sizes(WORLD.forecast)[link]


def test_hours_beyond_the_paths_are_sums_of_quantiles():
    bundle = with_paths(opposed=True)
    short = replace(bundle, paths={key: path[:, :5] for key, path in bundle.paths.items()})
    whole, cut = (curves_of(each) for each in (bundle, short))
    assert (cut.total[:5] == whole.total[:5]).all()
    assert (cut.total[5:] == whole.tables.sum(axis=0)[5:]).all()


def test_paths_that_lie_higher_by_chance_need_no_more_than_sums_of_quantiles():
    bundle = with_paths(opposed=True)
    higher = replace(bundle, paths={key: 2 * path for key, path in bundle.paths.items()})
    found = curves_of(higher)
    upper = np.array(found.levels) > 0.5
    assert (found.total[:, upper] <= np.maximum(found.tables.sum(axis=0), found.total[:, [7]])[:, upper]).all()
    assert (found.total[:, ~upper] > found.tables.sum(axis=0)[:, ~upper]).all()
    assert (np.diff(found.total, axis=1) >= 0).all()


def curves_of(forecast: ForecastBundle) -> Curves:
    asked, wanted = replace(WORLD, forecast=forecast), shared()
    found = (one for _, directions in link_curves(asked, MARKET) for one in directions)
    return next(one for one in found if one.keys == wanted.keys)


def stake(place: str, paths: np.ndarray | None, available: float) -> Stake:
    hours = 3
    demand = DemandByHour((0.01, 0.99), np.tile([0.0, 100.0], (hours, 1)))
    return Stake(
        place=place,
        kind=CapacityKind.VCPU,
        demand=demand,
        available=np.full(hours, available),
        shortage_usd=2.0,
        idle_usd=None,
        paths=paths,
    )


def test_places_that_never_peak_together_cost_less_on_bad_days_and_are_short_more_often():
    rising = np.repeat(np.arange(100.0)[:, None], 3, axis=1)
    alike = together_on_paths([stake("fra", rising, 90), stake("ams", rising, 90)])
    apart = together_on_paths([stake("fra", rising, 90), stake("ams", rising[::-1], 90)])
    assert alike is not None and apart is not None
    assert (alike.chance, apart.chance) == (0.09, 0.18) and alike.paths == 100
    worst, best = alike.cases[-1], apart.cases[-1]
    assert worst.level == 0.99 and worst.shortage_usd_per_hour == pytest.approx(2 * best.shortage_usd_per_hour, rel=0.1)
    assert together_on_paths([stake("fra", rising, 90), stake("ams", None, 90)]) is None


def test_a_plan_says_it_where_the_forecast_has_paths_of_all():
    asked = replace(WORLD, forecast=with_paths(opposed=False))
    risk, plain = plan_risk(asked, MARKET, (), {}), plan_risk(WORLD, MARKET, (), {})
    assert risk is not None and plain is not None
    assert plain.together is None and risk.together is not None
    assert risk.together.paths == PATHS and risk.together.chance == 1.0
    (bad,) = (case for case in risk.cases if case.level == 0.99)
    assert risk.together.cases[-1].shortage_usd_per_hour == pytest.approx(bad.shortage_usd_per_hour, rel=0.02)


def test_what_ifs_move_paths_as_they_move_quantiles():
    bundle = with_paths(opposed=True)
    doubled = bundle.moved(bundle.document, {key: 2 * table for key, table in bundle.values.items()})
    key = SeriesKey(*next(iter(bundle.paths)))
    np.testing.assert_allclose(doubled.paths[key], 2 * bundle.paths[key], rtol=1e-6)
    assert bundle.moved(bundle.document, {}).paths == {}


def test_what_ifs_begin_paths_where_there_was_nothing():
    """A series that was 0 at one hour, and one that always was: paths have the new quantiles, in their own order."""
    bundle, levels = with_paths(opposed=False), WORLD.forecast.document.levels
    first, second = list(bundle.paths)[:2]
    tables = dict(bundle.values)
    new = {key: table + 1.0 for key, table in tables.items()}
    tables[first, Granularity.HOURLY] = (
        tables[first, Granularity.HOURLY] * (np.arange(len(tables[first, Granularity.HOURLY])) != 3)[:, None]
    )
    tables[second, Granularity.HOURLY] = 0.0 * tables[second, Granularity.HOURLY]
    paths = {
        key: (DemandByHour(levels, tables[key, Granularity.HOURLY]).at_scores(EVEN)).astype(np.float32)
        for key in (first, second)
    }
    moved = replace(bundle, values=tables, paths=paths).moved(bundle.document, new).paths
    found = np.quantile(moved[first][:, 3], levels, method="hazen")
    np.testing.assert_allclose(found, new[first, Granularity.HOURLY][3], rtol=0.02)
    assert (np.diff(moved[first][:, 3]) >= 0).all()  # the order of the other hours
    found = np.quantile(moved[second], levels, axis=0, method="hazen").T
    np.testing.assert_allclose(found, new[second, Granularity.HOURLY], rtol=0.02)
