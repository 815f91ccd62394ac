"""Prices that prove a bound, as a text in a plan: what they lose, and that no text proves more than there is."""

import base64
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from planner.errors import FleetTooFar
from planner.fleet import Effort, FleetProblem
from planner.fleet.bound import Certificate, certified_usd
from planner.fleet.circuits import circuits_usd
from planner.fleet.hulls import floors_of
from planner.fleet.offers import ever_useful
from planner.fleet.problem import Arcs
from planner.fleet.proof import packed, unpacked
from planner.fleet.solve import solve_proven
from tests.planner import fleet_world
from tests.planner.fleet_planned import problem_of
from tests.planner.fleet_world import Recipe

WORLD = fleet_world.fleet(Recipe(regions=6, types=5, hours=2, level=300, reserved_gbps=4, seed=8))
FALLING = replace(WORLD, fall=WORLD.domain)
TIGHT = fleet_world.with_quotas(WORLD, 1.4)
FULL = fleet_world.with_link_quotas(replace(WORLD, replication_gbps=3 * WORLD.replication_gbps), 2.0)
"""Circuits of every third pair are at their quota: another Gbps of them is worth much."""


@cache
def proven(world: int) -> tuple[FleetProblem, float, Certificate]:
    """A problem, what a fleet of it costs, and what proves that it costs hardly less."""
    problem = problem_of((WORLD, FALLING, TIGHT, FULL)[world])
    found, certificate = solve_proven(problem, Effort(passes=8, turns=2, threads=1, exact=False))
    return problem, found.usd, certificate


def bound(problem: FleetProblem, certificate: Certificate) -> float:
    arcs = Arcs.of(problem)
    return certified_usd(problem, arcs, certificate, ever_useful(problem, arcs, np.arange(problem.regions)))


@pytest.mark.parametrize("world", range(4))
def test_a_text_proves_what_its_prices_do_and_hardly_less(world: int) -> None:
    problem, usd, certificate = proven(world)
    text = packed(problem, certificate)
    read, whole = unpacked(problem, text), bound(problem, certificate)
    most = (
        usd if world == 3 else whole * (1 + 1e-6)
    )  # where quotas of links bind, how high planes lie is looked at anew
    assert whole * (1 - 1e-3) < bound(problem, read) <= most
    assert packed(problem, read) == text and len(text) < 8000


def test_planes_of_steps_lie_below_circuits_wherever_quotas_let_shares_be_and_no_lower() -> None:
    problem, _, certificate = proven(3)
    pairs, links = np.arange(len(problem.pairs)), problem.pair_links
    each, usd = problem.replication_gbps[problem.pairs], problem.tier_usd[links]
    found = floors_of(problem, pairs, certificate.steps)
    boxed = floors_of(replace(problem, link_quota=np.zeros(0)), pairs, certificate.steps)
    assert (found >= boxed - 1e-9).all() and (found > boxed + 0.1).any()
    grid = np.stack(np.meshgrid(*[np.linspace(0, 0.5, 201)] * 2), -1).reshape(-1, 2)
    base = circuits_usd(problem.gbps[links], problem.tier_gbps, usd)
    for pair in pairs.tolist():
        inside = grid[grid @ each[pair] <= problem.pair_room[pair]]
        carried = problem.gbps[links[pair]] + inside @ each[pair]
        above = circuits_usd(carried, problem.tier_gbps, usd[pair]) - base[pair] - inside @ certificate.steps[pair]
        fine = 0.0025 * certificate.steps[pair].sum()  # what the grid may miss
        assert found[pair] - 1e-9 <= above.min() <= found[pair] + fine + 1e-9


def pieces(problem: FleetProblem, text: str) -> list[tuple[bytes, bytes]]:
    """What a text says: prices served, firm, of spot and of quotas, partners' parts, steps; which, and how much.

    Written from what `planner.fleet.proof` says of itself.
    """
    regions, _, hours = problem.demand.shape
    firm = unpacked(problem, text).prices.firm[Arcs.of(problem).carrier]
    every = problem.demand.size
    sizes = (every, every, regions * hours, every * bool(problem.quota.size), int((firm > 0).sum()), problem.pairs.size)
    left, found = base64.b64decode(text), []
    for size, width in zip(sizes, (3, 3, 3, 3, 2, 3), strict=True):
        there = left[: -(-size // 8)]
        much = width * int(np.unpackbits(np.frombuffer(there, dtype=np.uint8)).sum())
        found.append((there, left[len(there) : len(there) + much]))
        left = left[len(there) + much :]
    assert not left
    return found


def text_of(found: list[tuple[bytes, bytes]]) -> str:
    return base64.b64encode(b"".join(part for piece in found for part in piece)).decode()


@pytest.mark.parametrize("part", [65535, 2048])
@pytest.mark.parametrize("world", range(2))
def test_partners_are_charged_no_more_than_there_is_whatever_is_written(world: int, part: int) -> None:
    problem, usd, certificate = proven(world)
    found = pieces(problem, packed(problem, certificate))
    bits = np.unpackbits(np.frombuffer(found[4][0], dtype=np.uint8))
    size = int((unpacked(problem, text_of(found)).prices.firm[Arcs.of(problem).carrier] > 0).sum())
    bits[:size] = 1
    found[4] = np.packbits(bits).tobytes(), size * part.to_bytes(2, "big")
    assert 0.5 * usd < bound(problem, unpacked(problem, text_of(found))) < usd


def test_prices_of_another_problem_are_refused() -> None:
    problem, _, certificate = proven(0)
    text = packed(problem, certificate)
    fewer = replace(problem, pairs=problem.pairs[:-1], pair_links=problem.pair_links[:-1])
    for other in (fewer, problem_of(TIGHT), replace(problem, demand=problem.demand[..., :1])):
        with pytest.raises(FleetTooFar, match="of another problem"):
            unpacked(other, text)
    for broken in (text[:-5], "n\u00f6"):
        with pytest.raises(FleetTooFar, match="cannot be read"):
            unpacked(problem, broken)
    for short in ("", "AAAA", text[:-8], f"AAAA{text}"):
        with pytest.raises(FleetTooFar, match="of another problem"):
            unpacked(problem, short)
