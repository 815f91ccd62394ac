"""Failover records, health checks, alarms and topics in CloudFormation."""

from collections.abc import Mapping

from stacks.engines.cloudformation.shapes import REF, TAGS, Form, Place, Shape

WATCHING: Mapping[str, Shape] = {
    "aws_route53_health_check": Shape(
        type="AWS::Route53::HealthCheck",
        places={
            "failure_threshold": Place("HealthCheckConfig.FailureThreshold"),
            "ip_address": Place("HealthCheckConfig.IPAddress"),
            "port": Place("HealthCheckConfig.Port"),
            "request_interval": Place("HealthCheckConfig.RequestInterval"),
            "type": Place("HealthCheckConfig.Type"),
            "tags": Place("HealthCheckTags", Form.PAIRS),
        },
        attributes={"id": REF},
    ),
    "aws_route53_record": Shape(
        type="AWS::Route53::RecordSet",
        places={
            "name": Place("Name", Form.IN_ZONE, "zone_id"),
            "zone_id": Place("HostedZoneId"),
            "ttl": Place("TTL"),
            "records": Place("ResourceRecords"),
            "failover_routing_policy": Place(""),
            "failover_routing_policy.type": Place("Failover"),
            "weighted_routing_policy": Place(""),
            "alias": Place("AliasTarget"),
            "alias.name": Place("DNSName"),
            "alias.zone_id": Place("HostedZoneId"),
        },
        attributes={"fqdn": REF},
    ),
    "aws_cloudwatch_metric_alarm": Shape(
        type="AWS::CloudWatch::Alarm",
        places={
            **TAGS,
            "dimensions": Place("Dimensions", Form.NAMED),
            "ok_actions": Place("OKActions"),
            "metric_query": Place("Metrics"),
            "metric_query.metric": Place("MetricStat"),
            "metric_query.metric.namespace": Place("Metric.Namespace"),
            "metric_query.metric.metric_name": Place("Metric.MetricName"),
            "metric_query.metric.dimensions": Place("Metric.Dimensions", Form.NAMED),
        },
    ),
    "aws_sns_topic": Shape(
        type="AWS::SNS::Topic", places={**TAGS, "name": Place("TopicName")}, attributes={"arn": REF}
    ),
    "aws_sns_topic_subscription": Shape(type="AWS::SNS::Subscription"),
}
