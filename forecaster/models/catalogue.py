"""Which families are blended, and who may add to them."""

import difflib
from importlib.metadata import entry_points

from contracts.series import Granularity
from forecaster.errors import UnknownModel
from forecaster.models.boosted_counts import BoostedCounts
from forecaster.models.boosting import Boosting
from forecaster.models.damped_trend import DampedTrend
from forecaster.models.level_shape import LevelShape
from forecaster.models.lstm import Lstm
from forecaster.models.model import Family
from forecaster.models.per_series import PerSeries
from forecaster.models.profile import Profile
from forecaster.models.request_rate import RequestRate
from forecaster.models.seasonal import Seasonal

GROUP = "prestage.forecast_models"  # of entry points: `(granularity, seed) -> Family`

# What a family's weight is before anything was held back, in parts: learned on hourly traffic and telemetry.
SLOW = (PerSeries("arima"), PerSeries("ets"), PerSeries("prophet"))  # blended where they are asked for by name
DEAR = ("xgboost", "xgboost_poisson")  # the fast tier does without, and without what hardly ever has weight
SELDOM = ("seasonal_naive_168", "seasonal_median_24x7", "profile_7d")

PRIOR = {
    "level_shape": 3.0,
    "xgboost": 4.0,
    "xgboost_poisson": 3.0,
    "seasonal_naive_24": 0.4,
    "seasonal_naive_168": 0.6,
}


def families(granularity: Granularity, *, counts: bool, seed: int) -> tuple[Family, ...]:
    """The families of this house."""
    if counts:
        return RequestRate(shaped=False), RequestRate(shaped=True), BoostedCounts(seed=seed)
    if granularity is Granularity.HOURLY:
        return (
            Seasonal(24),
            Seasonal(168),
            Seasonal(24, depth=7),
            Profile(7),
            Profile(14),
            Profile(56, 0.25, 14.0),
            DampedTrend(),
            LevelShape(),
            Boosting(seed=seed),
        )
    return (
        Seasonal(7),
        Seasonal(7, depth=4),
        Profile(14),
        Profile(56, 0.25, 28.0),
        DampedTrend(),
        LevelShape(),
        Boosting(seed=seed),
    )


def chosen(granularity: Granularity, names: tuple[str, ...], *, counts: bool, seed: int) -> tuple[Family, ...]:
    """The families of these names; where no name is given or none suits such series, all of this house.

    Raises:
        UnknownModel: a name that nobody knows.
    """
    check_names(names)
    own = families(granularity, counts=counts, seed=seed)
    asked = () if counts else (*SLOW, Lstm(seed=seed))
    named = tuple(one for one in (*own, *asked, *_added(granularity, names, seed)) if one.name in names)
    return named or own


def check_names(names: tuple[str, ...]) -> None:
    """Refuses names of no family.

    Raises:
        UnknownModel: one is neither in the catalogue nor an installed entry point.
    """
    known = {
        one.name
        for granularity in Granularity
        for counts in (False, True)
        for one in families(granularity, counts=counts, seed=0)
    }
    known |= {one.name for one in (*SLOW, Lstm())}
    known |= {point.name for point in entry_points(group=GROUP)}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"did you mean {close[0]!r}?" if close else ""
            raise UnknownModel(f"there is no model {name!r}", expected=", ".join(sorted(known)), next_step=hint)


def cheap(families_: tuple[Family, ...]) -> tuple[Family, ...]:
    """The families of the fast tier; all where none would be left."""
    return tuple(one for one in families_ if one.name not in (*DEAR, *SELDOM)) or families_


def prior(name: str) -> float:
    """Parts of weight that a family begins with."""
    return PRIOR.get(name, 1.0)


def _added(granularity: Granularity, names: tuple[str, ...], seed: int) -> tuple[Family, ...]:
    """Families of installed packages that were asked for by the name of their entry point."""
    return tuple(point.load()(granularity, seed) for point in entry_points(group=GROUP) if point.name in names)
