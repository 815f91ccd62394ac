"""Alarms of a region, each over a metric that CloudWatch has by itself or through its agent; they go to its topic.

Sources: CloudWatch user guide, "Visualizing your service quotas and setting alarms" (SERVICE_QUOTA, AWS/Usage),
"Metrics collected by the CloudWatch agent", "CloudWatch Metrics Insights"; Amazon VPC Transit Gateways, "Quotas"
(50 Gbps a zone of a VPC attachment).
"""

from collections.abc import Callable, Iterator, Mapping

from contracts.capacity import CapacityKind
from contracts.resources import AlertSpec
from contracts.spelling import likely
from stacks.declaration import Argument, Declaration
from stacks.errors import InvalidArgument
from stacks.targets.aws.placing import Arguments, Placing

PERIOD_S = 300
PERIODS = 3
ATTACHMENT_GBPS = 50


def declare_alert(placing: Placing, spec: AlertSpec) -> Iterator[Declaration]:
    """The alarm under the resource's own key.

    Raises:
        InvalidArgument: CloudWatch has no such metric.
    """
    queries = QUERIES.get(spec.metric)
    if queries is None:
        raise InvalidArgument(
            f"CloudWatch has no metric of {spec.metric!r}",
            where=placing.key(),
            expected=f"one of {', '.join(sorted(QUERIES))}",
            next_step=likely(spec.metric, QUERIES) or "leave this alert to Prestage's own metrics",
        )
    actions: tuple[Argument, ...] = (placing.network("alerts", "arn"),)
    alarm: Arguments = {
        "alarm_name": placing.name(limit=255),
        "alarm_description": f"{spec.metric} of {placing.region} above {spec.threshold:.0%} of what there is",
        "comparison_operator": "GreaterThanThreshold",
        "threshold": 100 * spec.threshold,
        "evaluation_periods": PERIODS,
        "treat_missing_data": "missing",
        "metric_query": queries(placing),
        "alarm_actions": actions,
        "ok_actions": actions,
        "tags": placing.tags(metric=spec.metric, threshold=spec.threshold),
    }
    yield placing.declare("aws_cloudwatch_metric_alarm", "", alarm)


def _of_quota(placing: Placing) -> tuple[Argument, ...]:
    """The account's vCPUs of standard instances, as a share of the quota in its region."""
    metric: Arguments = {
        "namespace": "AWS/Usage",
        "metric_name": "ResourceCount",
        "stat": "Maximum",
        "period": PERIOD_S,
        "dimensions": {"Service": "EC2", "Type": "Resource", "Resource": "vCPU", "Class": "Standard/OnDemand"},
    }
    return _share("100 * used / SERVICE_QUOTA(used)", metric)


def _of_attachment(placing: Placing) -> tuple[Argument, ...]:
    """What leaves the network by its transit gateway, as a share of what its attachment carries."""
    metric: Arguments = {
        "namespace": "AWS/TransitGateway",
        "metric_name": "BytesIn",
        "stat": "Sum",
        "period": PERIOD_S,
        "dimensions": {
            "TransitGateway": placing.network("transit"),
            "TransitGatewayAttachment": placing.network("transit-attachment"),
        },
    }
    return _share(f"100 * 8 * used / {PERIOD_S} / {ATTACHMENT_GBPS * 1_000_000_000}", metric)


def _by_agent(metric_name: str) -> Callable[[Placing], tuple[Argument, ...]]:
    def queries(placing: Placing) -> tuple[Argument, ...]:
        average: Arguments = {
            "id": "share",
            "expression": f'SELECT AVG({metric_name}) FROM "CWAgent"',
            "period": PERIOD_S,
            "return_data": True,
        }
        return (average,)

    return queries


def _share(expression: str, metric: Arguments) -> tuple[Argument, ...]:
    used: Arguments = {"id": "used", "metric": metric, "return_data": False}
    share: Arguments = {"id": "share", "expression": expression, "label": "share in percent", "return_data": True}
    return used, share


QUERIES: Mapping[str, Callable[[Placing], tuple[Argument, ...]]] = {
    CapacityKind.VCPU: _of_quota,
    CapacityKind.GBPS: _of_attachment,
    CapacityKind.MEMORY_GIB: _by_agent("mem_used_percent"),
    CapacityKind.STORAGE_GIB: _by_agent("disk_used_percent"),
}
