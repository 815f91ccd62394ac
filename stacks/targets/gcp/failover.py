"""Failover pairs: a health check of the region's own address, and a Cloud DNS record that follows it.

The record answers with the region's address while it is healthy, else with the partner's, wherever that lies. One
record a pair: `<region>-<partner>.<domain>`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from contracts.resources import LINKS_ROOT, FailoverSpec
from stacks.declaration import Argument, Declaration, Ref
from stacks.errors import InvalidArgument
from stacks.targets.fronts import front_of
from stacks.targets.gcp.placing import Placing

CHECKED_PORT = 443
PROBES = ("us-central1", "europe-west1", "asia-east1")
"""Where external endpoints are probed from: Cloud DNS wants three regions (Cloud DNS, "Health checks")."""

TTL_S = 30


def declare_failover(at: Placing, spec: FailoverSpec) -> Iterator[Declaration]:
    """The health check; and the record, where the account has a zone.

    Raises:
        InvalidArgument: the zone's domain is not known, or the partner has no public address.
    """
    yield at.declare(
        "google_compute_health_check",
        "",
        {
            "name": at.name(),
            "description": at.description(share=spec.share),
            "check_interval_sec": TTL_S,  # no less for external endpoints
            "timeout_sec": 5,
            "healthy_threshold": 2,
            "unhealthy_threshold": 2,
            "tcp_health_check": {"port": CHECKED_PORT},
            "source_regions": PROBES,
        },
    )
    if at.account.dns_zone:
        yield _record(at, spec)


def _record(at: Placing, spec: FailoverSpec) -> Declaration:
    root = LINKS_ROOT if at.resource.root == at.resource.place else at.resource.root
    check = Ref(key=at.key(), attribute="self_link", root="" if root == at.resource.root else at.resource.root)
    own, partner = (front_of(region, at.environment, root=root) for region in (at.region, spec.partner))
    if not partner:
        raise InvalidArgument(
            f"the record of {at.region} points to {spec.partner} when it is lost, which has no public address",
            where=at.key(),
            next_step=f"set `gateway` of region {spec.partner}",
        )
    policy: Mapping[str, Argument] = {
        "health_check": check,
        "primary_backup": {
            "primary": {"external_endpoints": (own,)},
            "backup_geo": ({"location": at.cloud.location, "rrdatas": (partner,)},),
        },
    }
    record = at.declare(
        "google_dns_record_set",
        "record",
        {
            "managed_zone": at.account.dns_zone,
            "name": f"{at.region}-{spec.partner}.{_domain(at)}",
            "type": "A",
            "ttl": TTL_S,
            "routing_policy": policy,
        },
    )
    return replace(record, root=root)


def _domain(at: Placing) -> str:
    domain = at.account.dns_domain
    if not domain:
        raise InvalidArgument(
            f"Cloud DNS wants whole names, and account {at.account.name} does not say the domain of its zone",
            where=at.key(),
            next_step=f"set `dns_domain` of account {at.account.name}",
        )
    return f"{domain.rstrip('.')}."
