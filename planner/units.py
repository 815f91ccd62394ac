"""Staged units as resources: free ones that exist stay, new ones are numbered, a surplus goes if it is free."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network

from contracts.ledger import UnitState
from contracts.plan import ReasonCode, Requirement
from contracts.resources import BlockSpec, CircuitSpec, ComputeSpec, Purpose, Resource, ResourceKind, Spec, root_of
from contracts.risk import Scarce
from contracts.staging import Advised
from planner.address_stock.lengths import LengthRequests
from planner.addresses import AddressSpace
from planner.alternatives import unit_alternatives
from planner.desired import Desired, Wish
from planner.keys import block_key, item_key, unit_key
from planner.nobodys import advised_moves, better_lying
from planner.question import TAKEN, Question
from planner.requirements import rounded
from planner.scale_in import CALM_SHARE
from planner.scarce_units import scarce_unit
from planner.staging import StagedUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What exists that could be a free unit: live resources by key, and the ledger's word on them."""

    live: Mapping[str, Resource]
    states: Mapping[str, UnitState]

    @classmethod
    def of(cls, question: Question) -> "Stock":
        return cls(live=question.live(), states=question.unit_states())

    def free(self, units: StagedUnits) -> list[Resource]:
        """Free units of a kind at a place, by key: staged by a plan, or given back by a customer."""
        return [resource for key, resource in sorted(self.live.items()) if self._is_free(key, resource, units)]

    def _is_free(self, key: str, resource: Resource, units: StagedUnits) -> bool:
        state = self.states.get(key)
        if (resource.place, resource.kind) != (units.place, units.kind):
            return False
        if state in TAKEN:
            return False
        staged = key.startswith(item_key(units.place, units.kind, Purpose.STAGED, "")) or state is UnitState.STAGED
        if isinstance(resource.spec, BlockSpec):
            return staged and units.blocks is not None and _has_length(resource.spec, units.blocks)
        return staged and resource.spec == units.spec


def want_units(
    desired: Desired, question: Question, units: tuple[StagedUnits, ...], spaces: dict[str, AddressSpace]
) -> None:
    """Wants as many free units as the requirements say, as far as there is room; blocks where they lie well."""
    stock, may_move = Stock.of(question), question.environment.addresses.advice is Advised.PLAN
    stay: list[tuple[StagedUnits, Resource]] = []
    for kind in units:
        free, moving = stock.free(kind), may_move and kind.wait is None
        movable = [item for item in free if item.key not in desired.resources]
        found = len(free) - len(movable)  # pinned ones stand ready as well
        taken_keys = {*stock.live, *stock.states, *desired.resources}
        enough = kind.wait is not None and len(free) >= kind.count
        coming = kind.wait.coming if kind.wait else {}
        movable.sort(key=lambda unit: unit.key not in coming)
        most = _most(kind, free) if question.environment.rules.calm else kind.count
        for unit in movable[: max(0, most - found)]:
            better = better_lying(kind, unit, spaces[kind.place]) if moving and kind.blocks else None
            if better and _want(desired, kind, block_key(kind.place, Purpose.STAGED, better.prefix), better):
                found += 1
                continue
            stay += [(kind, unit)] if kind.blocks else []
            found += _want(desired, kind, unit.key, unit.spec, coming.get(unit.key))
        lacking = 0 if enough else kind.count - found
        for key, spec in _new_units(kind, lacking, taken_keys, spaces):
            if not _want(desired, kind, key, spec, kind.wait.ready_at if kind.wait else None):
                break
            found += 1
        if found or kind.count:
            desired.requirements.append(_met(kind, found, enough=enough))
        if found < kind.count and not enough and (lacks := _scarce(desired, kind, found)):
            desired.scarce.append(lacks)
    if not may_move:
        desired.block_moves = tuple(advised_moves(stay, spaces))


def _scarce(desired: Desired, units: StagedUnits, found: int) -> Scarce | None:
    """What room for one more unit would be worth, where there are so many."""
    item = _item(units.spec) if units.spec else f"/{units.blocks.length}" if units.blocks else ""
    at = units.place, units.requirement.kind
    return scarce_unit(desired.market, at, (item, units.size), units.odds.next_unit_usd(found))


def _most(units: StagedUnits, free: Sequence[Resource]) -> int:
    """How many free units there may be: a tenth more than wanted stay; of what comes late, what is needed till then."""
    if units.wait is None or len(free) < units.count:
        return max(units.count, min(len(free), math.floor(units.count * (1 + CALM_SHARE))))
    return len(units.wait.coming) + units.wait.stays


def _want(desired: Desired, units: StagedUnits, key: str, spec: Spec, ready_at: datetime | None = None) -> bool:
    """Wants one unit where there is room for it."""
    probe = Resource(key=key, place=units.place, root=root_of(units.place), purpose=Purpose.STAGED, spec=spec)
    if not desired.fits(probe):
        return False
    desired.want(
        Wish(
            key=key,
            place=units.place,
            purpose=Purpose.STAGED,
            spec=spec,
            code=ReasonCode.STAGING,
            requirements=(units.requirement.id,),
            alternatives=unit_alternatives(desired.market, units.place, spec)
            if isinstance(spec, ComputeSpec | CircuitSpec)
            else (),
            ready_at=ready_at,
        )
    )
    return True


def _new_units(
    units: StagedUnits, count: int, taken: set[str], spaces: dict[str, AddressSpace]
) -> Iterator[tuple[str, Spec]]:
    """Keys and specs of units to make: blocks named by their prefix, everything else by the first free numbers."""
    number = 0
    for _ in range(count):
        if units.spec is None:
            block = _carved(units, spaces[units.place])
            if block is None:
                return
            yield block_key(units.place, Purpose.STAGED, block.prefix), block
            continue
        stem = item_key(units.place, units.kind, Purpose.STAGED, _item(units.spec))
        number += 1
        while unit_key(stem, f"{number:04d}") in taken:
            number += 1
        yield unit_key(stem, f"{number:04d}"), units.spec


def _carved(units: StagedUnits, space: AddressSpace) -> BlockSpec | None:
    """A new block, where it does least harm for as long as it may stay."""
    asked = units.blocks
    if asked is None:
        return None
    block = space.carve(asked.length, hours=asked.placed_for_hours, version=asked.version)
    if block is not None:
        space.nobody_has(block)
    return block


def _has_length(spec: BlockSpec, asked: LengthRequests) -> bool:
    network = ip_network(spec.prefix)
    return (network.version, network.prefixlen) == (asked.version, asked.length)


def _item(spec: Spec) -> str:
    match spec.kind:
        case ResourceKind.COMPUTE:
            return spec.shape
        case ResourceKind.STORAGE:
            return spec.storage_class
        case ResourceKind.CIRCUIT:
            return spec.tier
        case _:
            raise AssertionError(f"{spec.kind} is no numbered unit")


def _met(units: StagedUnits, found: int, *, enough: bool) -> Requirement:
    """The requirement as it is met: what stays beyond it, or what there is no room for, is a part of its own."""
    difference = (found - units.count) * units.size
    if not difference:
        return units.requirement
    name = "kept from the last plan" if difference > 0 else "no room"
    changed: dict[str, object] = {"quantity": rounded(units.requirement.quantity + difference)}
    if enough and units.wait:
        name = f"needed within {units.wait.hours:g} h" if difference > 0 else "not needed before more is there"
        changed["forecast"] = units.wait.forecast
    changed["parts"] = {**units.requirement.parts, name: rounded(difference)}
    return units.requirement.model_copy(update=changed)
