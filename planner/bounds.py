"""Maxima of regions: what may serve there, whatever buys it, and the part of the demand that fits within that.

Stands between `planner.requirements`, which cuts each kind to its own maximum, and the placement: instances give all
kinds at once, so that a maximum of one of them limits what is met of the others. What is given and serves counts
towards a maximum, and stays where it is above.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from contracts.capacity import CapacityKind, Shape
from contracts.plan import Requirement
from contracts.resources import ComputeSpec, Purpose, ResourceKind
from planner.errors import SolverError
from planner.given import Given
from planner.market import Market
from planner.model import ModelBuilder, Solver, SolveStatus
from planner.question import Question
from planner.requirements import rounded
from planner.volumes import STEP_GIB, stepped

OF_SHAPES = (CapacityKind.VCPU, CapacityKind.MEMORY_GIB, CapacityKind.ACCELERATORS, CapacityKind.GBPS)
"""What instances give."""

STAYS = "stays above the maximum"
ONE_SHAPE = "maximum, met by one shape as the solver failed"
SLACK = 1e-6

Bounds = Mapping[CapacityKind, float]


def gives(shape: Shape, kind: CapacityKind) -> float:
    """What one instance of a shape gives of a kind; no network where that is not known."""
    match kind:
        case CapacityKind.VCPU:
            return shape.vcpu
        case CapacityKind.MEMORY_GIB:
            return shape.memory_gib
        case CapacityKind.ACCELERATORS:
            return shape.accelerators
        case CapacityKind.GBPS:
            return shape.network_gbps
        case CapacityKind.STORAGE_GIB | CapacityKind.ADDRESSES:
            return 0.0


def serving_room(question: Question, market: Market, given: Given, region: str) -> Bounds:
    """How much of each kind that instances give may serve at a region beside what is given; nothing of others."""
    settings = question.environment.region(region)
    most = {kind: settings.maximum[kind] for kind in OF_SHAPES if kind in settings.maximum} if settings else {}
    return {kind: max(0.0, value - _given(market, given, region, kind)) for kind, value in most.items()}


def within_maxima(
    question: Question, market: Market, asked: tuple[tuple[Requirement, ...], Given], solve: Solver
) -> tuple[Requirement, ...]:
    """What must be met, that of instances cut to what fits within the maxima of their region.

    Args:
        question: whose maxima.
        market: of it.
        asked: what must be met, each kind cut to its own maximum; and what is given towards it.
        solve: finds how much fits where that is not plain.
    """
    needs, given = asked
    needs = tuple(_with_what_stays(market, given, _in_steps(question, need)) for need in needs)
    tight = []
    for region in sorted({need.place for need in needs if need.kind in OF_SHAPES}):
        if room := serving_room(question, market, given, region):
            wanted = {
                need.kind: max(0.0, need.quantity - _given(market, given, region, need.kind))
                for need in needs
                if need.place == region and need.kind in OF_SHAPES and need.quantity > 0
            }
            shapes = tuple(shape for shape, _ in market.offered_shapes(region))
            one = _Tight(region=region, room=room, wanted=wanted, shapes=shapes)
            if shapes and _by_one_shape(one) != wanted:
                tight.append(one)
    if not tight:
        return needs
    met, told = _most_met(tight, solve)
    cut = {(one.region, kind): (one, amount) for one in tight for kind, amount in met[one.region].items()}
    return tuple(_cut(need, cut.get((need.place, need.kind)), told) for need in needs)


def bounded(question: Question, market: Market, given: Given) -> Market:
    """The market in which no more may be used of a region than may serve there and is given: of fleets.

    Where failover is shared, what serves and what stands by are the same instances, so that a maximum bounds both.
    """
    available = dict(market.available)
    for region in question.environment.regions:
        for kind, room in serving_room(question, market, given, region.name).items():
            what = (region.name, kind)
            available[what] = min(available.get(what, math.inf), room + given.use.get(what, 0.0))
    return replace(market, available=available)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tight:
    """A region with maxima: what may serve there, and what should, beside what is given."""

    region: str
    room: Bounds
    wanted: Bounds
    shapes: tuple[Shape, ...]

    def most(self, shape: Shape) -> float:
        """More of one shape than this do not fit, or are not needed."""
        fits = [room / each for kind, room in self.room.items() if (each := gives(shape, kind)) > 0]
        needed = [math.ceil(wanted / each) for kind, wanted in self.wanted.items() if (each := gives(shape, kind)) > 0]
        return math.floor(min(*fits, max(needed, default=0), math.inf) + SLACK)

    def met(self, counts: Mapping[str, int]) -> Bounds:
        """What some instances meet of what is wanted."""
        have = {
            kind: sum(gives(shape, kind) * counts.get(shape.name, 0) for shape in self.shapes) for kind in self.wanted
        }
        return {kind: min(wanted, have[kind]) for kind, wanted in self.wanted.items()}


def _most_met(tight: Iterable[_Tight], solve: Solver) -> tuple[Mapping[str, Bounds], str]:
    """By region the most that fits: the parts of all kinds that are not met are least in sum; and how it was found."""
    builder, columns = ModelBuilder(), {}
    for one in tight:
        counts = {shape.name: builder.column(0, upper=one.most(shape)) for shape in one.shapes}
        columns[one.region] = counts
        for kind, room in one.room.items():
            builder.row([(counts[shape.name], gives(shape, kind)) for shape in one.shapes], upper=room)
        for kind, wanted in one.wanted.items():
            if wanted > 0 and (_known(one.shapes, kind)):
                lacking = builder.column(1, upper=1, integer=False)
                terms = [(counts[shape.name], gives(shape, kind)) for shape in one.shapes]
                builder.row([*terms, (lacking, wanted)], lower=wanted)
    try:
        solution = solve(builder.build())
        if solution.status is SolveStatus.INFEASIBLE:  # nothing at all is always a solution
            raise SolverError("says that there is none", where=solution.program)
    except SolverError:
        return {one.region: _by_one_shape(one) for one in tight}, ONE_SHAPE
    chosen = {
        region: {name: round(float(solution.values[column])) for name, column in counts.items()}
        for region, counts in columns.items()
    }
    return {one.region: one.met(chosen[one.region]) for one in tight}, ""


def _known(shapes: Iterable[Shape], kind: CapacityKind) -> bool:
    """Whether instances are measured by a kind: a network that is not known limits nothing."""
    return kind is not CapacityKind.GBPS or all(shape.network_gbps for shape in shapes)


def _by_one_shape(one: _Tight) -> Bounds:
    found = (one.met({shape.name: int(one.most(shape))}) for shape in one.shapes)
    return max(found, key=lambda met: sum(met[kind] / wanted for kind, wanted in one.wanted.items() if wanted > 0))


def _with_what_stays(market: Market, given: Given, need: Requirement) -> Requirement:
    """What is given meets demand also above a maximum."""
    cut = -need.parts.get("maximum", 0.0)
    above = min(cut, _given(market, given, need.place, need.kind) - need.quantity) if cut > 0 else 0.0
    if above <= 0:
        return need
    return _with_part(need, STAYS, above)


def _in_steps(question: Question, need: Requirement) -> Requirement:
    """Storage as large as volumes within its maximum can be: they grow in steps."""
    settings = question.environment.region(need.place)
    most = settings.maximum.get(need.kind, math.inf) if settings else math.inf
    if need.kind is not CapacityKind.STORAGE_GIB or stepped(need.quantity, STEP_GIB) <= most or most < STEP_GIB:
        return need
    return _with_part(need, "maximum", most // STEP_GIB * STEP_GIB - need.quantity)


def _cut(need: Requirement, found: tuple[_Tight, float] | None, told: str) -> Requirement:
    """The requirement without what does not fit, which is a part of its own."""
    if found is None:
        return need
    one, met = found
    lacking = one.wanted[need.kind] - met
    if lacking <= SLACK * max(1.0, need.quantity):
        return need
    others = [kind.value for kind in one.room if kind is not need.kind]
    name = "maximum" if need.kind in one.room else f"maximum of {' and '.join(others)}"
    return _with_part(need, told or name, -lacking)


def _with_part(need: Requirement, name: str, amount: float) -> Requirement:
    parts = {**need.parts, name: rounded(need.parts.get(name, 0.0) + amount)}
    return need.model_copy(update={"parts": parts, "quantity": rounded(max(0.0, sum(parts.values())))})


def _given(market: Market, given: Given, region: str, kind: CapacityKind) -> float:
    """What is given of a kind and serves at a region."""
    total = 0.0
    for resource in given.of(region, ResourceKind.COMPUTE, Purpose.SERVING):
        spec = resource.spec
        if isinstance(spec, ComputeSpec) and (shape := market.shapes.get(spec.shape)):
            total += gives(shape, kind) * spec.count
    return total
