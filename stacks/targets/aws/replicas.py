"""What all classes of storage share: where a replica can be, and what tags hold of a spec.

AWS replicates to another of its regions in the same account. Elsewhere, copying remains with people.
"""

from contracts.accounts import TargetName
from contracts.resources import StorageSpec
from stacks.targets.aws.placing import Placing


def replica_site(placing: Placing, spec: StorageSpec) -> Placing | None:
    """The partner's region, where AWS replicates to it by itself; None without a partner, or where it does not."""
    partner = spec.replica_region
    if partner is None or placing.environment.target_of(partner) is not TargetName.AWS:
        return None
    site = placing.at(partner)
    return site if site.account.id == placing.account.id and site.cloud.location != placing.cloud.location else None


def held_of(spec: StorageSpec) -> dict[str, str | int | float]:
    """What of a spec no attribute holds."""
    held: dict[str, str | int | float] = {"gib": spec.gib, "storage_class": spec.storage_class}
    more = {
        "replica_region": spec.replica_region,
        "iops": spec.iops,
        "throughput_mibps": spec.throughput_mibps,
        "volumes": spec.volumes,
    }
    return held | {name: value for name, value in more.items() if value}
