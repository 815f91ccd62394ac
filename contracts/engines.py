"""Who turns declarations into resources, in which order, and where its state is kept.

Part of `contracts.environment.Environment`.
"""

from enum import StrEnum

from pydantic import Field

from contracts.document import Model
from contracts.names import RegionName


class EngineName(StrEnum):
    """Who turns declarations into resources; one an environment."""

    TERRAFORM = "terraform"
    PULUMI = "pulumi"


class Layout(StrEnum):
    """How Pulumi stacks are cut. Terraform always has a root a region and one for links."""

    ENVIRONMENT = "environment"  # one stack, named as the environment: a bare `pulumi up` does it all
    REGION = "region"  # a stack a region and one for links: faster from some hundred resources on


class BackendKind(StrEnum):
    """Where an engine keeps its state."""

    LOCAL = "local"
    S3 = "s3"
    GCS = "gcs"
    PULUMI_CLOUD = "pulumi_cloud"


class Backend(Model):
    """Where the engine keeps its state, and how it is locked there.

    Attributes:
        bucket: of `s3` and `gcs`.
        prefix: of every state's name.
        location: the bucket's region.
        endpoint: where the bucket is answered, if not by the cloud itself.
        organisation: of Pulumi Cloud.
    """

    kind: BackendKind = BackendKind.LOCAL
    bucket: str = ""
    prefix: str = "prestage"
    location: str = ""
    endpoint: str = ""
    organisation: str = ""


class Rollout(Model):
    """In which order an apply goes through regions, and what has to hold before it goes on.

    Attributes:
        waves: regions that are applied together, one wave after the other; regions not named come last, then links.
        health_check: a program and its arguments, run after each wave; any exit code but 0 pauses the apply. It finds
            the wave's regions in PRESTAGE_WAVE, comma-separated.
        health_seconds: how long it may take.
    """

    waves: tuple[tuple[RegionName, ...], ...] = ()
    health_check: tuple[str, ...] = ()
    health_seconds: float = Field(default=300, gt=0)
