"""Regions and their pairs: sums agree exactly, and have the distribution that the region's own forecast has."""

from dataclasses import replace

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from contracts.series import LEVELS, SeriesKey, SeriesKind
from forecaster.coherence import Agreed, Told, agree, sums_in
from forecaster.events.widening import NORMAL
from forecaster.panel import Panel
from forecaster.paths import by_days, quantiles_of
from forecaster.paths_raked import FARTHEST, Sums, rake, readiness
from tests.forecaster.events.worlds import panel_of, usual

STEPS, HOURS, MIDDLE = 48, 24 * 7 * 4, LEVELS.index(0.5)
PAIRS = ("r0->r1", "r1->r0", "r0->r2", "r2->r1")
REGIONS = ("r0", "r1", "r2")
OF = {"r0": (0, 1, 2), "r1": (0, 1, 3), "r2": (2, 3)}


def network(hours: int = HOURS) -> Panel:
    """Four pairs of three regions, and the regions; r2 has no forecast of its own where it was just begun."""
    pairs = usual(hours)
    regions = np.stack([pairs[list(OF[name])].sum(axis=0) for name in REGIONS])
    panel = panel_of(np.vstack([pairs, regions]), (*PAIRS, *REGIONS))
    keys = (*panel.keys[:4], *(SeriesKey(SeriesKind.REGION_TRAFFIC, name) for name in REGIONS))
    return replace(panel, keys=keys)


def said(pair_sd: float, region_sd: float, region_share: float = 1.0) -> np.ndarray:
    """Pairs at 10, 5, 8, 3 with so much spread; regions at the sum of their medians times a share."""
    level = np.array([10.0, 5.0, 8.0, 3.0])
    regions = region_share * np.array([level[list(OF[name])].sum() for name in REGIONS])
    levels, spread = np.concatenate([level, regions]), np.repeat([pair_sd, region_sd], [4, 3])
    return np.asarray(levels[:, None, None] * np.exp(spread[:, None, None] * NORMAL) * np.ones((1, STEPS, 1)))


def agreed_on(panel: Panel, steady: np.ndarray, quantiles: np.ndarray, seed: int) -> Agreed:
    return agree(Told(panel=panel, steady=steady, quantiles=quantiles), sums_in(panel), seed)


def test_sums_of_paths_agree_exactly_over_pairs_and_hours():
    agreed = agreed_on(network(), said(0.8, 0.2), said(0.8, 0.2), 3)
    assert agreed.summed == (4, 5, 6) and [key.subject for key in agreed.keys] == list(PAIRS)
    for row, name in zip(agreed.summed, REGIONS, strict=True):
        total = agreed.paths[:, list(OF[name])].sum(axis=1, dtype=np.float64)
        assert (agreed.quantiles[row] == quantiles_of(total)).all()
        days = by_days(agreed.paths[:, list(OF[name])]).sum(axis=1)
        np.testing.assert_allclose(days, by_days(total), rtol=1e-6)
    assert (agreed.quantiles[:4] == said(0.8, 0.2)[:4]).all()


def test_sums_have_what_regions_themselves_say_though_means_of_pairs_are_too_high():
    """Medians of lognormal pairs are right, their means too high by a third: their sums, too."""
    given_ = said(0.75, 0.15)
    agreed = agreed_on(network(), given_, given_, 3)
    for row in agreed.summed:
        np.testing.assert_allclose(agreed.quantiles[row, :, 3:12], given_[row, :, 3:12], rtol=0.08)
    young = network()
    young.observed[4:] = np.nan  # no region has a forecast of its own: sums are what pairs give
    alone = agreed_on(young, given_, given_, 3)
    assert (alone.quantiles[4:6, :, MIDDLE] > 1.1 * given_[4:6, :, MIDDLE]).all()


def test_pairs_keep_their_quantiles_where_regions_agree_with_them():
    """The regions' own quantiles are those of the drawn sums: nothing is left to move."""
    young = network()
    young.observed[4:] = np.nan
    given_ = said(0.3, 0.2)
    drawn = agreed_on(young, given_, given_, 3)
    agreed = agreed_on(network(), drawn.quantiles, drawn.quantiles, 3)
    np.testing.assert_allclose(quantiles_of(agreed.paths)[..., 1:-1], given_[:4, :, 1:-1], rtol=0.05)


def test_what_is_known_well_hardly_moves():
    """One pair is known to 5 %, the other within a factor of two; their sum is 30 % less than they say."""
    sd = np.array([0.05, 0.7])[:, None, None]
    quantiles = 10.0 * np.exp(sd * NORMAL) * np.ones((1, 4, 1))
    paths = np.moveaxis(
        10.0 * np.exp(sd[..., 0] * np.random.default_rng(1).standard_normal((300, 4, 2, 1)))[..., 0], 2, 1
    )
    total = 14.0 * np.exp(0.1 * NORMAL) * np.ones((1, 4, 1))
    raked = paths.astype(np.float32)
    rake(raked, raked, Sums(quantiles=total, parts=[0, 1], members=np.ones((1, 2)), gives=readiness(quantiles)))
    sure, unsure = np.log(raked / paths).mean(axis=(0, 2))
    assert -0.1 < sure < 0 and unsure < 4 * sure
    np.testing.assert_allclose(quantiles_of(raked.sum(axis=1))[:, :12], total[0, :, :12], rtol=0.001)


def test_what_history_does_not_know_is_not_taken_from_the_sum():
    """An announced pair comes on top of what the region says by itself; so does an event that doubles a pair."""
    panel, steady = network(), said(0.5, 0.15)
    steady[3] = 0.0  # r2->r1 is only announced
    ahead = said(0.5, 0.15)
    plain, more = agreed_on(panel, steady, steady, 3), agreed_on(panel, steady, ahead, 3)
    grown = more.quantiles[5, :, MIDDLE] - plain.quantiles[5, :, MIDDLE]
    np.testing.assert_allclose(grown, 3.0 * np.exp(0.5**2 / 2), rtol=0.25)
    ahead[0] *= 2
    doubled = agreed_on(panel, steady, ahead, 3).quantiles[4, :, MIDDLE]
    assert (doubled > 1.3 * plain.quantiles[4, :, MIDDLE]).all()


def test_same_seed_same_paths_and_another_seed_others():
    given_ = said(0.5, 0.2)
    one, again, other = (agreed_on(network(), given_, given_, seed) for seed in (3, 3, 4))
    assert (one.paths == again.paths).all() and (one.quantiles == again.quantiles).all()
    assert not (one.paths == other.paths).all()


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(st.integers(0, 10**6), st.sampled_from((-9.0, 0.0, 12.0)), st.floats(0, 1))
def test_any_quantiles_give_lawful_sums(seed, magnitude, zeros):
    chance = np.random.default_rng(seed)
    drawn = 10 ** (magnitude + chance.normal(0, 2, (7, 2, len(LEVELS)))) * (chance.random((7, 2, len(LEVELS))) > zeros)
    quantiles = np.sort(drawn, axis=2)
    panel, plain = network(48), network(48)
    plain.observed[4:] = np.nan
    agreed, unmoved = agreed_on(panel, quantiles, quantiles, 1), agreed_on(plain, quantiles, quantiles, 1)
    assert np.isfinite(agreed.quantiles).all() and (agreed.quantiles >= 0).all()
    assert (np.diff(agreed.quantiles, axis=2) >= 0).all() and (agreed.paths >= 0).all()
    most = np.exp(FARTHEST) * unmoved.paths.astype(np.float64) * (1 + 1e-5)
    assert (agreed.paths <= most).all() and (agreed.paths * 4.0 >= unmoved.paths * (1 - 1e-5)).all()
