"""Traffic by service (pure): wholes of which only parts were measured, and paths of parts that add up to their whole.

A pair's traffic may be measured whole, by service, or both. Where only its services were, the whole is their sum. Where
both were and agree, they agree in the forecast too: on every path, services are multiplied by what makes them their
pair's sum, so that what brings pairs to their regions (`paths_raked.py`) reaches services too. Where services
are a part of the whole, what is left is told by nobody, and they are held at most to the whole.

A service that has been silent for a week while others of its pair go on has ended: of the whole it is nothing from then
on, and on paths it takes at most what those that go on leave.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from contracts.forecast import Treatment
from contracts.series import SeriesKey, SeriesKind
from forecaster.derive import Derived, summed
from forecaster.finish import ended
from forecaster.panel import Matrix, Panel
from forecaster.paths import Paths

AGREEING = 0.02  # services add up to their whole where they miss it by no more than this share
LATELY_DAYS = 28  # that they are compared over, at most
SWITCH_DAYS, SWITCH_TIMES = 7, 2.0  # a whole that ended is gone on with by services of the same size


class Relation(StrEnum):
    """What a pair's services are beside its traffic, as it was measured lately."""

    ALL = "all"  # they add up to it
    PART = "part"  # they are less: the rest is of no service that was named
    MORE = "more"  # they are more: somebody counts otherwise, and nothing is made to agree


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A pair and its services, as rows of a panel: those that go on, and those that ended while others went on."""

    whole: int
    parts: tuple[int, ...]
    relation: Relation
    ended: tuple[int, ...] = ()


def services_in(keys: Sequence[SeriesKey]) -> dict[str, list[int]]:
    """By pair, rows of its services."""
    found: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        if key.kind is SeriesKind.SERVICE_TRAFFIC:
            found.setdefault(key.place, []).append(row)
    return found


def wholes(measured: Panel) -> list[Derived]:
    """Traffic of pairs where only their services were measured: in all hours, or in those in which the whole was not.

    A whole that was measured is filled in only by what agrees with it: services that add up to it where both were
    measured, or that begin when it ended, at about its size.
    """
    row_of, found = {key: row for row, key in enumerate(measured.keys)}, []
    for pair, parts in sorted(services_in(measured.keys).items()):
        key, total = SeriesKey(SeriesKind.TRAFFIC, pair), _total(measured, parts)
        seen = measured.observed[row_of[key]] if key in row_of else np.full(measured.steps, np.nan)
        missing = np.isnan(seen) & np.isfinite(total)
        if missing.any() and (key not in row_of or _goes_on(seen, total, measured.day)):
            services = "service" if len(parts) == 1 else "services"
            what = f"summed of its {len(parts)} {services} where it was not measured by itself"
            told = Treatment(series=str(key), what=what, hours=int(missing.sum()))
            found.append(Derived(key, np.where(missing, total, seen), told))
    return found


def splits_in(panel: Panel) -> tuple[Split, ...]:
    """Every pair that has services, and what these are beside it."""
    row_of, over = {key: row for row, key in enumerate(panel.keys)}, ended(panel)
    found = []
    for pair, parts in sorted(services_in(panel.keys).items()):
        whole = row_of.get(SeriesKey(SeriesKind.TRAFFIC, pair))
        if whole is not None:
            relation = _relation(panel.observed[whole], panel.observed[parts], panel.day)
            going = tuple(row for row in parts if not over[row]) or tuple(parts)
            gone = tuple(row for row in parts if row not in going)
            found.append(Split(whole=whole, parts=going, relation=relation, ended=gone))
    return tuple(found)


def share_out(paths: Paths, splits: Sequence[Split], place: Mapping[int, int]) -> None:
    """Multiplies paths (paths, series, steps) of services, in place, by what makes them their pair's.

    Args:
        paths: from 0.
        splits: of the panel that the paths are of.
        place: of each of its rows that has paths, which series of the paths it is.
    """
    for split in splits:
        if split.relation is Relation.MORE or split.whole not in place:
            continue
        at = [place[part] for part in split.parts]
        whole, parts = paths[:, place[split.whole]].astype(np.float64), paths[:, at].astype(np.float64)
        total = parts.sum(axis=1)
        some = total > 0
        factor = np.where(some, whole, 0.0) / np.where(some, total, 1.0)
        factor = np.minimum(factor, 1.0) if split.relation is Relation.PART else factor
        shared = parts * factor[:, None]
        if split.relation is Relation.ALL:
            shared += np.where(some, 0.0, whole)[:, None] * _usual_shares(parts)[:, None]
        paths[:, at] = shared.astype(np.float32)
        if split.ended:
            left = np.maximum(whole - shared.sum(axis=1), 0.0)
            gone = [place[part] for part in split.ended]
            paths[:, gone] = _at_most(paths[:, gone].astype(np.float64), left)


def _at_most(parts: Matrix, whole: Matrix) -> Paths:
    """Paths of parts (paths, parts, steps), made smaller where they are more than their whole (paths, steps)."""
    total = parts.sum(axis=1)
    factor = np.where(total > whole, whole / np.where(total > 0, total, 1.0), 1.0)
    return (parts * factor[:, None]).astype(np.float32)


def _total(measured: Panel, parts: Sequence[int]) -> Matrix:
    """The sum of services; one that others outlive is nothing from a week after it was seen last."""
    some = measured.rows(list(parts))
    last = some.steps - 1 - some.silent()
    over = (np.arange(some.steps) - last[:, None] > some.week) & np.isfinite(some.observed).any(axis=0)
    some = replace(some, observed=np.where(over, 0.0, some.observed), filled=np.where(over, 0.0, some.filled))
    return summed(some, list(range(len(parts))))


def _usual_shares(parts: Matrix) -> Matrix:
    """What share of all paths and steps (paths, parts, steps) is each part's; equal ones of nothing."""
    volume = parts.sum(axis=(0, 2))
    usual: Matrix = volume / volume.sum() if volume.sum() > 0 else np.full(len(volume), 1 / len(volume))
    return usual


def _relation(whole: Matrix, parts: Matrix, day: int) -> Relation:
    """Of what was measured lately, over steps in which all of it was: a service that has not begun, or ended, is 0."""
    seen = np.isfinite(parts)
    begun, goes_on = np.cumsum(seen, axis=1) > 0, np.cumsum(seen[:, ::-1], axis=1)[:, ::-1] > 0
    known = np.isfinite(whole) & seen.any(axis=0) & (seen | ~(begun & goes_on)).all(axis=0)
    common = np.flatnonzero(known)[-LATELY_DAYS * day :]
    had, told = whole[common].sum(), np.nansum(parts[:, common])
    if not len(common) or had <= 0:
        return Relation.PART
    if abs(told - had) <= AGREEING * had:
        return Relation.ALL
    return Relation.PART if told < had else Relation.MORE


def _goes_on(seen: Matrix, total: Matrix, day: int) -> bool:
    """Whether a sum may stand in for a whole where that was not measured."""
    if (np.isfinite(seen) & np.isfinite(total)).any():
        return _relation(seen, total[None], day) is Relation.ALL
    ended, begins = np.flatnonzero(np.isfinite(seen)), np.flatnonzero(np.isfinite(total))
    if not len(ended) or begins[0] <= ended[-1]:
        return False
    before, after = seen[ended[-SWITCH_DAYS * day :]].mean(), total[begins[: SWITCH_DAYS * day]].mean()
    return bool(before <= SWITCH_TIMES * after and after <= SWITCH_TIMES * before)
