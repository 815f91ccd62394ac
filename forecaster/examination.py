"""What held-back windows say of each family and of what is made of them all, scored as the forecast will be (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from contracts.forecast import Scores
from forecaster.backcast import Backcast, Learned, learn
from forecaster.finish import finished
from forecaster.models.model import Says
from forecaster.panel import Matrix, Panel
from forecaster.scores import WindowScores, scales, score
from forecaster.shifts import common_shifts, learned_from
from forecaster.state_learned import packed, unpacked
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
        taught: what was learned at the origins of those windows, by what it is kept under.
    """

    entries: tuple[Examined, ...]
    maker: str
    cutoffs: tuple[int, ...]
    reach: int
    taught: Mapping[str, Kept] = field(default_factory=dict)

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
    taught: dict[str, Kept] = {}
    for index in indices:
        then = past.panel.as_known(windows.cutoffs[index])
        at = tuple(one[index].astype(np.float64) for one in past.held.said)
        learned = _learned_at(past, index, kept)
        for name, one in zip(names, at, strict=True) if len(names) > 1 else ():
            said[name].append(finished(learned.alone(one, windows.ahead), then, learned.enough()))
        said[maker].append(finished(learned.quantiles(at, windows.ahead), then, learned.enough()))
        as_bytes, key = packed(learned), past.key_of_all(index)
        taught |= {key: as_bytes} if key and as_bytes is not None else {}
    cutoffs = tuple(windows.cutoffs[index] for index in indices)
    actual, scale = past.held.actual[list(indices)], scales(past.panel, cutoffs)
    entries = tuple(Examined(name=name, scores=score(np.stack(all_), actual, scale)) for name, all_ in said.items())
    return Examination(entries=entries, maker=maker, cutoffs=cutoffs, reach=windows.reach, taught=taught)


def _learned_at(past: Backcast, index: int, kept: KeptWindows) -> Learned:
    """What could be learned at a window's origin, found where it was kept."""
    found = unpacked(kept.found(past.key_of_all(index)))
    if found:
        return found
    then = past.known_before(past.held.windows.cutoffs[index])
    shifts = common_shifts(then.panel) if past.says is Says.QUANTILES else ()
    return learn(replace(then, held=learned_from(then.not_misled(), then.panel, shifts)))


def scored(count: int, panel: Panel) -> tuple[int, ...]:
    """Indices, of so many windows, of those that are scored: spread over the newer half."""
    wanted = 1 if len(panel.keys) > FULL.many else SCORED_WINDOWS
    newer = range(count - 1, count // 2 - 1, -1)
    stride = -(-len(newer) // wanted) if count else 1
    return tuple(sorted(newer[stride // 2 :: stride]))
