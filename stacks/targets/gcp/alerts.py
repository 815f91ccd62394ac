"""Alert policies: what is used above a share of what is there, told to the channels of the region's network."""

from collections.abc import Iterator, Mapping

from contracts.capacity import CapacityKind
from contracts.resources import AlertSpec
from stacks.declaration import Argument, Declaration
from stacks.errors import InvalidArgument
from stacks.targets.gcp import marks
from stacks.targets.gcp.network import channel_part
from stacks.targets.gcp.placing import Placing

_PERIOD = "300s"
_METRICS: Mapping[str, tuple[str, str, float]] = {
    CapacityKind.VCPU.value: ("compute.googleapis.com/instance/cpu/utilization", "gce_instance", 1.0),
    CapacityKind.MEMORY_GIB.value: ("agent.googleapis.com/memory/percent_used", "gce_instance", 100.0),
    CapacityKind.STORAGE_GIB.value: ("agent.googleapis.com/disk/percent_used", "gce_instance", 100.0),
}
"""By kind: the metric, what it is of, and what it says when everything is used (Cloud Monitoring, metrics lists)."""


def declare_alert(at: Placing, spec: AlertSpec) -> Iterator[Declaration]:
    """The policy of one alert.

    Raises:
        InvalidArgument: there is no metric of that kind.
    """
    if spec.metric not in _METRICS:
        raise InvalidArgument(
            f"Cloud Monitoring has no metric for {spec.metric!r}; known: {', '.join(_METRICS)}", where=at.key()
        )
    metric, resource, whole = _METRICS[spec.metric]
    threshold: Mapping[str, Argument] = {
        "filter": " AND ".join(
            (
                f'metric.type = "{metric}"',
                f'resource.type = "{resource}"',
                f'resource.labels.zone = starts_with("{at.cloud.location}-")',
                f'metadata.user_labels."{marks.ENVIRONMENT}" = "{marks.label_value(at.environment.name)}"',
            )
        ),
        "comparison": "COMPARISON_GT",
        "threshold_value": spec.threshold * whole,
        "duration": _PERIOD,
        "aggregations": (
            {
                "alignment_period": _PERIOD,
                "per_series_aligner": "ALIGN_MEAN",
                "cross_series_reducer": "REDUCE_MEAN",
            },
        ),
    }
    yield at.declare(
        "google_monitoring_alert_policy",
        "",
        {
            "display_name": at.name(),
            "combiner": "OR",
            "conditions": ({"display_name": f"{spec.metric} of {at.region}", "condition_threshold": threshold},),
            "notification_channels": tuple(
                at.network(channel_part(number), "id") for number in range(1, len(at.account.notify) + 1)
            ),
            "user_labels": at.labels(metric=spec.metric.replace("_", "-")),
        },
    )


def parse_alert(metric: str, threshold: float) -> AlertSpec | None:
    """The spec of a policy by its label and threshold; None where they are none of ours."""
    name = metric.replace("-", "_")
    return AlertSpec(metric=name, threshold=threshold / _METRICS[name][2]) if name in _METRICS else None
