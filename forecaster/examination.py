"""What held-back windows say of each family and of what is made of them all, scored as the forecast will be (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.forecast import Scores
from forecaster.backcast import Backcast, learn
from forecaster.finish import finished
from forecaster.models.model import LEVEL
from forecaster.panel import Matrix, Panel
from forecaster.scores import WindowScores, scales, score
from forecaster.state_windows import NOTHING_KEPT, Kept, KeptWindows
from forecaster.windows import FULL

BLEND = "blend"
SCORED_WINDOWS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """Scores of one family, or of the blend, on the windows that were held back."""

    name: str
    scores: WindowScores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examination:
    """What held-back windows say of each family and of what is made of them all.

    Attributes:
        entries: of every family, and of the blend where there are several.
        maker: the name of what forecasts: `blend`, or the only family.
        cutoffs: origins, in steps, of the windows that are scored.
        reach: steps of those windows.
        blended: what was made of all families in those windows, by what it is kept under.
    """

    entries: tuple[Examined, ...]
    maker: str
    cutoffs: tuple[int, ...]
    reach: int
    blended: Mapping[str, Kept] = field(default_factory=dict)

    def scores(self, name: str, rows: NDArray[np.bool_]) -> Scores:
        """Of an entry, over some series; nothing where nothing was held back."""
        found = next((one.scores for one in self.entries if one.name == name), None)
        return found.summary(rows) if found else Scores()


def examine(past: Backcast, kept: KeptWindows = NOTHING_KEPT) -> Examination:
    """Scores newer windows with what could be known at each one's origin, as the real forecast will be."""
    windows = past.held.windows
    names = [family.name for family in past.families]
    maker = names[0] if len(names) == 1 else BLEND
    indices = scored(len(windows.cutoffs), past.panel)
    if not indices:
        return Examination(entries=(), maker=maker, cutoffs=(), reach=0)
    said: dict[str, list[Matrix]] = {name: [] for name in (*names, maker)}
    blended: dict[str, Kept] = {}
    for index in indices:
        then = past.panel.until(windows.cutoffs[index])
        at = tuple(one[index].astype(np.float64) for one in past.held.said)
        made, key = _Then.at(past, index, kept), past.key_of_all(index)
        for name, one in zip(names, at, strict=True) if len(names) > 1 else ():
            said[name].append(finished(made.alone(one), then, made.enough))
        said[maker].append(made.quantiles)
        blended |= {key: made.packed()} if key else {}
    cutoffs = tuple(windows.cutoffs[index] for index in indices)
    actual, scale = past.held.actual[list(indices)], scales(past.panel, cutoffs)
    entries = tuple(Examined(name=name, scores=score(np.stack(all_), actual, scale)) for name, all_ in said.items())
    return Examination(entries=entries, maker=maker, cutoffs=cutoffs, reach=windows.reach, blended=blended)


class _Then(NamedTuple):
    """What could be made of all that families said from a window's origin.

    Attributes:
        alone: what one family says, by what was learned then.
    """

    quantiles: Matrix
    enough: NDArray[np.bool_]
    alone: Callable[[Matrix], Matrix]

    @staticmethod
    def at(past: Backcast, index: int, kept: KeptWindows) -> "_Then":
        """Learned from what was known then, or found where it was kept."""
        windows = past.held.windows
        shape = (len(past.panel.keys), len(windows.ahead), len(LEVEL))
        found = kept.found(past.key_of_all(index))
        if found is not None and found.dtype == np.float64 and found.shape == (shape[0], shape[1] * shape[2] + 1):
            return _Then(found[:, :-1].astype(np.float64).reshape(shape), found[:, -1] > 0, lambda said: said)
        cutoff = windows.cutoffs[index]
        learned = learn(past.known_before(cutoff))
        at = tuple(one[index].astype(np.float64) for one in past.held.said)
        said = finished(learned.quantiles(at, windows.ahead), past.panel.until(cutoff), learned.enough())
        return _Then(said, learned.enough(), lambda one: learned.alone(one, windows.ahead))

    def packed(self) -> Kept:
        """As one array."""
        return np.column_stack([self.quantiles.reshape(len(self.quantiles), -1), self.enough.astype(np.float64)])


def scored(count: int, panel: Panel) -> tuple[int, ...]:
    """Indices, of so many windows, of those that are scored: spread over the newer half."""
    wanted = 1 if len(panel.keys) > FULL.many else SCORED_WINDOWS
    newer = range(count - 1, count // 2 - 1, -1)
    stride = -(-len(newer) // wanted) if count else 1
    return tuple(sorted(newer[stride // 2 :: stride]))
