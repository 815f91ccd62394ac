"""Whole units beside a divisible rest: the planner's placement against first fit decreasing, on the same units.

Each problem is one region: a catalog of 12 shapes (three families, four sizes, prices a little apart), four workloads
of whole units, and a demand of which units are about two thirds. First fit decreasing gets the best of all ways to open
an instance: of each shape alone, and of the shape that holds the unit at hand cheapest; what its instances leave short
in sum is covered as cheaply as one or two shapes can. Figures are of all problems together: USD of the plan over USD
of first fit, over the proven bound, and over the bound of sums alone (a linear programme by SciPy, no code of the
planner's); and that no plan is dearer than first fit.

    python benchmarks/packing.py [--problems 20] [--seed 0] [--json]
"""

import argparse
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.optimize import linprog

from contracts.capacity import Shape
from contracts.failover import FailoverSettings
from contracts.workloads import UnitSize
from planner.covering import cheapest_cover
from planner.placement import Placement, place
from planner.sites import Amount, Live, Site
from planner.solve import solve

Offers = Sequence[tuple[Shape, float]]
Units = Mapping[UnitSize, int]

FAMILIES = (("c", 2, 0.0425), ("m", 4, 0.048), ("r", 8, 0.063))
"""Name, GiB a vCPU and USD per vCPU and hour, as clouds' general, compute and memory families lie to each other."""


def problem(chance: random.Random) -> tuple[Offers, Units, Amount]:
    """Shapes with prices, units, and what must be met in sum."""
    offers = [
        (Shape(name=f"{name}{vcpu}", vcpu=vcpu, memory_gib=vcpu * gib), vcpu * usd * chance.uniform(0.9, 1.1))
        for name, gib, usd in FAMILIES
        for vcpu in (4, 8, 16, 32)
    ]
    units = {}
    for at in range(4):
        vcpu = chance.choice((1.5, 3, 5, 7, 9, 13, 18))
        size = UnitSize(name=f"w{at}", vcpu=vcpu, memory_gib=round(vcpu * chance.uniform(1, 7), 1))
        units[size] = chance.randint(2, 12)
    vcpu, gib = (sum(each) for each in zip(*((s.vcpu * n, s.memory_gib * n) for s, n in units.items()), strict=True))
    return offers, units, Amount(vcpu=vcpu * 1.5, memory_gib=gib * 1.5)


def planned(offers: Offers, units: Units, wanted: Amount) -> Placement:
    """The planner's own placement."""
    nothing = Live(serving={}, failover={}, shares={})
    site = Site(
        region="one",
        serving=wanted,
        critical=Amount(),
        standing=Amount(),
        backs=(),
        room=Amount(vcpu=1e6, memory_gib=1e6),
        serving_shapes=tuple(offers),
        failover_shapes=(),
        partners=(),
        live=nothing,
        units=units,
    )
    found = place((site,), FailoverSettings(), solve)
    assert isinstance(found, Placement)
    return found


def first_fit_usd(offers: Offers, units: Units, wanted: Amount) -> float:
    """USD per hour of first fit decreasing: the best of all ways to open an instance."""
    return min(_opened(offers, units, wanted, only) for only in (None, *offers))


def _opened(offers: Offers, units: Units, wanted: Amount, only: tuple[Shape, float] | None) -> float:
    """USD of instances for units, the largest first, each on the first with room, and the rest; infinite for none."""
    left: list[list[float]] = []
    usd, given = 0.0, Amount()
    ordered = sorted(units, key=lambda size: -max(size.vcpu / 32, size.memory_gib / 128))
    for size in (each for each in ordered for _ in range(units[each])):
        room = next((one for one in left if one[0] >= size.vcpu - 1e-9 and one[1] >= size.memory_gib - 1e-9), None)
        if room is None:
            holding = [
                (price / _most(shape, size), shape.name, shape, price) for shape, price in offers if _most(shape, size)
            ]
            if only and not _most(only[0], size):
                return float("inf")
            shape, price = only or min(holding)[2:]
            room = [float(shape.vcpu), float(shape.memory_gib)]
            left.append(room)
            usd, given = usd + price, given.plus(Amount.of(shape, 1))
        room[0], room[1] = room[0] - size.vcpu, room[1] - size.memory_gib
    prices = {shape.name: price for shape, price in offers}
    rest = cheapest_cover(offers, wanted.less(given), Amount(vcpu=1e6, memory_gib=1e6)) or {}
    return usd + sum(prices[name] * count for name, count in rest.items())


def _most(shape: Shape, size: UnitSize) -> int:
    return int(min(shape.vcpu / size.vcpu, shape.memory_gib / size.memory_gib) + 1e-9)


def bound_of_sums(offers: Offers, wanted: Amount) -> float:
    """USD per hour that covering the sums takes, were instances and units divisible."""
    gives = np.array([[shape.vcpu for shape, _ in offers], [shape.memory_gib for shape, _ in offers]], dtype=float)
    answer = linprog([usd for _, usd in offers], A_ub=-gives, b_ub=[-wanted.vcpu, -wanted.memory_gib])
    return float(answer.fun)


def measured(problems: int, seed: int) -> Iterator[tuple[float, float, float, float, float]]:
    """USD of the plan, of first fit, the plan's bound, the bound of sums, and CPU seconds, of each problem."""
    for at in range(problems):
        offers, units, wanted = problem(random.Random(1000 * seed + at))
        start = time.process_time()
        found = planned(offers, units, wanted)
        took = time.process_time() - start
        fitted = first_fit_usd(offers, units, wanted)
        yield found.usd_per_hour, fitted, found.lower_bound, bound_of_sums(offers, wanted), took


def main() -> None:
    """Measures and tells."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = np.array(list(measured(asked.problems, asked.seed)))
    usd, fitted, bound, sums, seconds = rows.sum(axis=0)
    figures = {
        "plan_over_first_fit": usd / fitted,
        "worst_over_first_fit": float((rows[:, 0] / rows[:, 1]).max()),
        "plan_over_bound": usd / bound,
        "plan_over_sums": usd / sums,
        "cpu_seconds": seconds,
    }
    if asked.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:22} {value:.4f}")


if __name__ == "__main__":
    main()
