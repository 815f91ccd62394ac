"""Provider configurations of regions on AWS: one a region, because hashicorp/aws 5 has no region on most resources."""

from collections.abc import Mapping

from contracts.environment import Environment
from stacks.declaration import ProviderConfig, Value
from stacks.errors import InvalidArgument

SERVICES = (
    "autoscaling", "cloudwatch", "directconnect", "dlm", "ec2", "efs", "iam", "route53", "s3", "sns", "sts",
)  # fmt: skip
"""Names of the services that declarations need, as the provider's `endpoints` block has them."""


def provider_of(region: str, environment: Environment) -> ProviderConfig:
    """The provider that makes a region's resources: never in another account than the region's.

    Raises:
        InvalidArgument: the region lies in no account of the environment.
    """
    cloud, account = environment.cloud(region), environment.account(region)
    if cloud is None or account is None:
        raise InvalidArgument("lies in no AWS account of the environment", where=region)
    settings: dict[str, Value] = {"region": cloud.location, "allowed_account_ids": (account.id,)}
    if account.role:
        settings["assume_role"] = {"role_arn": account.role, "session_name": f"prestage-{environment.name}"}
    if account.endpoint:
        settings |= _answered_at(account.endpoint)
    return ProviderConfig(name=region, provider="aws", settings=settings)


def _answered_at(endpoint: str) -> Mapping[str, Value]:
    """Settings for an emulator, or for an address of one's own before the cloud."""
    return {
        "endpoints": dict.fromkeys(SERVICES, endpoint),
        "s3_use_path_style": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": True,
        "skip_region_validation": True,
    }
