"""Rendered templates as stacks on moto, each made with the outputs of those before it."""

import boto3


def create(environment, templates, given=()):
    """Makes all stacks in their order; their resources' types by key. Parameters from elsewhere are `given`."""
    session = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    outputs: dict[str, dict[str, str]] = {}
    made: dict[str, list[str]] = {}
    for template in templates.values():
        client = session.client("cloudformation", region_name=template.location)
        name = f"{environment.name}-{template.name}"
        values = {
            parameter: outputs[source.template][source.output] if source.template else dict(given)[parameter]
            for parameter, source in template.parameters.items()
        }
        client.create_stack(
            StackName=name,
            TemplateBody=template.text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        outputs[template.name] = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", ())}
        for resource in client.list_stack_resources(StackName=name)["StackResourceSummaries"]:
            body = template.body["Resources"][resource["LogicalResourceId"]]
            made.setdefault(body["Metadata"]["prestage"]["key"], []).append(resource["ResourceType"])
    return made
