"""The Google provider as one region needs it."""

from collections.abc import Mapping

from contracts.environment import Environment
from stacks.declaration import ProviderConfig, Value
from stacks.errors import InvalidArgument

ENDPOINTS: Mapping[str, str] = {
    "compute_custom_endpoint": "compute/v1/",
    "compute_beta_custom_endpoint": "compute/v1/",
    "dns_custom_endpoint": "",
    "monitoring_custom_endpoint": "",
    "network_connectivity_custom_endpoint": "v1/",
    "storage_custom_endpoint": "storage/v1/",
    "storage_transfer_custom_endpoint": "",
}
"""By setting: where, below an account's endpoint, the APIs that our declarations need are answered.

To those without a path the provider adds its own (it takes a version off `https` endpoints first, off others never).
"""

ANONYMOUS = "anonymous"


def provider_of(region: str, environment: Environment) -> ProviderConfig:
    """The provider of a region.

    An account that has an endpoint of its own is asked without credentials, which the provider cannot do without a
    token: what it is given is none.

    Raises:
        InvalidArgument: the region or its account is not the environment's.
    """
    cloud, account = environment.cloud(region), environment.account(region)
    if cloud is None or account is None:
        raise InvalidArgument(f"region {region} lies in no account of the environment", where=region)
    settings: dict[str, Value] = {"project": account.id, "region": cloud.location}
    if account.role:
        settings["impersonate_service_account"] = account.role
    if account.endpoint:
        base = account.endpoint.rstrip("/")
        settings |= {name: f"{base}/{path}" for name, path in ENDPOINTS.items()}
        settings["access_token"] = ANONYMOUS
    return ProviderConfig(name=region, provider="google", settings=settings)
