"""`open_clouds`: the clouds of an environment, by account. Boto3 and google-auth are imported when first asked."""

from collections.abc import Mapping

from contracts.accounts import Account, TargetName
from contracts.environment import Environment
from stacks.clouds.cloud import Cloud
from stacks.targets.estate import network_key


def open_clouds(environment: Environment) -> Mapping[str, Cloud]:
    """A `Cloud` for each account that regions of the environment lie in, by the account's name."""
    regions = {account.name: _regions_of(account, environment) for account in environment.accounts}
    return {
        account.name: _open(account, regions[account.name], environment)
        for account in environment.accounts
        if regions[account.name]
    }


def _open(account: Account, regions: Mapping[str, str], environment: Environment) -> Cloud:
    if account.target is TargetName.AWS:
        from stacks.clouds.aws.cloud import AwsCloud

        return AwsCloud(account=account, regions=regions, environment=environment.name)
    from stacks.clouds.gcp.cloud import GcpCloud

    zones = {region.name: region.cloud.zones for region in environment.regions if region.cloud}
    return GcpCloud(
        account=account, regions=regions, zones=zones, environment=environment.name, claimed=_claimed(environment)
    )


def _claimed(environment: Environment) -> Mapping[str, str]:
    """What adopted networks would say of themselves: theirs is a description that nobody can change."""
    from stacks.targets.gcp import marks

    asns = {network_key(region.name): region.asn for region in environment.regions}
    return {
        item.id: marks.description(environment.name, item.key, asn=asns[item.key])
        for item in environment.adopted
        if item.key in asns
    }


def _regions_of(account: Account, environment: Environment) -> Mapping[str, str]:
    return {
        region.name: region.cloud.location
        for region in environment.regions
        if region.cloud and region.cloud.account == account.name
    }
