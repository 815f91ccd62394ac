"""What differs between two plans: resources, cost by place, failover partners, requirements, and what they rest on."""

from collections.abc import Iterator

from contracts.comparison import (
    Comparison,
    ElsewhereDifference,
    InputDifference,
    PartnerDifference,
    PlaceDifference,
    RequirementDifference,
    ResourceDifference,
)
from contracts.names import pair_ends
from contracts.plan import Plan, PlannedResource
from contracts.resources import FailoverSpec
from planner.requirements import rounded

CENT = 1e-6
"""Documents carry six decimals: what differs by less is the same."""


def compare(before: Plan, after: Plan) -> Comparison:
    """Everything that is not the same in both, dearest first; equal ones by name."""
    resources = sorted(_resources(before, after), key=lambda item: (-abs(item.usd_per_hour), item.key))
    requirements = sorted(
        _requirements(before, after, tuple(resources)), key=lambda item: (-abs(item.usd_per_hour), item.id)
    )
    return Comparison(
        environment=after.environment,
        before=before.digest(),
        after=after.digest(),
        before_usd_per_hour=before.cost.after_usd_per_hour,
        after_usd_per_hour=after.cost.after_usd_per_hour,
        egress_before_usd_per_hour=before.cost.egress_usd_per_hour,
        egress_after_usd_per_hour=after.cost.egress_usd_per_hour,
        places=tuple(_places(before, after)),
        resources=tuple(resources),
        partners=tuple(_partners(before, after)),
        elsewhere=tuple(_elsewhere(before, after)),
        requirements=tuple(requirements),
        inputs=tuple(_inputs(before, after)),
    )


def _resources(before: Plan, after: Plan) -> Iterator[ResourceDifference]:
    old, new = _by_key(before), _by_key(after)
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        here = now or was
        assert here is not None  # it is a key of one of them
        difference = ResourceDifference(
            key=key,
            place=here.resource.place,
            before=was.resource if was else None,
            after=now.resource if now else None,
            before_usd_per_hour=was.usd_per_hour if was else 0.0,
            after_usd_per_hour=now.usd_per_hour if now else 0.0,
        )
        if difference.before != difference.after or abs(difference.usd_per_hour) > CENT:
            yield difference


def _by_key(plan: Plan) -> dict[str, PlannedResource]:
    return {item.resource.key: item for item in plan.resources}


def _places(before: Plan, after: Plan) -> Iterator[PlaceDifference]:
    """The places whose cost differs, dearest difference first."""
    old, new = _cost_by_place(before), _cost_by_place(after)
    found = [
        PlaceDifference(
            place=place, before_usd_per_hour=rounded(old.get(place, 0.0)), after_usd_per_hour=rounded(new.get(place, 0))
        )
        for place in sorted(old.keys() | new.keys())
        if abs(old.get(place, 0.0) - new.get(place, 0.0)) > CENT
    ]
    yield from sorted(found, key=lambda item: (-abs(item.after_usd_per_hour - item.before_usd_per_hour), item.place))


def _cost_by_place(plan: Plan) -> dict[str, float]:
    cost: dict[str, float] = {}
    for item in plan.resources:
        cost[item.resource.place] = cost.get(item.resource.place, 0.0) + item.usd_per_hour
    for row in plan.egress:
        source, _ = pair_ends(row.hop)
        cost[source] = cost.get(source, 0.0) + row.usd_per_hour
    return cost


def _partners(before: Plan, after: Plan) -> Iterator[PartnerDifference]:
    old, new = _shares(before), _shares(after)
    for region in sorted(old.keys() | new.keys()):
        was, now = old.get(region, {}), new.get(region, {})
        if was != now:
            yield PartnerDifference(region=region, before=was, after=now)


def _elsewhere(before: Plan, after: Plan) -> Iterator[ElsewhereDifference]:
    old, new = _hosts(before), _hosts(after)
    for region in sorted(old.keys() | new.keys()):
        was, now = old.get(region, {}), new.get(region, {})
        if was != now:
            yield ElsewhereDifference(region=region, before=was, after=now)


def _hosts(plan: Plan) -> dict[str, dict[str, float]]:
    """Shares of regions' demand that others serve, by region and host."""
    found: dict[str, dict[str, float]] = {}
    for move in plan.preference.moves if plan.preference else ():
        found.setdefault(move.region, {})[move.host] = move.share
    return found


def _shares(plan: Plan) -> dict[str, dict[str, float]]:
    shares: dict[str, dict[str, float]] = {}
    for item in plan.resources:
        if isinstance(item.resource.spec, FailoverSpec):
            shares.setdefault(item.resource.place, {})[item.resource.spec.partner] = item.resource.spec.share
    return shares


def _requirements(
    before: Plan, after: Plan, resources: tuple[ResourceDifference, ...]
) -> Iterator[RequirementDifference]:
    """Requirements that differ, with what the resources that meet them and differ make of the cost."""
    old, new = ({item.id: item for item in plan.requirements} for plan in (before, after))
    meets = {item.resource.key: set(item.reason.requirements) for plan in (before, after) for item in plan.resources}
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was != now:
            usd = sum(item.usd_per_hour for item in resources if name in meets.get(item.key, ()))
            yield RequirementDifference(id=name, before=was, after=now, usd_per_hour=rounded(usd))


def _inputs(before: Plan, after: Plan) -> Iterator[InputDifference]:
    """Whose documents they were made from, then the prices and quotas that both or one lean on."""
    if before.environment != after.environment:
        yield InputDifference(what="environment name", before=before.environment, after=after.environment)
    old, new = before.inputs.model_dump(), after.inputs.model_dump()
    for name in old:
        if old[name] != new[name]:
            yield InputDifference(what=name, before=old[name], after=new[name])
    was, now = ({item.what: item.value for item in plan.relied_on} for plan in (before, after))
    for what in sorted(was.keys() & now.keys()):
        if was[what] != now[what]:
            yield InputDifference(what=what, before=was[what], after=now[what])
