"""Failover records, health checks, alarms and topics in CloudFormation."""

from collections.abc import Mapping

from stacks.engines.cloudformation.shapes import REF, TAGS, Form, Place, Shape

WATCHING: Mapping[str, Shape] = {
    "aws_route53_health_check": Shape(
        type="AWS::Route53::HealthCheck",
        places={"tags": Place("HealthCheckTags", Form.PAIRS)},
        attributes={"id": REF},
    ),
    "aws_route53_record": Shape(type="AWS::Route53::RecordSet", places={}, attributes={"id": REF}),
    "aws_cloudwatch_metric_alarm": Shape(
        type="AWS::CloudWatch::Alarm",
        places={**TAGS, "alarm_name": Place("AlarmName"), "dimensions": Place("Dimensions", Form.NAMED)},
        attributes={"id": REF, "arn": "Arn"},
    ),
    "aws_sns_topic": Shape(
        type="AWS::SNS::Topic", places={**TAGS, "name": Place("TopicName")}, attributes={"id": REF, "arn": REF}
    ),
    "aws_sns_topic_subscription": Shape(type="AWS::SNS::Subscription", attributes={"id": REF, "arn": REF}),
}
