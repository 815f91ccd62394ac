"""What families would have said at earlier origins, and what is learned from it (pure)."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from forecaster.blend import Weights, across, learn_weights
from forecaster.calibration import calibrate
from forecaster.counts import calibrate_counts
from forecaster.groups import kind_groups, volume_groups
from forecaster.models.catalogue import prior
from forecaster.models.model import LEVEL, Family, Fitted, InTwoSteps, Says
from forecaster.panel import Matrix, Panel, Steps
from forecaster.scores import scales
from forecaster.state_windows import NO_KEYS, NOTHING_KEPT, Carrying, Kept, KeptWindows, WindowKeys, window_keys
from forecaster.windows import HeldBack, Said, Windows, actuals


class Calibrated(Protocol):
    """Turns a blend into quantiles that hold."""

    def corrected(self, said: Matrix, ahead: Steps) -> Matrix:
        """Quantiles (..., series, steps, levels) of what was said of some steps ahead."""
        ...

    def enough(self) -> NDArray[np.bool_]:
        """Of each series: whether its upper quantiles rest on enough scores."""
        ...

    def turned(self, hours: int) -> "Calibrated":
        """The same for an origin that lies so many hours of the day after those of the windows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backcast:
    """A panel, the families that suit it, and what they would have said.

    Attributes:
        fitted: what said it, of each family; none where nothing was held back.
        keys: of each family and window, what it is kept under; empty where it is not.
        kept: what is kept of them, by that.
    """

    panel: Panel
    families: tuple[Family, ...]
    held: HeldBack
    fitted: tuple[Fitted, ...] = ()
    window_keys: WindowKeys = NO_KEYS
    keys: tuple[tuple[str, ...], ...] = ()
    kept: Mapping[str, Kept] = field(default_factory=dict)

    @property
    def says(self) -> Says:
        return self.families[0].says

    def key_of_all(self, window: int) -> str:
        """What is kept under it: what was made of all that families said from a window; of counts nothing is."""
        return (
            self.window_keys.of_all(window, self.keys, self.held.windows.cutoffs) if self.says is not Says.MEAN else ""
        )

    def known_before(self, step: int) -> "Backcast":
        """What could be known at a step, of what came, too; scales and groups are those of the panel of then."""
        then = self.panel.as_known(step)
        return replace(self, panel=then, held=self.held.known_in(then))

    def not_misled(self) -> HeldBack:
        """What was held back, without what was said of series whose past held a mistake that was not yet known.

        A forecast from the middle of a day in a wrong unit errs by the unit. It happens rarely, and is scored as it is;
        but learned from it would make every series as wide.
        """
        cutoffs = [step for step in self.held.windows.cutoffs if step < self.panel.steps]
        otherwise = [(at, then) for at, step in enumerate(cutoffs) if (then := self.panel.otherwise(step)) is not None]
        if not otherwise:
            return self.held
        actual = self.held.actual.copy()
        for at, then in otherwise:
            now = self.panel.observed[:, : then.steps]
            actual[at, ~((then.observed == now) | (np.isnan(then.observed) & np.isnan(now))).all(axis=1)] = np.nan
        return replace(self.held, actual=actual)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """What held-back windows taught: weights, and a correction of the blend."""

    weights: Weights
    calibration: Calibrated
    says: Says

    def quantiles(self, said: tuple[Matrix, ...], ahead: Steps) -> Matrix:
        """The blend of what families say, corrected."""
        return self.calibration.corrected(self.weights.blend(said), ahead)

    def alone(self, said: Matrix, ahead: Steps) -> Matrix:
        """What one family says: its own quantiles, or counts around its mean."""
        return said if self.says is Says.QUANTILES else self.calibration.corrected(said, ahead)

    def enough(self) -> NDArray[np.bool_]:
        return self.calibration.enough()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """How to look back.

    Attributes:
        windows: from which origins.
        hear: hears of each family, by its number.
        kept: what was said before, which is not asked again.
    """

    windows: Windows
    hear: Callable[[int, str], None]
    kept: KeptWindows = NOTHING_KEPT


def backcast(panel: Panel, steps: int, families: tuple[Family, ...], look: Look) -> Backcast:
    """Fits each family on what was seen before the oldest origin, and lets it predict from every origin."""
    windows = look.windows
    pasts = [panel.as_known(cutoff) for cutoff in windows.cutoffs]
    past = pasts[0] if pasts else panel
    able = tuple(family for family in families if family.suits(past)) or families[:1]
    said, fits, keys, kept = [], [], [], dict[str, Kept]()
    told_by = window_keys(panel, windows.cutoffs, windows.ahead)
    for number, family in enumerate(able if windows.cutoffs else ()):
        fitted = family.fit(past, steps)
        known_by = told_by.of(family, fitted, pasts)
        at = [_told(fitted, one, windows.ahead, look.kept.found(key)) for one, key in zip(pasts, known_by, strict=True)]
        said.append(np.stack([one.said for one in at]))
        told = (whole if one.outline is None else one.outline for one, whole in zip(at, said[-1], strict=True))
        kept |= {key: one for key, one in zip(known_by, told, strict=True) if key}
        fits.append(fitted)
        keys.append(known_by)
        look.hear(number + 1, f"{family.name}, {panel.granularity.value}")
    if windows.cutoffs:
        held = _held(panel, windows, tuple(said))
        return Backcast(
            panel=panel,
            families=able,
            held=held,
            fitted=tuple(fits),
            window_keys=told_by,
            keys=tuple(keys),
            kept=kept,
        )
    width = len(LEVEL) if able[0].says is Says.QUANTILES else 1
    none = np.empty((0, len(panel.keys), 0, width), dtype=np.float32)
    held = HeldBack(windows=windows, said=(none,) * len(able), actual=none[..., 0].astype(np.float64))
    return Backcast(panel=panel, families=able, held=held)


class _Told(NamedTuple):
    """What is said from the end of a past, and the outline that it was told by, where there is one."""

    said: Said
    outline: Matrix | None = None


def _told(fitted: Fitted, past: Panel, ahead: Steps, kept: Kept | None) -> _Told:
    """What is said, or was before: by its outline where there is one, which takes less room."""
    one = fitted.at(past) if isinstance(fitted, Carrying) else fitted
    if isinstance(one, InTwoSteps):
        if kept is not None and kept.dtype == np.float64 and len(kept) == len(past.keys):
            with contextlib.suppress(ValueError):
                return _in_full(one, kept.astype(np.float64, copy=False), past, ahead)
        return _in_full(one, one.outline(past, ahead), past, ahead)
    if kept is not None and kept.dtype == np.float32 and kept.shape[:2] == (len(past.keys), len(ahead)):
        return _Told(kept.astype(np.float32, copy=False))
    return _Told(one.predict(past, ahead).astype(np.float32))


def _in_full(one: InTwoSteps, outline: Matrix, past: Panel, ahead: Steps) -> _Told:
    return _Told(one.in_full(outline, past, ahead).astype(np.float32), outline)


def _held(panel: Panel, windows: Windows, said: tuple[Said, ...]) -> HeldBack:
    return HeldBack(windows=windows, said=said, actual=actuals(panel, windows))


def learn(past: Backcast) -> Learned:
    """Weights, and a correction of the blend, from every actual that is known."""
    held, panel = past.held, past.panel
    scale = scales(panel, (panel.steps,))[0]
    begin = np.array([prior(family.name) for family in past.families])
    kinds, groups, cutoffs = kind_groups(panel), volume_groups(panel), held.windows.cutoffs
    teach = partial(learn_weights, scale=scale, groups=kinds, prior=begin / begin.sum())
    weights, quantiles = teach(held), past.says is Says.QUANTILES
    few = panel.day == 1 and quantiles and len(past.families) > 1 and len(cutoffs) > 0
    blended = across(held, teach) if few else weights.blend(held.said)
    calibration: Calibrated = (
        calibrate(blended, held.actual, held.windows, groups, kinds)
        if quantiles
        else calibrate_counts(blended, held.actual, held.windows, groups)
    )
    turned = calibration.turned((panel.steps - cutoffs[-1]) % panel.day) if cutoffs else calibration
    return Learned(weights=weights, calibration=turned, says=past.says)
