"""Which models compete, from simple to costly: of two that score alike the simpler wins."""

import difflib

from contracts.series import Granularity
from forecaster.errors import UnknownModel
from forecaster.models.boosting import Boosting
from forecaster.models.model import Model
from forecaster.models.request_rate import RequestRate
from forecaster.models.seasonal import Seasonal


def level_models(granularity: Granularity, seed: int) -> tuple[Model, ...]:
    """Models of continuous series."""
    boosting = Boosting(seed=seed)
    if granularity is Granularity.HOURLY:
        return Seasonal(24), Seasonal(168), Seasonal(24, depth=7), Seasonal(168, depth=4), boosting
    return Seasonal(7), Seasonal(7, depth=4), Seasonal(1, depth=7), boosting


def count_models() -> tuple[Model, ...]:
    """Models of requests."""
    return RequestRate(shaped=False), RequestRate(shaped=True)


def chosen(models: tuple[Model, ...], names: tuple[str, ...]) -> tuple[Model, ...]:
    """The models of these names, in the catalogue's order; no names means all. None may be left."""
    return tuple(model for model in models if not names or model.name in names)


def check_names(names: tuple[str, ...]) -> None:
    """Refuses names of no model.

    Raises:
        UnknownModel: one is not in the catalogue.
    """
    families = [level_models(granularity, 0) for granularity in Granularity]
    known = sorted({model.name for models in (*families, count_models()) for model in models})
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else ""
            raise UnknownModel(f"there is no model {name!r}", expected=", ".join(known), next_step=hint)
