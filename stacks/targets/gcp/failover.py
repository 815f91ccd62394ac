"""Failover pairs: a health check of the region's own address, and Cloud DNS records that follow it.

A region may have several partners, each for a share of its load. One record a pair, `<region>-<partner>.<domain>`,
answers with the region's address while it is healthy, else with the partner's, wherever that lies. One a region,
`<region>.<domain>`, leads to one of its pairs, weighted by their shares: a record set has one routing policy, weights
or failover, so that the weights lie above (Cloud DNS, "DNS routing policies": weights of 0 to 1000, alias records
among the types).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from contracts.resources import LINKS_ROOT, FailoverSpec, Resource
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
            "name": _pair_name(at, spec.partner),
            "type": "A",
            "ttl": TTL_S,
            "routing_policy": policy,
        },
    )
    return replace(record, root=root)


def shared_by_region(resources: Iterable[Resource]) -> Mapping[str, tuple[Resource, ...]]:
    """Failover pairs by the region that fails over: those that stand in its own root, sorted by partner.

    What was made on demand gets its share of the answers once a plan has adopted it.
    """
    found: dict[str, list[Resource]] = defaultdict(list)
    for resource in sorted(resources, key=lambda item: item.key):
        if isinstance(resource.spec, FailoverSpec) and resource.root == resource.place:
            found[resource.place].append(resource)
    return {region: tuple(pairs) for region, pairs in found.items()}


def declare_shares(at: Placing, pairs: Iterable[Resource]) -> Iterator[Declaration]:
    """The record that all of a region's pairs share, where the account has a zone.

    Args:
        at: the first of the pairs, under the key of the record.
        pairs: all of them.
    """
    if not at.account.dns_zone:
        return
    weighted = [(pair.spec, f"{pair.key}/record") for pair in pairs if isinstance(pair.spec, FailoverSpec)]
    record = at.declare(
        "google_dns_record_set",
        "",
        {
            "managed_zone": at.account.dns_zone,
            "name": f"{at.region}.{_domain(at)}",
            "type": "CNAME",
            "ttl": TTL_S,
            "routing_policy": {
                "wrr": tuple({"weight": spec.share, "rrdatas": (_pair_name(at, spec.partner),)} for spec, _ in weighted)
            },
        },
    )
    yield replace(record, root=LINKS_ROOT, depends_on=tuple(key for _, key in weighted))


def _pair_name(at: Placing, partner: str) -> str:
    return f"{at.region}-{partner}.{_domain(at)}"


def _domain(at: Placing) -> str:
    domain = at.account.dns_domain
    if not domain:
        raise InvalidArgument(
            f"Cloud DNS wants whole names, and account {at.account.name} does not say the domain of its zone",
            where=at.key(),
            next_step=f"set `dns_domain` of account {at.account.name}",
        )
    return f"{domain.rstrip('.')}."
