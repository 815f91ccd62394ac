"""Whether a fleet keeps what it was asked for: looked at anew after the solver, which is not believed."""

from dataclasses import replace

import numpy as np

from planner.errors import InputsDisagree, SolverLied
from planner.fleet.partners import too_many
from planner.fleet.problem import MOST_SHARE, NOT_OFFERED, FleetProblem, FleetSolution, Floats, Ints

SLACK = 1e-6
"""How far a constraint may be off, relative to its size."""


def refuse_odd(problem: FleetProblem) -> None:
    """Raises InputsDisagree where a number of a problem cannot be one: below nothing, or no number."""
    numbers = {
        "a price on demand": problem.on_demand_usd,
        "a price of spot": problem.spot_usd,
        "a price of a commitment": problem.committed_usd,
        "a price of a circuit": problem.tier_usd,
        "demand": problem.demand,
        "critical load": problem.critical,
        "stock": problem.stock,
        "a quota": problem.quota,
        "a quota of a link": problem.link_quota,
        "traffic": problem.gbps,
        "replication traffic": problem.replication_gbps,
        "what an instance gives": problem.gives,
    }
    for what, numbers_of in numbers.items():
        wrong = ~(numbers_of >= 0)  # what is no number is not above anything either
        if wrong.any():
            at = tuple(int(place) for place in np.argwhere(wrong)[0])
            of_links_or_types = ("traffic", "a price of a circuit", "a quota of a link", "what an instance gives")
            by_region = len(numbers_of) == problem.regions and what not in of_links_or_types
            raise InputsDisagree(
                f"{what} is {numbers_of[at]:g}",
                where=f"region {problem.name(at[0])}" if by_region else "fleet",
                expected="a number that is not below 0",
                next_step="mend it in the catalog, the inventory or the forecast",
            )


def checked_fleet(problem: FleetProblem, solution: FleetSolution) -> FleetSolution:
    """The solution itself when it keeps what it claims.

    Raises:
        SolverLied: it breaks a constraint, or its cost or bound is not one.
    """
    broken = next((what for what, wrong in _claims(problem, solution) if wrong), None)
    if broken:
        raise SolverLied(f"its fleet breaks the problem that it was given: {broken}", where="fleet")
    return solution


def _claims(problem: FleetProblem, solution: FleetSolution) -> tuple[tuple[str, bool], ...]:
    if odd := _odd_arrays(problem, solution):
        return ((f"{odd} is not what it should be", True),)
    if not _whole(solution):
        return (("counts are not whole", True),)
    problem, solution = _in_use(problem, solution)
    firm, soft = _given(problem, solution)
    shares, pairs = solution.shares, problem.pairs
    covered = np.bincount(pairs[:, 0], shares[:, 0], problem.regions)
    covered += np.bincount(pairs[:, 1], shares[:, 1], problem.regions)
    carried = problem.gbps.copy()
    np.add.at(carried, problem.pair_links, (shares * problem.replication_gbps[pairs]).sum(1))
    spot = np.einsum("t,rth->rh", problem.gives[:, 0], solution.spot)
    used = solution.committed[:, :, None] + solution.on_demand + solution.spot
    closed = shares[~problem.carries] if problem.carries.size else np.zeros(0)
    usd = _usd(problem, solution)
    return (
        ("shares", bool((shares < -SLACK).any() or (shares > MOST_SHARE + SLACK).any() or (covered < 1 - SLACK).any())),
        ("who may carry", bool((closed > SLACK).any())),
        ("partners", bool(len(too_many(problem, shares)))),
        ("demand", _short(firm + soft, problem.demand)),
        ("critical load", _short(firm, problem.critical)),
        (
            "the loss of a region",
            any(_short(firm[pairs[:, 1 - side]], _backed(problem, pairs, shares, side)) for side in (0, 1)),
        ),
        ("the loss of a fault domain", bool(problem.domain.size) and _short(firm, _at_worst(problem, shares))),
        ("spot", _short(problem.spot_share[:, None] * problem.demand[:, 0], spot)),
        ("stock", bool((used > problem.stock[:, :, None]).any())),
        ("quotas", _above_quota(problem, used)),
        ("circuits", _short(solution.circuits @ problem.tier_gbps, carried)),
        ("quotas of links", bool((solution.circuits @ problem.tier_gbps > problem.link_quotas * (1 + SLACK)).any())),
        ("something is bought that is not offered", _unoffered(problem, solution)),
        ("cost", not abs(solution.usd - usd) <= SLACK * (1 + usd)),
        ("bound", not solution.bound <= solution.usd * (1 + SLACK)),
    )


def _in_use(problem: FleetProblem, solution: FleetSolution) -> tuple[FleetProblem, FleetSolution]:
    """Both with none but the types that some region has: of hundreds, some dozens. All others count nothing."""
    counts = {name: getattr(solution, name) for name in ("committed", "on_demand", "spot")}
    kinds = np.flatnonzero(
        np.logical_or.reduce([part.any(0 if part.ndim == 2 else (0, 2)) for part in counts.values()])
    )
    by_type = ("on_demand_usd", "spot_usd", "committed_usd", "stock")
    of_types = {name: getattr(problem, name)[:, kinds] for name in by_type}
    problem = replace(problem, gives=problem.gives[kinds], loss=problem.loss[kinds], **of_types)
    return problem, replace(solution, **{name: part[:, kinds] for name, part in counts.items()})


def _odd_arrays(problem: FleetProblem, solution: FleetSolution) -> str:
    """The first array of a wrong shape, or with what is no number."""
    regions, types, kinds = *problem.stock.shape, problem.gives.shape[1]
    by_hour, worth = (regions, types, problem.hours), (regions, kinds, problem.hours)
    shapes = {
        "committed": (regions, types),
        "on_demand": by_hour,
        "spot": by_hour,
        "circuits": problem.tier_usd.shape,
        "shares": problem.pairs.shape,
        "worth": worth,
        "worth_critical": worth,
    }
    for name, shape in shapes.items():
        found = getattr(solution, name)
        if found.shape != shape or not (found.dtype.kind == "i" or np.isfinite(found).all()):
            return name
    return ""


def _usd(problem: FleetProblem, solution: FleetSolution) -> float:
    """USD over the horizon, as docs/planning-model.md counts it."""
    held = problem.hours * float((problem.committed_usd * solution.committed).sum())
    rented = float((problem.on_demand_usd * solution.on_demand.sum(2)).sum())
    risked = float((problem.spot_cost * solution.spot.sum(2)).sum())
    return held + rented + risked + problem.hours * float((problem.tier_usd * solution.circuits).sum())


def _unoffered(problem: FleetProblem, solution: FleetSolution) -> bool:
    bought = (
        (problem.committed_usd, solution.committed),
        (problem.on_demand_usd, solution.on_demand.sum(2)),
        (problem.spot_usd, solution.spot.sum(2)),
        (problem.tier_usd, solution.circuits),
    )
    return any(bool((count[usd >= NOT_OFFERED] > 0).any()) for usd, count in bought)


def _given(problem: FleetProblem, solution: FleetSolution) -> tuple[Floats, Floats]:
    """(R, K, H) what is firm, and what spot adds after its loss."""
    firm = np.einsum("tk,rth->rkh", problem.gives, solution.committed[:, :, None] + solution.on_demand)
    soft = np.einsum("tk,rth->rkh", problem.gives * (1 - problem.loss)[:, None], solution.spot)
    return np.asarray(firm, dtype=np.float64), np.asarray(soft)


def _backed(problem: FleetProblem, pairs: Ints, shares: Floats, side: int) -> Floats:
    """(P, K, H) what a carrier must hold when the region on a side of each pair is lost."""
    lost, carrier = pairs[:, side], pairs[:, 1 - side]
    return np.asarray(problem.critical[carrier] + shares[:, side, None, None] * problem.critical[lost])


def _at_worst(problem: FleetProblem, shares: Floats) -> Floats:
    """(R, K, H) what each region must hold when the domain that asks most of it is lost."""
    sent = np.zeros((int(problem.domain.max()) + 1, *problem.critical.shape))
    for lost, carrier, part in ((0, 1, shares[:, 0]), (1, 0, shares[:, 1])):
        gone, there = problem.pairs[:, lost], problem.pairs[:, carrier]
        np.add.at(sent, (problem.domain[gone], there), part[:, None, None] * problem.critical[gone])
    return np.asarray(problem.critical + sent.max(0))


def _short(have: Floats, want: Floats) -> bool:
    return bool((want - have > SLACK * np.maximum(1, np.abs(want))).any())


def _above_quota(problem: FleetProblem, used: Ints) -> bool:
    """Whether instances, (R, T, H), have more of a resource at an hour than their region may."""
    if not problem.quota.size:
        return False
    most = np.where(np.isfinite(problem.quota), problem.quota * (1 + SLACK) + SLACK, np.inf)
    return bool((np.einsum("tk,rth->rkh", problem.gives, used) > most[:, :, None]).any())


def _whole(solution: FleetSolution) -> bool:
    counts = (solution.committed, solution.on_demand, solution.spot, solution.circuits)
    return all(np.issubdtype(part.dtype, np.integer) and bool((part >= 0).all()) for part in counts)
