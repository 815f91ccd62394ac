"""Pulumi: declarations as custom resources, run through the Automation API or by a bare `pulumi up`."""
