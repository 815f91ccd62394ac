"""Plan documents over the world of two clouds and premises."""

from datetime import UTC, datetime, timedelta

from contracts.plan import Cost, Inputs, Plan, PlannedResource, Reason, ReasonCode

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def plan_of(environment, resources):
    """A plan that wants just these resources."""
    reason = Reason(code=next(iter(ReasonCode)))
    wanted = sorted(resources, key=lambda item: item.key)
    return Plan(
        environment=environment.name,
        engine=environment.engine,
        made_at=NOW,
        expires_at=NOW + timedelta(days=1),
        inputs=Inputs(forecast="f", capacity="c", catalog="k", environment="e", rules="r", ledger="l"),
        requirements=(),
        resources=tuple(PlannedResource(resource=item, usd_per_hour=1, reason=reason) for item in wanted),
        changes=(),
        cost=Cost(
            before_usd_per_hour=0,
            after_usd_per_hour=0,
            optimised_usd_per_hour=0,
            lower_bound_usd_per_hour=0,
            gap=0,
        ),
    )
