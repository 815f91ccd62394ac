"""Prices that prove a bound, as a text in a plan: what they lose, and that no text proves more than there is."""

import base64
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from planner.errors import FleetTooFar
from planner.fleet import Effort, FleetProblem
from planner.fleet.bound import Certificate, certified_usd
from planner.fleet.offers import ever_useful
from planner.fleet.problem import Arcs, Floats
from planner.fleet.proof import packed, unpacked
from planner.fleet.solve import solve_proven
from tests.planner import fleet_world
from tests.planner.fleet_planned import problem_of
from tests.planner.fleet_world import Recipe

WORLD = fleet_world.fleet(Recipe(regions=6, types=5, hours=2, level=300, reserved_gbps=4, seed=8))
FALLING = replace(WORLD, fall=WORLD.domain)
TIGHT = fleet_world.with_quotas(WORLD, 1.4)


@cache
def proven(world: int) -> tuple[FleetProblem, float, Certificate]:
    """A problem, what a fleet of it costs, and what proves that it costs hardly less."""
    problem = problem_of((WORLD, FALLING, TIGHT)[world])
    found, certificate = solve_proven(problem, Effort(passes=8, turns=2, threads=1, exact=False))
    return problem, found.usd, certificate


def bound(problem: FleetProblem, certificate: Certificate) -> float:
    arcs = Arcs.of(problem)
    return certified_usd(problem, arcs, certificate, ever_useful(problem, arcs, np.arange(problem.regions)))


@pytest.mark.parametrize("world", range(3))
def test_a_text_proves_what_its_prices_do_and_hardly_less(world: int) -> None:
    problem, _, certificate = proven(world)
    text = packed(problem, certificate)
    read, whole = unpacked(problem, text), bound(problem, certificate)
    assert whole * (1 - 1e-3) < bound(problem, read) <= whole * (1 + 1e-6)
    assert packed(problem, read) == text and len(text) < 8000


def dearest(part: Floats) -> Floats:
    return np.full_like(part, 65535)


def half(part: Floats) -> Floats:
    return np.full_like(part, 2048)


@pytest.mark.parametrize("other", [dearest, half])
@pytest.mark.parametrize("world", range(2))
def test_partners_are_charged_no_more_than_there_is_whatever_is_written(
    world: int, other: Callable[[Floats], Floats]
) -> None:
    problem, usd, certificate = proven(world)
    plain = zlib.decompress(base64.b64decode(packed(problem, certificate)))
    kinds, hours = problem.demand.shape[1:]
    steps, parts = 6 * len(problem.pairs), 2 * 2 * len(problem.pairs) * kinds * hours
    at = len(plain) - steps - parts
    written = other(np.zeros(parts // 2)).astype(">u2").view(np.uint8).reshape(-1, 2).T.tobytes()
    text = base64.b64encode(zlib.compress(plain[:at] + written + plain[at + parts :])).decode()
    assert 0.5 * usd < bound(problem, unpacked(problem, text)) < usd


def test_prices_of_another_problem_are_refused() -> None:
    problem, _, certificate = proven(0)
    text = packed(problem, certificate)
    fewer = replace(problem, pairs=problem.pairs[:-1], pair_links=problem.pair_links[:-1])
    for other in (fewer, problem_of(TIGHT), replace(problem, demand=problem.demand[..., :1])):
        with pytest.raises(FleetTooFar, match="of another problem"):
            unpacked(other, text)
    for broken in ("", "AAAA", text[:-5], "n\u00f6"):
        with pytest.raises(FleetTooFar, match="cannot be read"):
            unpacked(problem, broken)
