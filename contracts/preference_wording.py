"""Where movable demand is served, in sentences: plans, explanations and reviews tell it alike."""

from collections.abc import Iterator
from typing import assert_never

from contracts.preference import Host, HostRefusal, Preference, RefusedHost, RegionPreference


def summary(preference: Preference, after_usd_per_hour: float) -> Iterator[str]:
    """What is served elsewhere, one sentence a region and host, and what the plan would cost without it."""
    for region in preference.regions:
        for host in region.hosts:
            yield served(region, host)
    if preference.moves and preference.at_home_usd_per_hour is not None:
        saved = preference.at_home_usd_per_hour - after_usd_per_hour
        usd = f"{preference.at_home_usd_per_hour:,.4f} USD/h, {saved:+,.4f} against this"
        yield f"with all demand at home the plan would cost {usd}"
    if preference.told:
        yield preference.told


def sentences(preference: Preference, region: str) -> Iterator[str]:
    """All that concerns one region: what of its demand is elsewhere, what it serves of others, what forbids more."""
    for item in preference.regions:
        yield from (served(item, host) for host in item.hosts if region in (item.region, host.region))
        if item.region == region:
            for who, share in item.bound.items():
                yield f"what {who} announced stays: {share:.0%} of the demand of {region}"
            yield from (refused(item, one) for one in item.refused)


def served(region: RegionPreference, host: Host) -> str:
    """`12% of the demand of fra (36 vCPU) is served in mad: 0.031 instead of 0.04 USD per vCPU hour, 18 ms of 40`."""
    home = "" if region.usd_per_vcpu_hour is None else f" instead of {region.usd_per_vcpu_hour:.4g}"
    more = f", {host.gbps:.4g} Gbps with it" if host.gbps else ""
    more += f", {host.storage_gib:.4g} GiB with it" if host.storage_gib else ""
    return (
        f"{host.share:.0%} of the demand of {region.region} ({host.vcpu:.4g} vCPU) is served in {host.region}: "
        f"{host.usd_per_vcpu_hour:.4g}{home} USD per vCPU hour, {host.latency_ms:g} ms of {region.max_latency_ms:g} "
        f"allowed{more}"
    )


def refused(region: RegionPreference, one: RefusedHost) -> str:
    """`demand of fra is not served in ams (0.0658 USD per vCPU hour): it is 90 ms away, 70 are allowed`."""
    usd = "" if one.usd_per_vcpu_hour is None else f" ({one.usd_per_vcpu_hour:.4g} USD per vCPU hour)"
    return f"demand of {region.region} is not served in {one.region}{usd}: {_why(one)}"


def _why(one: RefusedHost) -> str:
    match one.why:
        case HostRefusal.RESIDENCY:
            return "it may not have what is there (residency)"
        case HostRefusal.LATENCY:
            away = "no way leads there" if one.value is None else f"it is {one.value:g} ms away"
            return f"{away}, {one.limit:g} are allowed"
        case HostRefusal.CUSTOMER:
            return f"{one.who} does not allow it (rules.allowed_regions)"
        case HostRefusal.LEFT_AS_IT_IS:
            return "one of both is left as it is, or carried by a region that is not read"
        case HostRefusal.CARRIED_LESS:
            return f"{one.value:.0%} of its load are carried when it is lost, {one.limit:.0%} have to be"
        case HostRefusal.QUOTA:
            left = "" if one.value is None else f", {one.value:g} {one.unit}"
            return f"there is no room{left}"
        case HostRefusal.DEARER:
            return "it is dearer; the next best"
        case HostRefusal.NOT_WORTH_IT:
            return "the plan as a whole would not save enough (placement.saves_share)"
        case _:
            assert_never(one.why)
