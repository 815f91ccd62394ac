"""Paths of series that capacity is not planned for by sums: users, transactions, address blocks, requests (pure).

They are drawn by themselves, apart from what is planned for, so that plans are made of the same paths with them and
without. Of users, transactions and blocks a path has the quantiles of each hour, brought nearer to those of days, as
ever. Requests are drawn as what they are, negative binomial counts around their rate: quantiles of hours that are 0
nearly always say nothing of sums. Each hour's counts are spread over the paths by systematic sampling (Madow and Madow
1944), so that sums over hours and pairs have the mean that the rates have, however small those are. By how much rates
were wrong together in held-back windows is on every path, too: sums over all pairs and a week would be too sure of it.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.forecast import Treatment
from contracts.series import SeriesKey, SeriesKind
from forecaster.coherence import MOST_KEPT, PATHS, Agreed, Alone, Told, weights_of
from forecaster.counts import CountRates, counts_at
from forecaster.finish import CEILING, all_zero, whole_numbers
from forecaster.panel import Matrix, Panel
from forecaster.paths import (
    FEWEST_PATHS,
    Order,
    Paths,
    by_days,
    canonical,
    draw_order,
    even_scores,
    paths_in,
    quantiles_of,
    seasonal_ranks,
)
from forecaster.paths_days import as_days_say
from forecaster.units import Gather, gather_of

LONE = (SeriesKind.PEERING_REQUESTS, SeriesKind.TRANSACTIONS, SeriesKind.USERS, SeriesKind.BLOCK_TRAFFIC)
MOST_ALIKE = 0.9  # correlation with what all counts of a path have in common
TOGETHER = 100  # series that are drawn at a time: it bounds memory
OF_COUNTS, OF_LONE, OF_COMMON = (
    2,
    3,
    4,
)  # beside the seed: what is drawn of each is not what was drawn of others


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many paths of how many series a document has."""

    paths: int
    series: int


def room_beside(agreed: Agreed, series: int, steps: int) -> Room:
    """As many paths as the document has of what is planned for, and as many values at most."""
    alike = min(PATHS, max(FEWEST_PATHS, MOST_KEPT // max(1, series * steps)))
    paths = agreed.kept_paths if agreed.keys else alike
    return Room(paths=paths, series=MOST_KEPT // max(1, paths * steps))


def draw_alone(hours: Told, days: Told | None, rows: list[int], room: Room, seed: int) -> Alone:
    """Draws series of a panel of hours.

    Args:
        hours: what is said of them.
        days: what is said of the days that begin where the hours do, of the same series.
        rows: which series.
        room: what is kept of the paths: telemetry first, then blocks, those with the highest means first.
        seed: of the paths.
    """
    steps = hours.quantiles.shape[1]
    first = min(steps // 24, days.quantiles.shape[1]) if days is not None else 0
    said, kept = np.zeros((len(rows), first, hours.quantiles.shape[2])), _largest(hours, rows, room)
    alone = Alone(days=said)
    for begin in range(0, len(rows) if steps else 0, TOGETHER):
        of = rows[begin : begin + TOGETHER]
        panel, told = hours.panel.rows(of), hours.quantiles[of]
        order = draw_order(told, seasonal_ranks(panel), PATHS, (seed, OF_LONE, begin), weights_of(panel, told))
        paths = paths_in(order, told)
        if days is not None and first:
            length = np.array([24.0 if gather_of(key.kind) is Gather.SUM else 1.0 for key in panel.keys])[:, None, None]
            speaking = [int(at) for at in np.flatnonzero(days.speaks()[of])]
            as_days_say(paths, paths, days.quantiles[of, :first] / length, speaking)
            said[begin : begin + TOGETHER] = length * quantiles_of(
                by_days(paths[:, :, : 24 * first]).astype(np.float32)
            )
        whole = whole_numbers(panel)
        for at, row in enumerate(of):
            if row in kept:
                path = paths[: room.paths, at]
                alone.paths[panel.keys[at]] = np.rint(path) if whole[at] else path
    return alone


def draw_requests(panel: Panel, rates: CountRates, room: Room, seed: int) -> dict[SeriesKey, Paths]:
    """Paths of counts, (paths, steps) each, of the pairs that most requests are expected of.

    Args:
        panel: requests in each hour so far.
        rates: of the hours that follow it.
        room: what is kept.
        seed: of the paths.
    """
    expected = rates.mean.sum(axis=1)
    largest = sorted(range(len(panel.keys)), key=lambda row: (-expected[row], panel.keys[row]))[: room.series]
    found: dict[SeriesKey, Paths] = {}
    for begin in range(0, len(largest) if rates.mean.shape[1] else 0, TOGETHER):
        rows = sorted(largest)[begin : begin + TOGETHER]
        some = panel.rows(rows)
        found |= dict(zip(some.keys, _counts(some, rates.rows(rows), room, seed, begin), strict=True))
    return found


def left_out(keys: Sequence[SeriesKey], paths: Container[SeriesKey]) -> tuple[Treatment, ...]:
    """What there was no room for, told once for each kind.

    Args:
        keys: of all hourly series.
        paths: those that are kept.
    """
    told = []
    for kind in LONE:
        of_kind = [key for key in keys if key.kind is kind]
        kept = sum(key in paths for key in of_kind)
        if kept < len(of_kind):
            what = f"whole paths are kept of the {kept} largest of {len(of_kind)}: there is room for no more"
            told.append(Treatment(series=f"{kind}:*", what=what, hours=0))
    return tuple(told)


def _counts(panel: Panel, rates: CountRates, room: Room, seed: int, begin: int) -> Iterator[Paths]:
    """Paths of each series of a panel of counts, the first of which is number `begin` of all that are drawn."""
    shown, ranks = rates.mean[..., None], seasonal_ranks(panel)
    order = draw_order(shown, ranks, room.paths, (seed, OF_COUNTS, begin), rates.mean.sum(axis=1))
    begins = np.empty(rates.mean.shape)
    begins[canonical(shown, ranks)] = np.random.default_rng((seed, OF_COUNTS, begin, 1)).random(begins.shape)
    common = np.random.default_rng((seed, OF_COMMON)).permutation(even_scores(room.paths))
    most, nothing = CEILING * panel.observed.max(axis=1), all_zero(panel)
    for row in range(len(panel.keys)):
        at = (np.arange(room.paths) + begins[row, :, None]) / room.paths
        counts = np.zeros(at.shape) if nothing[row] else counts_at(rates.mean[row], rates.dispersion[row], at)
        path = np.empty((room.paths, at.shape[0]), dtype=np.float32)
        ordered = _alike(order[row], counts, rates.common, common) if rates.common > 0 else order[row]
        np.put_along_axis(path.T, ordered, np.minimum(counts, most[row]).astype(np.float32), axis=1)
        yield path


def _alike(order: Order, counts: Matrix, variance: float, common: Matrix) -> Order:
    """An order (steps, paths) in which counts are high together on paths on which all rates are.

    What counts of two hours have in common is `variance` times the product of their means. Of counts that are functions
    of normal variables with correlation r it is r times the product of their covariances with these, to first order
    (Mehler's expansion; Cario and Nelson 1997, "Modeling and generating random vectors").

    Args:
        order: without it.
        counts: (steps, paths), ascending.
        variance: of rates, over their square.
        common: normal scores of the paths.
    """
    even = even_scores(counts.shape[1])
    follows, mean = (counts * even).mean(axis=1), counts.mean(axis=1)
    alike = variance * np.square(mean / np.where(follows > 0, follows, np.inf))
    alike = np.minimum(alike, MOST_ALIKE)[:, None]
    own = np.empty(counts.shape)
    np.put_along_axis(own, order, np.broadcast_to(even, counts.shape), axis=1)
    found: Order = np.argsort(np.sqrt(1 - alike) * own + np.sqrt(alike) * common, axis=1, kind="stable").astype(
        np.int16
    )
    return found


def _largest(hours: Told, rows: Sequence[int], room: Room) -> set[int]:
    """The rows that there is room for."""
    volume, keys = hours.quantiles.mean(axis=(1, 2)), hours.panel.keys

    def order(row: int) -> tuple[bool, float, SeriesKey]:
        return keys[row].kind is SeriesKind.BLOCK_TRAFFIC, -float(volume[row]), keys[row]

    return set(sorted(rows, key=order)[: room.series])
