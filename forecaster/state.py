"""What one forecast keeps for the next: the fits of its families, and when they are no longer used (pure).

Weights of the blend, calibration and scores are learned anew from held-back windows at every forecast; families are
fitted anew only where the rule of `reason_to_refit` says so. A window is said by the newest fit that saw nothing after
its origin, so that held-back errors stay honest however old the fits are.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from contracts.series import Granularity
from forecaster.backcast import Backcast
from forecaster.drift import relative_losses
from forecaster.models.model import TINY, Family, Fitted, KeepingFamily, KeptFit, Says
from forecaster.panel import Matrix, Panel, Steps, length_of
from forecaster.scores import scales
from forecaster.state_windows import HOUSE, NOTHING_KEPT, KeptWindows, digest_of, settings_of
from forecaster.windows import Windows

GROWN = 0.05  # of the values known when fitted: so many more (or fewer) are another history
WORSE = 1.15  # times the loss at the time of fitting, both relative to families that learn nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FamilyState:
    """One family's two fits as bytes, empty where nothing is kept; `loss` as in `contracts.forecast_state`."""

    name: str
    settings: str
    before: bytes
    end: bytes
    loss: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PanelState:
    """The fits of one panel; attributes as in `contracts.forecast_state.KeptPanel`."""

    granularity: Granularity
    counts: bool
    steps: int
    settings: str
    series: tuple[str, ...]
    before_until: datetime
    until: datetime
    known: int
    families: tuple[FamilyState, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carried:
    """A family that was fitted for an earlier forecast; to fit it again gives what it was.

    Attributes:
        fits: digests of both fits; empty where the family's code is not of this house.
    """

    family: Family
    before: Fitted
    end: Fitted
    before_until: datetime
    until: datetime
    fits: tuple[str, str]

    @property
    def name(self) -> str:
        return self.family.name

    @property
    def says(self) -> Says:
        return self.family.says

    def suits(self, panel: Panel) -> bool:
        return panel.end >= self.before_until

    def fit(self, panel: Panel, steps: int) -> "Carried":
        """Nothing to learn: that is the point."""
        return self

    def predict(self, panel: Panel, ahead: Steps) -> Matrix:
        return self.at(panel).predict(panel, ahead)

    def at(self, panel: Panel) -> Fitted:
        """The newest fit that saw nothing after the panel's end.

        Raises:
            ValueError: both saw more than the panel.
        """
        if panel.end < self.before_until:
            raise ValueError(f"a fit that saw all until {self.before_until} was asked at {panel.end}")
        return self.end if panel.end >= self.until else self.before

    def fit_at(self, panel: Panel) -> str:
        """A digest of that fit."""
        return self.fits[1 if panel.end >= self.until else 0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Left:
    """What an earlier forecast of a panel left.

    Attributes:
        state: what it fitted; an input of the next forecast.
        windows: what was said in held-back windows; they change nothing but the time that the next one takes.
        days: the panel to look back at, of days that end at the hour where those of the state ended; by default the
            panel itself, whose days end at the hour of now and are other days each hour.
    """

    state: PanelState | None = None
    windows: KeptWindows = NOTHING_KEPT
    days: Panel | None = None


NOTHING_LEFT = Left()


def reason_to_refit(state: PanelState, panel: Panel, steps: int, settings: str) -> str:
    """Why the fits of a state are not used, in words; empty where they are.

    Args:
        state: of an earlier forecast.
        panel: what is known now.
        steps: ahead that are wanted.
        settings: of the engine, in words.
    """
    known, newer = int(panel.known().sum()), panel.steps - step_at(panel, state.until)
    grown = known / max(state.known, 1) - 1
    grown = max(grown, newer / max(panel.steps - newer, 1)) if grown > -GROWN else grown  # what is too old may go
    if state.settings != settings:
        return "other settings"
    if state.series != tuple(str(key) for key in panel.keys):
        return "other series"
    if state.steps != steps:
        return f"{steps} steps ahead instead of {state.steps}"
    if panel.end < state.until:
        return f"the fits saw more than this history: all until {state.until:%Y-%m-%dT%H:%MZ}"
    if abs(grown) > GROWN:
        return f"the history {'grew' if grown > 0 else 'shrank'} by {abs(grown):.0%}"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resumed:
    """The families of an earlier forecast, and the first step at which a held-back window may begin.

    Attributes:
        anchor: the step that the newer fits end at: windows stay where they were then.
        refused: why there are none, in words; empty where there are.
    """

    families: tuple[Family, ...] = ()
    first: int = 0
    anchor: int | None = None
    refused: str = ""

    def too_young(self, windows: Windows) -> str:
        """Why these windows cannot be said by the older fits, in words; empty where they can."""
        saw = bool(windows.cutoffs) and windows.cutoffs[0] < self.first
        return "held-back windows begin before the fits ended" if saw else ""


def go_on(state: PanelState | None, panel: Panel, steps: int, settings: str, families: tuple[Family, ...]) -> Resumed:
    """What of a state can be used for a panel; what cannot be used is refused with its reason, never an error.

    Args:
        state: of an earlier forecast, if there is one.
        panel: what is known now.
        steps: ahead that are wanted.
        settings: of the engine, in words.
        families: that could be blended now.
    """
    if state is None:
        return Resumed(refused="nothing was kept")
    if why := reason_to_refit(state, panel, steps, settings):
        return Resumed(refused=why)
    try:
        found = carried(state, families)
    except ValueError as error:
        return Resumed(refused=str(error))
    return Resumed(families=found, first=step_at(panel, state.before_until), anchor=step_at(panel, state.until))


def carried(state: PanelState, families: tuple[Family, ...]) -> tuple[Family, ...]:
    """The families of a state with their fits; those of which nothing is kept as they are.

    Args:
        state: whose settings are those of now.
        families: that could be blended now.

    Raises:
        ValueError: a family is missing or has other settings, or its bytes are not of such a fit.
    """
    by_name = {family.name: family for family in families}
    found: list[Family] = []
    for kept in state.families:
        family = by_name.get(kept.name)
        if family is None or settings_of(family) != kept.settings:
            raise ValueError(f"other settings of {kept.name}")
        found.append(_carried(state, kept, family) if kept.end else family)
    return tuple(found)


def _carried(state: PanelState, kept: FamilyState, family: Family) -> Carried:
    if not isinstance(family, KeepingFamily):
        raise ValueError(f"{kept.name} no longer keeps what it learned")
    try:
        before, end = family.restored(kept.before), family.restored(kept.end)
    except KeyError as error:
        raise ValueError(f"the fit of {kept.name} lacks {error}") from error
    told = type(family).__module__.startswith(HOUSE)
    fits = (digest_of(kept.settings, kept.before), digest_of(kept.settings, kept.end)) if told else ("", "")
    return Carried(family=family, before=before, end=end, before_until=state.before_until, until=state.until, fits=fits)


def step_at(panel: Panel, moment: datetime) -> int:
    """The first step of a panel that lies wholly after a moment."""
    return panel.steps - int((panel.end - moment) // length_of(panel.granularity))


def grown_worse(state: PanelState, past: Backcast) -> str:
    """Why recent losses ask for new fits, in words; empty where they do not."""
    then = {kept.name: kept.loss for kept in state.families}
    learners = np.array([isinstance(family, Carried) for family in past.families])
    scale = scales(past.panel, (past.panel.steps,))[0]
    now = relative_losses(past.held, scale, learners, step_at(past.panel, state.until))
    ratios = {
        family.name: one / max(other, TINY)
        for family, one in zip(past.families, now, strict=True)
        if one is not None and (other := then.get(family.name)) is not None and isinstance(family, Carried)
    }
    worst = max(ratios, key=lambda name: ratios[name], default="")
    if worst and ratios[worst] > WORSE:
        return f"{worst} has grown worse: {ratios[worst]:.2f} times its loss when it was fitted"
    return ""


def state_of(past: Backcast, end: tuple[Fitted, ...], steps: int, settings: str) -> PanelState:
    """What is kept of a forecast whose families were fitted anew.

    Args:
        past: held-back windows, and the fits that said them.
        end: fits on the whole panel, of the same families.
        steps: ahead that they reach.
        settings: of the engine, in words.
    """
    panel, windows = past.panel, past.held.windows
    learners = np.array([isinstance(fitted, KeptFit) for fitted in end])
    losses = relative_losses(past.held, scales(panel, (panel.steps,))[0], learners)
    before = past.fitted or end  # nothing was held back: nothing was said before the end
    return PanelState(
        granularity=panel.granularity,
        counts=past.says is Says.MEAN,
        steps=steps,
        settings=settings,
        series=tuple(str(key) for key in panel.keys),
        before_until=panel.until(windows.cutoffs[0]).end if past.fitted else panel.end,
        until=panel.end,
        known=int(panel.known().sum()),
        families=tuple(
            FamilyState(name=family.name, settings=settings_of(family), before=_kept(old), end=_kept(new), loss=loss)
            for family, old, new, loss in zip(past.families, before, end, losses, strict=True)
        ),
    )


def _kept(fitted: Fitted) -> bytes:
    return fitted.kept() if isinstance(fitted, KeptFit) else b""
